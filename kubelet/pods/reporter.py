"""Makes a pod's status from what is seen and hands it to the status manager."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from apimachinery.objects import Object
from apimachinery.times import format_time
from component_base.features import FeatureGates
from kubelet.pods.container_status import StatusInputs
from kubelet.pods.messages import last_words
from kubelet.pods.record import PodRecord
from kubelet.pods.resizer import Resizer
from kubelet.pods.seen import has_ended, running_containers
from kubelet.pods.status import TERMINAL, pod_status, rejected_status
from kubelet.pods.status_manager import StatusManager
from kubelet.probes.manager import ProbeManager
from kubelet.runtime.interface import Runtime, RuntimePod
from kubelet.settings import NodeFacts


class PodReporter:
    def __init__(
        self,
        runtime: Runtime,
        statuses: StatusManager,
        probes: ProbeManager,
        resizer: Resizer,
        facts: Callable[[str], NodeFacts],
        gates: FeatureGates,
        now: Callable[[], datetime],
    ) -> None:
        self._runtime = runtime
        self._statuses = statuses
        self._probes = probes
        self._resizer = resizer
        self._facts = facts
        self._tells_stop_signals = gates.enabled("ContainerStopSignals")
        self._now = now

    def facts(self, pod: Object) -> NodeFacts:
        return self._facts(pod["spec"]["nodeName"])

    def current(self, pod: Object) -> Object:
        """The pod with its latest status, reported or about to be."""
        return self._statuses.current(pod)

    def forget(self, uid: str) -> None:
        self._statuses.forget(uid)

    async def report(self, record: PodRecord, seen: RuntimePod | None) -> Object:
        """The status as it is; what the API is told may be less."""
        for each in seen.containers if seen else ():
            if has_ended(each) and each.id not in record.messages:
                record.messages[each.id] = await last_words(self._runtime, each)
        inputs = StatusInputs(
            seen=seen,
            verdicts=self._probes.verdicts(record.uid),
            failures=record.failures,
            messages=record.messages,
            resizing=self._resizer.plan(record.pod, seen).names,
            resize_generation=record.resizing,
            resize_error=record.resize_error,
            pending=record.pending,
            tells_stop_signals=self._tells_stop_signals,
            ending=record.stopped,
        )
        addresses = self.facts(record.pod).addresses
        current = self.current(record.pod)
        # A pod is not said to be over while something of it may run.
        ended = record.ended if record.stopped else None
        status = pod_status(current, inputs, addresses, self._time(), ended=ended)
        shown = status if record.stopped else _held_back(status, current, seen)
        self._statuses.set(record.pod, shown, stopped=record.stopped)
        return status

    def reject(self, record: PodRecord) -> None:
        """Of a pod that was refused at the door."""
        assert record.ended is not None
        status = rejected_status(record.pod, record.ended, self._time())
        self._statuses.set(record.pod, status, stopped=True)

    def _time(self) -> str:
        return format_time(self._now())


def _held_back(status: Object, current: Object, seen: RuntimePod | None) -> Object:
    """With the phase there was while sidecars still run: whoever counts on the end may rely on it."""
    before = (current.get("status") or {}).get("phase") or "Pending"
    if status["phase"] in TERMINAL and before not in TERMINAL and running_containers(seen):
        return {**status, "phase": before}
    return status
