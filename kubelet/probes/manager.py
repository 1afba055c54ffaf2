"""The workers that probe the containers of all pods.

One per probe of a running container, and their verdicts. A worker belongs to one container id: a
restarted container begins with new workers and no verdicts.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from apimachinery.objects import Object, get_path, is_terminating, uid_of
from client.events import WARNING
from kubelet.events import Recorder
from kubelet.pods.seen import Verdicts, has_started, is_running, newest_container, running_containers
from kubelet.probes.history import ProbeHistory
from kubelet.probes.outcome import Attempt, Outcome, ProbeKind
from kubelet.probes.prober import Prober
from kubelet.probes.threshold import ProbeSpec, ProbeState, first_state, is_final, spec_of, step
from kubelet.references import container_reference, pod_full_name
from kubelet.runtime.interface import RuntimeContainer, RuntimePod
from kubelet.tasks import TaskSet

log = logging.getLogger(__name__)

MAX_RETRIES = 3
"""Of an attempt that itself went wrong."""

_FIELDS = {
    ProbeKind.STARTUP: "startupProbe",
    ProbeKind.LIVENESS: "livenessProbe",
    ProbeKind.READINESS: "readinessProbe",
}
_Key = tuple[str, ProbeKind]


@dataclass(frozen=True, slots=True)
class _Target:
    """A probe of one incarnation of a container."""

    pod: Object
    container: Object
    container_id: str
    kind: ProbeKind
    started_at: float
    pod_ip: str


HEAD_START = 0.15
"""Seconds from a container's start to its first probe.

Upstream hears of a start within a second, we hear at once: a probe this early would fail, say so in an
Event and cost a whole period.
"""


class ProbeManager:
    """`update` after each look at a pod; `verdicts` for the planners; `changed(uid)` when a verdict turns."""

    def __init__(
        self,
        prober: Prober,
        recorder: Recorder,
        changed: Callable[[str], None],
        now: Callable[[], datetime],
        rng: random.Random,
    ) -> None:
        self._prober = prober
        self._recorder = recorder
        self._changed = changed
        self._now = now
        self._random = rng
        self.history = ProbeHistory(now)
        self._began = now().timestamp()
        self._workers: dict[str, TaskSet[_Key]] = {}
        self._verdicts: dict[str, dict[_Key, bool]] = {}

    def update(self, pod: Object, seen: RuntimePod | None) -> None:
        """Starts workers for containers that run now, ends those of containers that do not."""
        uid = uid_of(pod)
        alive = {each.id: each for each in running_containers(seen)}
        if uid not in self._verdicts:
            self._verdicts[uid] = _adopted(pod, alive)
        known = self._verdicts[uid]
        for key in [key for key in known if key[0] not in alive]:
            del known[key]
        wanted = {(each.container_id, each.kind): each for each in _targets(pod, seen, self.verdicts(uid))}
        workers = self._workers.get(uid)
        if workers is None:
            if not wanted:
                return
            workers = self._workers[uid] = TaskSet("probe")
        for key in workers:
            if key not in wanted:
                workers.cancel(key)
        for key, target in wanted.items():
            if key not in workers and not self._is_over(uid, key):
                workers.start(key, self._work(target))

    def _is_over(self, uid: str, key: _Key) -> bool:
        verdict = self._verdicts[uid].get(key)
        return verdict is not None and is_final(key[1], ProbeState(verdict))

    def remove(self, uid: str) -> None:
        if (workers := self._workers.pop(uid, None)) is not None:
            for key in workers:
                workers.cancel(key)
        self._verdicts.pop(uid, None)
        self.history.forget(uid)

    async def aclose(self) -> None:
        for workers in list(self._workers.values()):
            await workers.aclose()

    def verdicts(self, uid: str) -> Verdicts:
        known = self._verdicts.get(uid)
        if not known:
            return Verdicts()
        by_kind: dict[ProbeKind, dict[str, bool]] = {kind: {} for kind in ProbeKind}
        for (container_id, kind), verdict in known.items():
            by_kind[kind][container_id] = verdict
        return Verdicts(by_kind[ProbeKind.STARTUP], by_kind[ProbeKind.LIVENESS], by_kind[ProbeKind.READINESS])

    async def _work(self, target: _Target) -> None:
        probe = target.container[_FIELDS[target.kind]]
        spec = spec_of(probe)
        await asyncio.sleep(self._first_delay(target, spec))
        loop = asyncio.get_running_loop()
        state, due = self._state(target), loop.time()
        while True:
            attempt = await self._attempt(target, probe, spec)
            state = step(state, attempt.outcome, spec)
            self._record(target, state.verdict)
            if is_final(target.kind, state):
                return
            due = max(due + spec.period, loop.time())
            await asyncio.sleep(due - loop.time())

    def _state(self, target: _Target) -> ProbeState:
        known = self._verdicts.get(uid_of(target.pod), {}).get((target.container_id, target.kind))
        return first_state(target.kind) if known is None else ProbeState(known)

    def _first_delay(self, target: _Target, spec: ProbeSpec) -> float:
        """The rest of the initial delay, or of the head start that every application gets.

        After a restart of the kubelet all probes would else begin at once.
        """
        now = self._now().timestamp()
        rest = target.started_at + max(spec.initial_delay, HEAD_START) - now
        if rest > 0:
            return rest
        adopted = target.started_at < self._began and now - self._began < spec.period
        return self._random.random() * spec.period if adopted else 0.0

    async def _attempt(self, target: _Target, probe: Object, spec: ProbeSpec) -> Attempt:
        loop = asyncio.get_running_loop()
        began, attempt = loop.time(), Attempt(Outcome.UNKNOWN)
        for _ in range(MAX_RETRIES):
            attempt = await self._prober.probe(
                probe, target.container, target.container_id, target.pod_ip, spec.timeout
            )
            if attempt.outcome is not Outcome.UNKNOWN:
                break
        took = loop.time() - began
        self.history.attempted(
            uid_of(target.pod), target.container["name"], target.kind, attempt, took * 1000
        )
        self._tell(target, attempt)
        return attempt

    def _record(self, target: _Target, verdict: bool | None) -> None:
        if verdict is None:
            return
        uid = uid_of(target.pod)
        known = self._verdicts.setdefault(uid, {})
        key = (target.container_id, target.kind)
        before = known.get(key, target.kind is ProbeKind.LIVENESS)
        known[key] = verdict
        self.history.judged(uid, target.container["name"], target.kind, verdict)
        if verdict != before or (target.kind is ProbeKind.STARTUP and verdict is False):
            log.info(
                "Probe verdict: pod=%s container=%s probe=%s healthy=%s",
                pod_full_name(target.pod), target.container["name"], target.kind.value, verdict,
            )  # fmt: skip
            self._changed(uid)

    def _tell(self, target: _Target, attempt: Attempt) -> None:
        message = _event_message(target.kind, attempt)
        if message is None:
            return
        reason = "ProbeWarning" if attempt.outcome is Outcome.WARNING else "Unhealthy"
        reference = container_reference(target.pod, target.container["name"])
        self._recorder.event(reference, WARNING, reason, message)


def _event_message(kind: ProbeKind, attempt: Attempt) -> str | None:
    if attempt.outcome is Outcome.SUCCESS:
        return None
    if attempt.outcome is Outcome.WARNING:
        return f"{kind.value} probe warning: {attempt.message}"
    if attempt.outcome is Outcome.FAILURE:
        return f"{kind.value} probe failed: {attempt.message}"
    return f"{kind.value} probe errored and resulted in unknown state: {attempt.message}"


def _probed_containers(pod: Object) -> Iterator[Object]:
    spec = pod.get("spec") or {}
    yield from (each for each in spec.get("initContainers") or () if each.get("restartPolicy") == "Always")
    yield from spec.get("containers") or ()


def _targets(pod: Object, seen: RuntimePod | None, verdicts: Verdicts) -> Iterator[_Target]:
    """What is to be probed now.

    A startup probe holds the others back, an ending pod is only asked for readiness.
    """
    pod_ip, ending = _ip_of(pod, seen), is_terminating(pod)
    for container in _probed_containers(pod):
        newest = newest_container(seen, container["name"])
        if newest is None or not is_running(newest):
            continue
        started = has_started(container, newest, verdicts)
        kinds = list(ProbeKind)[1:] if started else [ProbeKind.STARTUP]
        for kind in kinds:
            if container.get(_FIELDS[kind]) and not (ending and kind is not ProbeKind.READINESS):
                yield _Target(pod, container, newest.id, kind, newest.started_at, pod_ip)


def _adopted(pod: Object, alive: Mapping[str, RuntimeContainer]) -> dict[_Key, bool]:
    """What was reported of containers that ran before this kubelet did: a restart makes nothing unready."""
    status = pod.get("status") or {}
    verdicts: dict[_Key, bool] = {}
    for each in [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]:
        container = alive.get(each.get("containerID", ""))
        if container is None:
            continue
        if each.get("started"):
            verdicts[container.id, ProbeKind.STARTUP] = True
        if each.get("ready"):
            verdicts[container.id, ProbeKind.READINESS] = True
    return verdicts


def _ip_of(pod: Object, seen: RuntimePod | None) -> str:
    ips = [ip for sandbox in (seen.sandboxes if seen else ()) if sandbox.ready for ip in sandbox.ips]
    if (pod.get("spec") or {}).get("hostNetwork") or not ips:
        return get_path(pod, "status.podIP") or get_path(pod, "status.hostIP") or "127.0.0.1"
    return ips[0]
