"""The queue: order, back-off, waking up. The clock is a number that the test moves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from scheduler.framework.interface import EventKind, Subject
from scheduler.pod_info import PodInfo, parse_pod
from scheduler.queue import SchedulingQueue
from tests.unit.counting import Counting
from tests.unit.scheduler.builders import make_pod

DELETED = (EventKind.POD_DELETE,)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def fit_cares(pod: PodInfo, rejected_by: Iterable[str], kinds: Iterable[EventKind], subject: Subject) -> bool:
    return "NodeResourcesFit" in rejected_by


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> SchedulingQueue:
    return SchedulingQueue(clock, fit_cares)


def info(name: str, **kwargs: Any) -> PodInfo:
    return parse_pod(make_pod(name, **kwargs))


def names(queue: SchedulingQueue) -> list[str]:
    found = []
    while (queued := queue.pop()) is not None:
        found.append(queued.pod.key.name)
    return found


def test_higher_priority_goes_first_then_who_came_first(queue: SchedulingQueue, clock: Clock) -> None:
    for name, priority in (("a", 0), ("b", 10), ("c", 0), ("d", 10)):
        queue.add(info(name, priority=priority))
        clock.now += 1
    assert names(queue) == ["b", "d", "a", "c"]


def test_what_brings_pods_to_which_queue_is_counted(queue: SchedulingQueue, clock: Clock) -> None:
    counting = Counting()

    def came(kind: str, event: str) -> float:
        return counting.more("scheduler_queue_incoming_pods_total", queue=kind, event=event)

    queue.add(info("a"))
    tried = queue.pop()
    assert tried is not None
    queue.add_unschedulable(tried, frozenset({"NodeResourcesFit"}))
    queue.wake(DELETED, Subject())
    assert (came("active", "UnschedulablePodAdd"), came("unschedulable", "ScheduleAttemptFailure")) == (1, 1)
    assert came("backoff", "AssignedPodDelete") == 1
    again = queue.pop()
    assert again is not None
    assert came("active", "PopFromBackoffQ") == 1
    queue.add_failed(again)
    assert came("backoff", "ScheduleAttemptFailure") == 1
    clock.now += 60
    assert queue.pop() is not None
    assert came("active", "BackoffComplete") == 1


def test_a_deleted_pod_is_not_tried(queue: SchedulingQueue) -> None:
    pod = info("a")
    queue.add(pod)
    queue.delete(pod.uid)
    assert names(queue) == []


def test_an_unschedulable_pod_waits_for_an_event_its_plugin_cares_about(queue: SchedulingQueue) -> None:
    for name, plugin in (("fit", "NodeResourcesFit"), ("taint", "TaintToleration")):
        queue.add(info(name))
        queued = queue.pop()
        assert queued is not None
        queue.add_unschedulable(queued, frozenset({plugin}))
    assert queue.counts() == {"active": 0, "backoff": 0, "unschedulable": 2, "gated": 0}
    plugins = ("NodeResourcesFit", "TaintToleration")
    assert queue.rejections() == {(each, "default-scheduler"): 1 for each in plugins}
    queue.wake(DELETED, Subject())
    assert queue.counts() == {"active": 0, "backoff": 1, "unschedulable": 1, "gated": 0}
    assert names(queue) == ["fit"]


def test_backing_off_gives_way_to_pods_that_do_not(queue: SchedulingQueue) -> None:
    queue.add(info("tried", priority=10))
    tried = queue.pop()
    assert tried is not None
    queue.add_unschedulable(tried, frozenset({"NodeResourcesFit"}))
    queue.wake(DELETED, Subject())
    queue.add(info("new"))
    assert names(queue) == ["new", "tried"]


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (50, 10)], ids=str
)
def test_after_an_error_a_pod_backs_off_for_longer_each_time(
    queue: SchedulingQueue, clock: Clock, attempts: int, seconds: float
) -> None:
    queue.add(info("a"))
    for _ in range(attempts):
        clock.now += 100
        queued = queue.pop()
        assert queued is not None
        queue.add_failed(queued)
    clock.now += seconds - 0.01
    assert names(queue) == []
    clock.now += 0.01
    assert names(queue) == ["a"]


def fail(queue: SchedulingQueue, clock: Clock, *outcomes: str) -> None:
    """Tries the only pod so often, each time after its back-off."""
    for outcome in outcomes:
        clock.now += 100
        queued = queue.pop()
        assert queued is not None
        if outcome == "error":
            queue.add_failed(queued)
        else:
            queue.add_unschedulable(queued, frozenset({"NodeResourcesFit"}))
            queue.wake(DELETED, Subject())


@pytest.mark.parametrize(
    ("outcomes", "seconds"),
    [
        (["no", "no", "no", "error"], 1),
        (["error", "error", "no", "error"], 1),
        (["no", "no", "no", "error", "error"], 2),
    ],
    ids=["rejections are no errors", "a rejection ends errors", "errors in a row"],
)
def test_errors_in_a_row_count_for_themselves(
    queue: SchedulingQueue, clock: Clock, outcomes: list[str], seconds: float
) -> None:
    queue.add(info("a"))
    fail(queue, clock, *outcomes)
    clock.now += seconds - 0.01
    assert names(queue) == []
    clock.now += 0.01
    assert names(queue) == ["a"]


def test_errors_do_not_count_among_rejections(queue: SchedulingQueue, clock: Clock) -> None:
    queue.add(info("a"))
    fail(queue, clock, "error", "error", "error", "no")
    queue.add(info("b", priority=-1))
    clock.now += 2
    assert names(queue) == ["a", "b"]


def test_those_whose_back_off_ends_in_the_same_second_go_by_priority(
    queue: SchedulingQueue, clock: Clock
) -> None:
    for name, priority, now in (("late", 9, 1.5), ("a", 0, 0.1), ("b", 5, 0.4), ("c", 9, 0.9)):
        queue.add(info(name, priority=priority))
        queued = queue.pop()
        assert queued is not None
        clock.now = now
        queue.add_unschedulable(queued, frozenset({"NodeResourcesFit"}))
    queue.wake(DELETED, Subject())
    assert names(queue) == ["c", "b", "a", "late"]


def test_a_pod_whose_preemption_failed_backs_off(queue: SchedulingQueue, clock: Clock) -> None:
    pod = info("a")
    queue.add(pod)
    queued = queue.pop()
    assert queued is not None
    queue.add_unschedulable(queued, frozenset({"TaintToleration"}))
    queue.retry(pod.uid)
    queue.retry("nobody")
    assert names(queue) == []
    clock.now = 1
    assert names(queue) == ["a"]


def test_a_pod_is_tried_again_after_five_quiet_minutes(queue: SchedulingQueue, clock: Clock) -> None:
    queue.add(info("a"))
    queued = queue.pop()
    assert queued is not None
    queue.add_unschedulable(queued, frozenset({"TaintToleration"}))
    clock.now = 299
    queue.flush()
    assert names(queue) == []
    clock.now = 300
    queue.flush()
    assert names(queue) == ["a"]


def test_how_long_a_pod_waits_at_most_can_be_said(clock: Clock) -> None:
    queue = SchedulingQueue(clock, fit_cares, max_unschedulable=60)
    queue.add(info("a"))
    queued = queue.pop()
    assert queued is not None
    queue.add_unschedulable(queued, frozenset({"TaintToleration"}))
    clock.now = 60
    queue.flush()
    assert names(queue) == ["a"]


def test_without_any_node_everything_wakes_the_pod(queue: SchedulingQueue) -> None:
    queue.add(info("a"))
    queued = queue.pop()
    assert queued is not None
    queue.add_unschedulable(queued, frozenset())
    queue.wake((EventKind.NODE_ADD,), Subject())
    assert names(queue) == ["a"]


def test_a_gated_pod_waits_until_its_gates_are_gone(queue: SchedulingQueue) -> None:
    pod = make_pod("a", schedulingGates=[{"name": "example.com/wait"}])
    queue.add(parse_pod(pod))
    queue.wake(DELETED, Subject())
    assert queue.counts()["gated"] == 1
    assert names(queue) == []
    queue.update(parse_pod({**pod, "spec": {**pod["spec"], "schedulingGates": []}}))
    assert names(queue) == ["a"]


@pytest.mark.parametrize(
    ("rejected_by", "woken"),
    [
        pytest.param({"TaintToleration"}, [], id="of no interest to who rejected the pod"),
        pytest.param({"TaintToleration", "Own"}, ["a"], id="of interest to one of them"),
    ],
)
def test_a_change_of_annotations_wakes_a_pod_if_a_plugin_cares(
    clock: Clock, rejected_by: set[str], woken: list[str]
) -> None:
    def own_cares(pod: PodInfo, plugins: Iterable[str], kinds: Iterable[EventKind], subject: Subject) -> bool:
        assert subject.old is not None
        assert subject.new is pod
        return "Own" in plugins and EventKind.POD_ITSELF in kinds

    queue, pod = SchedulingQueue(clock, own_cares), make_pod("a")
    queue.add(parse_pod(pod))
    queued = queue.pop()
    assert queued is not None
    queue.add_unschedulable(queued, frozenset(rejected_by))
    annotated = {**pod["metadata"], "annotations": {"tier": "gold"}}
    queue.update(parse_pod({**pod, "metadata": annotated}))
    assert names(queue) == woken


def test_a_change_of_status_alone_does_not_wake_a_pod(queue: SchedulingQueue) -> None:
    pod = make_pod("a")
    queue.add(parse_pod(pod))
    queued = queue.pop()
    assert queued is not None
    queue.add_unschedulable(queued, frozenset({"TaintToleration"}))
    queue.update(parse_pod({**pod, "status": {"conditions": []}}))
    assert names(queue) == []
    queue.update(parse_pod({**pod, "spec": {**pod["spec"], "tolerations": [{"operator": "Exists"}]}}))
    assert names(queue) == ["a"]
