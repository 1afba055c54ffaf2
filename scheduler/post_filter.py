"""What is tried for a pod that fits nowhere: one after the other the plugins of postFilter, like preemption.

Source: RunPostFilterPlugins in pkg/scheduler/framework/runtime/framework.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from scheduler.framework.profile import Profile
from scheduler.metrics import PointTimer
from scheduler.pod_info import PodInfo
from scheduler.preemption import PreemptionPlan
from scheduler.selection import Rejected


class Remedy(NamedTuple):
    plugin: str
    act: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`message` is for the user: empty where preemption helps."""

    plan: PreemptionPlan
    message: str
    remedies: Sequence[Remedy]


def run_post_filters(
    pod: PodInfo, profile: Profile, rejected: Rejected, preempt: Callable[[], PreemptionPlan]
) -> Outcome:
    with PointTimer("PostFilter", profile.name) as timer:
        outcome = _tried(pod, profile, rejected, preempt)
        timer.status = "Unschedulable" if outcome.plan.candidate is None else "Success"
        return outcome


def _tried(
    pod: PodInfo, profile: Profile, rejected: Rejected, preempt: Callable[[], PreemptionPlan]
) -> Outcome:
    """Where there are no nodes at all there is nothing to try."""
    plan, messages, remedies = PreemptionPlan(), list[str](), list[Remedy]()
    for name, plugin in profile.post_filters.items() if rejected.error.node_count else ():
        if plugin is None:
            plan = preempt()
            if plan.candidate is not None:
                return Outcome(plan, "", remedies)
            messages.append(plan.message)
            continue
        found = plugin.post_filter(pod, rejected.error, rejected.states.get(name))
        if found.remedy is not None:
            remedies.append(Remedy(name, found.remedy))
        if found.is_final:
            return Outcome(PreemptionPlan(keeps_nomination=True), found.message, remedies)
        messages.append(found.message)
    return Outcome(plan, ", ".join(filter(None, messages)), remedies)
