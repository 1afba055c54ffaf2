"""What a cgroup's files tell beyond use: throttling, caches, devices, pressure. What is missing is 0."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from kubelet.runtime.usage import DeviceUse, Pressure, Stall, UsageDetail

_TICK = 10**9 // os.sysconf("SC_CLK_TCK")
PRESSURES = ("cpu", "memory", "io")
_NO_LIMIT = 1 << 62
BLKIO = "blkio.throttle.{}_recursive"


def detail_v1(root: Path, paths: Mapping[str, str], memory_stat: Mapping[str, int]) -> UsageDetail:
    def group(controller: str) -> Path:
        return root / controller / paths.get(controller, paths["memory"]).lstrip("/")

    cpu, ticks = _stat(group("cpu") / "cpu.stat"), _stat(group("cpuacct") / "cpuacct.stat")
    memory = group("memory")
    return UsageDetail(
        cpu_user=ticks.get("user", 0) * _TICK,
        cpu_system=ticks.get("system", 0) * _TICK,
        periods=cpu.get("nr_periods", 0),
        throttled_periods=cpu.get("nr_throttled", 0),
        throttled=cpu.get("throttled_time", 0),
        cache=memory_stat.get("total_cache", 0),
        mapped_files=memory_stat.get("total_mapped_file", 0),
        swap=memory_stat.get("total_swap", 0),
        swap_limit=_swap_limit_v1(memory),
        most_memory=_number(memory / "memory.max_usage_in_bytes"),
        limit_hits=_number(memory / "memory.failcnt"),
        oom_kills=_stat(memory / "memory.oom_control").get("oom_kill", 0),
        devices=parse_blkio(
            _text(group("blkio") / BLKIO.format("io_service_bytes")),
            _text(group("blkio") / BLKIO.format("io_serviced")),
        ),
    )


def detail_v2(group: Path, memory_stat: Mapping[str, int], cpu_stat: Mapping[str, int]) -> UsageDetail:
    events = _stat(group / "memory.events")
    return UsageDetail(
        cpu_user=cpu_stat.get("user_usec", 0) * 1000,
        cpu_system=cpu_stat.get("system_usec", 0) * 1000,
        periods=cpu_stat.get("nr_periods", 0),
        throttled_periods=cpu_stat.get("nr_throttled", 0),
        throttled=cpu_stat.get("throttled_usec", 0) * 1000,
        cache=memory_stat.get("file", 0),
        mapped_files=memory_stat.get("file_mapped", 0),
        swap=_number(group / "memory.swap.current"),
        swap_limit=limit_of(group / "memory.swap.max"),
        most_memory=_number(group / "memory.peak"),
        limit_hits=events.get("max", 0),
        oom_kills=events.get("oom_kill", 0),
        devices=parse_io_stat(_text(group / "io.stat")),
    )


def limit_of(path: Path) -> int | None:
    """None for none, which is `max` in version 2 and a number beyond any memory in version 1."""
    text = _text(path).strip() or "max"
    return None if text == "max" or int(text) >= _NO_LIMIT else int(text)


def _swap_limit_v1(memory: Path) -> int | None:
    """Version 1 limits memory and swap together."""
    both, alone = limit_of(memory / "memory.memsw.limit_in_bytes"), limit_of(memory / "memory.limit_in_bytes")
    return None if both is None or alone is None else both - alone


def read_pressure(group: Path) -> dict[str, Pressure]:
    """Of the resources that the kernel keeps it of."""
    texts = {each: _text(group / f"{each}.pressure") for each in PRESSURES}
    return {each: parse_pressure(text) for each, text in texts.items() if text}


def parse_pressure(text: str) -> Pressure:
    stalls = {}
    for line in text.splitlines():
        kind, *pairs = line.split()
        fields = dict(pair.split("=") for pair in pairs)
        averages = (float(fields[each]) for each in ("avg10", "avg60", "avg300"))
        stalls[kind] = Stall(int(fields["total"]), *averages)
    return Pressure(stalls.get("some", Stall()), stalls.get("full", Stall()))


def parse_io_stat(text: str) -> dict[str, DeviceUse]:
    return {device_name(number): use for number, use in io_by_number(text).items()}


def io_by_number(text: str) -> dict[str, DeviceUse]:
    """Version 2: `8:0 rbytes=1 wbytes=2 rios=3 wios=4 ...`.

    Some kernels write the numbers of devices without use before it on the same line, some add what is no
    whole number.
    """
    found: dict[str, DeviceUse] = {}
    for line in text.splitlines():
        number = line.partition("=")[0].split()[-2:-1]  # the last before the pairs, if there are any
        pairs = (word.partition("=") for word in line.split())
        fields = {key: int(value) for key, _, value in pairs if value.isdigit()}
        use = (fields.get(each, 0) for each in ("rbytes", "wbytes", "rios", "wios"))
        found |= {each: DeviceUse(*use) for each in number}
    return found


def parse_blkio(amounts: str, counts: str) -> dict[str, DeviceUse]:
    """Version 1: `8:0 Read 1`, of bytes and of operations."""
    sizes, numbers = blkio_by_number(amounts), blkio_by_number(counts)
    return {
        device_name(number): DeviceUse(
            of.get("Read", 0),
            of.get("Write", 0),
            numbers.get(number, {}).get("Read", 0),
            numbers.get(number, {}).get("Write", 0),
        )
        for number, of in sizes.items()
    }


def blkio_by_number(text: str) -> dict[str, dict[str, int]]:
    """By `major:minor`, then by operation."""
    found: dict[str, dict[str, int]] = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) == 3:
            found.setdefault(fields[0], {})[fields[1]] = int(fields[2])
    return found


@cache
def device_name(number: str) -> str:
    """/dev/NAME of `major:minor`; the numbers where the kernel has no name for them."""
    for line in _text(Path("/sys/dev/block", number, "uevent")).splitlines():
        if line.startswith("DEVNAME="):
            return f"/dev/{line.removeprefix('DEVNAME=')}"
    return number


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _number(path: Path) -> int:
    text = _text(path).strip()
    return int(text) if text.isdigit() else 0


def _stat(path: Path) -> dict[str, int]:
    return parse_stat(_text(path))


def parse_stat(text: str) -> dict[str, int]:
    pairs = (line.split() for line in text.splitlines())
    return {key: int(value) for key, value in pairs}
