"""In which order, and how long, the pods of a node that shuts down get to stop. Pure.

Source: pkg/kubelet/nodeshutdown of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apimachinery.durations import parse_duration
from apimachinery.objects import Object
from kubelet.pods.critical import SYSTEM_CRITICAL_PRIORITY


@dataclass(frozen=True, slots=True)
class Period:
    """Pods of this priority and more, up to that of the next period, have so many seconds."""

    priority: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Group:
    seconds: float
    pods: Sequence[Object]


def periods_of(configuration: Mapping[str, Any]) -> tuple[Period, ...]:
    """By rising priority; none if the node does not wait for its pods."""
    given = configuration["shutdownGracePeriodByPodPriority"]
    if given:
        periods = [Period(each["priority"], float(each["shutdownGracePeriodSeconds"])) for each in given]
        return tuple(sorted(periods, key=lambda each: each.priority))
    total = parse_duration(configuration["shutdownGracePeriod"])
    critical = parse_duration(configuration["shutdownGracePeriodCriticalPods"])
    if not total:
        return ()
    return (Period(0, total - critical), Period(SYSTEM_CRITICAL_PRIORITY, critical))


def shutdown_groups(pods: Iterable[Object], periods: Sequence[Period]) -> list[Group]:
    """The least important pods first; those below all periods go with the first."""
    members: dict[Period, list[Object]] = {each: [] for each in periods}
    for pod in pods:
        members[_period_of(pod, periods)].append(pod)
    return [Group(each.seconds, found) for each, found in members.items() if found]


def _period_of(pod: Object, periods: Sequence[Period]) -> Period:
    priority = int((pod.get("spec") or {}).get("priority") or 0)
    fitting = [each for each in periods if each.priority <= priority]
    return fitting[-1] if fitting else periods[0]
