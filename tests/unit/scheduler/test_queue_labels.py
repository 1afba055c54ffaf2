"""What brings pods to a queue, under the names that upstream's metric has for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from apimachinery.objects import Object
from scheduler.framework.interface import EventKind, Subject
from scheduler.pod_info import PodInfo, parse_pod
from scheduler.queue import SchedulingQueue
from tests.unit.counting import Counting
from tests.unit.scheduler.builders import make_pod

METRIC = "scheduler_queue_incoming_pods_total"
ANY: Object = {"metadata": {"name": "any"}}


def all_but_labels(
    pod: PodInfo, rejected_by: Iterable[str], kinds: Iterable[EventKind], subject: Subject
) -> bool:
    return EventKind.NODE_LABEL not in kinds


def info(**more: Any) -> PodInfo:
    return parse_pod(make_pod("a", metadata={"uid": "a"}, **{"cpu": "2", **more}))


@pytest.fixture
def queue() -> SchedulingQueue:
    """Of one pod, that was rejected."""
    queue = SchedulingQueue(lambda: 0.0, all_but_labels)
    queue.add(info())
    tried = queue.pop()
    assert tried is not None
    queue.add_unschedulable(tried, frozenset({"P"}))
    return queue


@pytest.mark.parametrize(
    ("kinds", "subject", "event"),
    [
        pytest.param([EventKind.POD_DELETE], Subject(), "AssignedPodDelete", id="a pod"),
        pytest.param([EventKind.NODE_LABEL, EventKind.NODE_ADD], Subject(), "NodeAdd", id="what helps"),
        pytest.param([EventKind.CLAIM], Subject(obj=ANY), "PersistentVolumeClaimAdd", id="a new claim"),
        pytest.param(
            [EventKind.CLAIM], Subject(obj=ANY, old_obj=ANY), "PersistentVolumeClaimUpdate", id="a claim"
        ),
        pytest.param([EventKind.CSI_NODE], Subject(obj=ANY), "storage.k8s.io/CSINodeAdd", id="with a group"),
        pytest.param(
            [EventKind.DETACHED],
            Subject(obj=ANY, old_obj=ANY),
            "storage.k8s.io/VolumeAttachmentDelete",
            id="detached",
        ),
    ],
)
def test_what_wakes_a_pod(
    queue: SchedulingQueue, kinds: list[EventKind], subject: Subject, event: str
) -> None:
    counting = Counting()
    queue.wake(kinds, subject)
    assert counting.more(METRIC, queue="backoff", event=event) == 1


@pytest.mark.parametrize(
    ("more", "event"),
    [
        pytest.param({"labels": {"a": "b"}}, "UnschedulablePodUpdatePodLabel", id="a label"),
        pytest.param({"cpu": "1"}, "UnschedulablePodUpdatePodScaleDown", id="less"),
        pytest.param(
            {"tolerations": [{"operator": "Exists"}]},
            "UnschedulablePodUpdatePodToleration",
            id="a toleration",
        ),
        pytest.param({"priority": 5}, "UnschedulablePodUpdate", id="anything else"),
    ],
)
def test_what_changes_of_the_pod_itself(queue: SchedulingQueue, more: dict[str, Any], event: str) -> None:
    counting = Counting()
    queue.update(info(**more))
    assert counting.more(METRIC, queue="backoff", event=event) == 1
