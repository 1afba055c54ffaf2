"""Pods of what an autoscaler scales, and what they use."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from apimachinery.objects import Object
from controller_manager.horizontal_pod_autoscaler.readings import Reading, Readings
from tests.unit.controller_manager.builders import NOW, ago, make_pod

LONG_AGO, WARMING = 3600, 60
"""Seconds since a pod was started and ready, or since it was started and is not to be counted yet."""


def pods(
    count: int,
    *,
    requests: Sequence[str] = (),
    unready: Sequence[int] = (),
    hot: Sequence[int] = (),
    failed: Sequence[int] = (),
    deleted: Sequence[int] = (),
    pending: Sequence[int] = (),
) -> list[Object]:
    """Pods 0, 1, …; a hot one has just started and become ready."""
    made = []
    for number in range(count):
        phase = "Failed" if number in failed else "Pending" if number in pending else "Running"
        pod = make_pod(str(number), phase=phase, ready=None if number in unready else LONG_AGO)
        pod["spec"]["containers"] = [
            {"name": "c", "resources": {"requests": {"cpu": requests[number] if requests else "1"}}}
        ]
        pod["status"]["startTime"] = ago(WARMING if number in hot else LONG_AGO)
        condition = pod["status"]["conditions"][0]
        condition["lastTransitionTime"] = ago(10 if number in hot else LONG_AGO)
        if number in deleted:
            pod["metadata"]["deletionTimestamp"] = ago(1)
        made.append(pod)
    return made


def read(values: Sequence[int], first: int = 0) -> Readings:
    taken = NOW - timedelta(seconds=5)
    return {str(number): Reading(value, taken, 60.0) for number, value in enumerate(values, first)}
