"""Who has a place on a node, and with which resources (upstream: pkg/kubelet/allocation)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

from apimachinery.objects import Object, get_path, is_terminating, uid_of
from apimachinery.pods import BEST_EFFORT, BURSTABLE, GUARANTEED, is_terminal, qos_class
from kubelet.metrics import INFEASIBLE_RESIZES
from kubelet.pods.admission import OUT_OF, admit, judge_resize
from kubelet.pods.allocation import DEFERRED, resources_in, with_resources
from kubelet.pods.critical import is_critical
from kubelet.pods.preemption import NoVictims, victims
from kubelet.pods.record import PodRecord
from kubelet.pods.status import Verdict
from kubelet.settings import PodSettings

SHUTTING_DOWN = Verdict("NodeShutdown", "Pod was rejected as the node is shutting down.")
PREEMPTED = Verdict(
    "Preempting",
    "Preempted in order to admit critical pod",
    disruption="Pod was preempted by Kubelet to accommodate a critical pod.",
)

_NO_RECOVERY = (
    "Unexpected error while attempting to recover from admission failure: preemption: "
    "error finding a set of pods to preempt"
)


class Admission(NamedTuple):
    refused: Verdict | None
    victims: list[Object]
    """Pods that have to make room."""
    short_of: str = ""
    """The first resource that there was too little of."""


class AllocationManager:
    """`node_of` shows a Node by name, or None while it is not registered."""

    def __init__(
        self,
        nodes: Iterable[str],
        node_of: Callable[[str], Object | None],
        pressures: Callable[[], Collection[str]],
        is_shutting_down: Callable[[], bool],
        settings: PodSettings,
    ) -> None:
        self._node_of = node_of
        self._pressures = pressures
        self._is_shutting_down = is_shutting_down
        self._settings = settings
        self._records: dict[str, dict[str, PodRecord]] = {name: {} for name in nodes}

    def add(self, record: PodRecord) -> None:
        self._records[record.pod["spec"]["nodeName"]][record.uid] = record

    def remove(self, pod: Object) -> None:
        self._records[pod["spec"]["nodeName"]].pop(uid_of(pod), None)

    def admit(self, pod: Object) -> Admission:
        """A pod that its node has taken once is not judged again, whatever has become of the labels."""
        node = self._node_of(pod["spec"]["nodeName"])
        if is_terminal(pod) or is_terminating(pod) or get_path(pod, "status.startTime") or node is None:
            return Admission(None, [])
        others = self._others(pod)
        verdict = self._judge(pod, node, others)
        if verdict is None or not verdict.reason.startswith(OUT_OF) or not is_critical(pod):
            return Admission(verdict or self._shutdown(), [])
        return self._admit_critical(pod, node, others, verdict.reason.removeprefix(OUT_OF))

    def _admit_critical(self, pod: Object, node: Object, others: list[Object], short_of: str) -> Admission:
        """Others make room for it, if nothing but resources is in its way."""
        try:
            ended = victims(pod, get_path(node, "status.allocatable") or {}, others)
        except NoVictims as error:
            return Admission(Verdict("UnexpectedAdmissionError", f"{_NO_RECOVERY}: {error}"), [])
        left = [each for each in others if each not in ended]
        verdict = self._judge(pod, node, left) or self._shutdown()
        return Admission(verdict, [] if verdict else ended, short_of)

    def _shutdown(self) -> Verdict | None:
        return SHUTTING_DOWN if self._is_shutting_down() else None

    def grant(self, record: PodRecord, wanted: Object) -> None:
        """Lets the pod have what it asks for, or all of it but other resources."""
        granted = resources_in(record.pod)
        node = self._node_of(wanted["spec"]["nodeName"]) or {}
        allocatable = get_path(node, "status.allocatable") or {}
        before, record.pending = record.pending, None
        if granted != resources_in(wanted):
            record.pending = judge_resize(wanted, allocatable, self._others(wanted))
            if record.pending is None:
                record.resizing = get_path(wanted, "metadata.generation", 0)
        record.pod = with_resources(wanted, granted) if record.pending else wanted
        if record.pending and record.pending.detail and record.pending != before:
            INFEASIBLE_RESIZES.labels(record.pending.detail).inc()

    def waiting(self, node: str) -> list[PodRecord]:
        """Those that may have other resources once there is room, the most important first."""
        waiting = [
            each
            for each in self._records[node].values()
            if each.pending and each.pending.reason == DEFERRED and not each.terminating
        ]
        return sorted(waiting, key=lambda each: _importance(each.pod), reverse=True)

    def _judge(self, pod: Object, node: Object, others: list[Object]) -> Verdict | None:
        return admit(
            pod,
            node,
            others,
            pressures=self._pressures(),
            unsafe_sysctls=self._settings.allowed_unsafe_sysctls,
            has_apparmor=self._settings.has_apparmor,
        )

    def _others(self, pod: Object) -> list[Object]:
        """The pods with which it shares its node."""
        return [
            each.pod
            for each in self._records[pod["spec"]["nodeName"]].values()
            if each.uid != uid_of(pod)
            and not (each.finished or each.rejected or each.stopped or each.ended is PREEMPTED)
        ]


def _importance(pod: Object) -> tuple[int, int]:
    priority = (pod.get("spec") or {}).get("priority") or 0
    return int(priority), (BEST_EFFORT, BURSTABLE, GUARANTEED).index(qos_class(pod))
