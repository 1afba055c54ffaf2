"""SchedulingGates: a gated pod isn't looked at until its gates are gone."""

from __future__ import annotations

from scheduler.framework.interface import NO_HINTS, Verdict
from scheduler.pod_info import PodInfo


class SchedulingGates:
    name = "SchedulingGates"
    # An update that takes the gates away is an update of the pod itself, which the queue looks at anyway.
    hints = NO_HINTS

    def pre_enqueue(self, pod: PodInfo) -> Verdict | None:
        if not pod.gates:
            return None
        return Verdict(self.name, (f"waiting for scheduling gates: [{' '.join(pod.gates)}]",), is_final=True)
