"""How long pods take to start, as the service level indicator of Kubernetes' scalability group counts it.

Source: pkg/kubelet/util/pod_startup_latency_tracker.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from apimachinery.conditions import condition_of
from apimachinery.objects import Object, get_path, uid_of
from apimachinery.pods import is_sidecar, is_terminal
from apimachinery.times import parse_time
from kubelet.metrics import POD_START_SLI, POD_START_TOTAL

Span = tuple[float, float]
_STATELESS = {"secret", "configMap", "downwardAPI", "emptyDir", "projected"}


@dataclass(slots=True)
class _Start:
    pulls: list[Span] = field(default_factory=list)


class StartupTimes:
    """Of pods that have not started yet; `now` gives Unix seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._starts: dict[str, _Start] = {}

    def seen(self, pod: Object) -> None:
        """A pod of the API for the first time. Those that had to wait for a place are nobody's measure."""
        if not get_path(pod, "status.startTime") and not is_terminal(pod) and not _had_to_wait(pod):
            self._starts[uid_of(pod)] = _Start()

    @contextmanager
    def pulling(self, uid: str) -> Iterator[None]:
        """An image of the pod's."""
        began = self._now()
        try:
            yield
        finally:
            if (start := self._starts.get(uid)) is not None:
                start.pulls.append((began, self._now()))

    def shown(self, pod: Object) -> None:
        """The API shows the pod so: the first time that all its containers run is what counts."""
        start = self._starts.get(uid_of(pod))
        if start is None or not has_started(pod):
            return
        del self._starts[uid_of(pod)]
        total = self._now() - _seconds(get_path(pod, "metadata.creationTimestamp"))
        POD_START_TOTAL.observe(total)
        if not is_stateful(pod):
            POD_START_SLI.observe(max(total - covered(start.pulls) - time_of_inits(pod), 0.0))

    def forget(self, uid: str) -> None:
        self._starts.pop(uid, None)


def has_started(pod: Object) -> bool:
    statuses = get_path(pod, "status.containerStatuses") or ()
    return bool(statuses) and all(get_path(each, "state.running.startedAt") for each in statuses)


def is_stateful(pod: Object) -> bool:
    """Whether a volume of it is none of those that come and go with it."""
    return any(not _STATELESS & volume.keys() for volume in pod["spec"].get("volumes") or ())


def covered(spans: Iterable[Span]) -> float:
    """Seconds in which at least one of them was under way."""
    total, until = 0.0, float("-inf")
    for began, ended in sorted(spans):
        total += max(ended - max(began, until), 0.0)
        until = max(until, ended)
    return total


def time_of_inits(pod: Object) -> float:
    """Seconds for which its init containers ran, but for those that run on."""
    sidecars = {each["name"] for each in pod["spec"].get("initContainers") or () if is_sidecar(each)}
    ended = [
        get_path(each, "state.terminated") or {}
        for each in get_path(pod, "status.initContainerStatuses") or ()
        if each["name"] not in sidecars
    ]
    return sum(_seconds(each["finishedAt"]) - _seconds(each["startedAt"]) for each in ended if each)


def _had_to_wait(pod: Object) -> bool:
    condition = condition_of(pod, "PodScheduled")
    return condition is not None and condition["status"] == "False"


def _seconds(time: str) -> float:
    return parse_time(time).timestamp()
