"""How a hollow container plays: read from annotations `hollow.sampan.io/<what>[.<container>]`. Pure.

start-latency: 500ms | 1s-5s      how long create-to-running takes (a range is drawn from the seeded random)
exit-after: 10s, exit-code: "1"   it ends by itself
oom: "true"                       the end is an OOM kill (137)
ready-after: 2s                   when `answers` (http, tcp and grpc probes) begins to say yes
fail-after: 30s                   when `answers` begins to say no again
stop-after: 1s, stop-code: "143"  how it takes its stop signal
create-error, start-error: text   the engine refuses, in these words
memory: 64Mi, cpu: 250m           what `usage` shows
log: text                         what it writes when it starts
log-every: 1s                     and then again and again
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from apimachinery.durations import parse_duration
from apimachinery.quantity import parse_quantity
from kubelet.runtime.interface import HOLLOW_PREFIX

DEFAULT_MEMORY = 1 << 20


@dataclass(frozen=True, slots=True)
class Behaviour:
    start_latency: str = ""
    exit_after: str = ""
    exit_code: int = 0
    oom: bool = False
    ready_after: float = 0.0
    fail_after: float = float("inf")
    stop_after: float = 0.0
    stop_code: int = 143
    create_error: str = ""
    start_error: str = ""
    log: str = ""
    log_every: float = 0.0
    """Seconds; 0 for once."""
    memory: int = DEFAULT_MEMORY
    cpu: float = 0.001
    """CPUs in use while it runs."""


DEFAULT = Behaviour()


def behaviour_of(container: str, annotations: Mapping[str, str]) -> Behaviour:
    """Of this container of a pod with these annotations; its own ones win over those for all."""
    told = {key: value for key, value in annotations.items() if key.startswith(HOLLOW_PREFIX)}
    if not told:
        return DEFAULT

    def get(what: str) -> str:
        key = HOLLOW_PREFIX + what
        return told.get(f"{key}.{container}", told.get(key, ""))

    return Behaviour(
        start_latency=get("start-latency"),
        exit_after=get("exit-after"),
        exit_code=int(get("exit-code") or 0),
        oom=get("oom") == "true",
        ready_after=parse_duration(get("ready-after") or "0"),
        fail_after=parse_duration(get("fail-after")) if get("fail-after") else float("inf"),
        stop_after=parse_duration(get("stop-after") or "0"),
        stop_code=int(get("stop-code") or DEFAULT.stop_code),
        create_error=get("create-error"),
        start_error=get("start-error"),
        log=get("log"),
        log_every=parse_duration(get("log-every") or "0"),
        **use_of(get("memory"), get("cpu")),
    )


def use_of(memory: str, cpu: str) -> dict[str, Any]:
    """Of quantities; of '' the default."""
    return {
        "memory": parse_quantity(memory).value() if memory else DEFAULT_MEMORY,
        "cpu": parse_quantity(cpu).milli_value() / 1000 if cpu else DEFAULT.cpu,
    }


def draw(text: str, random: Random) -> float:
    """Seconds of `500ms`, or of a range `1s-5s`."""
    low, dash, high = text.partition("-")
    if not dash:
        return parse_duration(low)
    return random.uniform(parse_duration(low), parse_duration(high))
