"""The scheduler's loop with a recorded API, in virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from apimachinery import volumes
from apimachinery.objects import NamespacedName, Object
from scheduler.framework.interface import EventKind
from scheduler.journal import Attempt, Journal
from tests.unit.counting import Counting
from tests.unit.scheduler.builders import make_node, make_pod
from tests.unit.scheduler.cluster import running
from tests.unit.volumes import make_claim, make_class, make_volume

pytestmark = pytest.mark.looptime


async def test_a_pod_is_bound_and_an_event_says_so() -> None:
    counting, series = Counting(), "scheduler_framework_extension_point_duration_seconds_count"
    async with running() as cluster:
        cluster.handlers.node(None, make_node("a"))
        cluster.put(make_pod("p"))
        await asyncio.sleep(1)
        assert cluster.log == ["bind p a", "Normal Scheduled Successfully assigned default/p to a"]
        assert [(each.result, each.node) for each in cluster.journal.attempts()] == [("scheduled", "a")]
    labels = {"profile": "default-scheduler", "status": "Success"}
    for point in ("PreFilter", "Filter", "Reserve", "Permit", "PreBind", "Bind", "PostBind"):
        assert counting.more(series, extension_point=point, **labels) == 1, point
    assert counting.more(series, extension_point="Score", **labels) == 0, "there was no choice"


async def test_an_assumed_pod_takes_its_room_before_it_is_bound() -> None:
    async with running() as cluster:
        cluster.handlers.node(None, make_node("a", cpu="1"))
        cluster.put(make_pod("p", cpu="1"))
        cluster.put(make_pod("q", cpu="1"))
        await asyncio.sleep(1)
        assert [line for line in cluster.log if line.startswith("bind")] == ["bind p a"]


async def test_a_pod_without_a_node_is_told_why_and_bound_when_a_node_comes() -> None:
    async with running() as cluster:
        cluster.put(make_pod("p"))
        await asyncio.sleep(3)
        assert cluster.log == ["Warning FailedScheduling no nodes available to schedule pods"]
        (patch,) = cluster.patches
        assert patch["status"]["conditions"] == [
            {
                "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                "message": "no nodes available to schedule pods", "observedGeneration": 1,
                "lastProbeTime": None, "lastTransitionTime": "2026-01-01T00:00:00Z",
            }
        ]  # fmt: skip
        cluster.handlers.node(None, make_node("a"))
        await asyncio.sleep(1)
        assert "bind p a" in cluster.log


async def test_a_deleted_pod_makes_room_for_one_that_waits() -> None:
    async with running() as cluster:
        cluster.handlers.node(None, make_node("a", cpu="1"))
        cluster.put(make_pod("old", node="a", cpu="1"))
        cluster.put(make_pod("p", cpu="1"))
        await asyncio.sleep(1)
        cluster.remove("old")
        await asyncio.sleep(0.1)
        assert "bind p a" in cluster.log


async def test_a_refused_binding_frees_the_room_and_is_tried_again_after_a_second() -> None:
    async with running() as cluster:
        cluster.handlers.node(None, make_node("a", cpu="1"))
        cluster.refuse_binding = True
        cluster.put(make_pod("p", cpu="1"))
        await asyncio.sleep(0.5)
        assert cluster.log == [
            'Warning FailedScheduling running Bind plugin "DefaultBinder": '
            'Operation cannot be fulfilled on pods "p": it is assigned already'
        ]
        assert not cluster.cache.pods
        cluster.refuse_binding = False
        await asyncio.sleep(1)
        assert "bind p a" in cluster.log


def claiming_pod(name: str, **spec: Any) -> Object:
    wanted = [{"name": "data", "persistentVolumeClaim": {"claimName": "claim"}}]
    return make_pod(name, namespace="ns", volumes=wanted, **spec)


async def test_a_pod_is_bound_after_its_volume_and_nobody_waits_behind_it() -> None:
    async with running() as cluster:
        cluster.handlers.node(None, make_node("a"))
        cluster.storage.put(make_claim(), make_class(delayed=True))
        cluster.put(claiming_pod("p"))
        await asyncio.sleep(1)
        assert cluster.storage.updates == ["persistentvolumeclaims ns/claim"]
        cluster.put(make_pod("q"))
        await asyncio.sleep(1)
        assert [line for line in cluster.log if line.startswith("bind")] == ["bind q a"]
        annotations = {volumes.BIND_COMPLETED: "yes", volumes.SELECTED_NODE: "a"}
        claim = make_claim(volume="volume", annotations=annotations)
        cluster.storage.put(make_volume(claim=claim), claim)
        await asyncio.sleep(1)
        assert [line for line in cluster.log if line.startswith("bind")] == ["bind q a", "bind p a"]


async def test_a_pod_whose_volume_could_not_be_made_is_told_so_and_tried_again() -> None:
    async with running() as cluster:
        cluster.handlers.node(None, make_node("a"))
        cluster.storage.put(make_claim(), make_class(delayed=True))
        cluster.put(claiming_pod("p"))
        await asyncio.sleep(1)
        cluster.storage.put(
            make_claim(annotations={"other": "x"})
        )  # the provisioner takes the node's name away again
        await asyncio.sleep(0.1)
        assert cluster.log == [
            'Warning FailedScheduling running PreBind plugin "VolumeBinding": '
            'binding volumes: provisioning failed for PVC "claim"'
        ]
        assert not cluster.cache.pods
        await asyncio.sleep(2)
        assert cluster.storage.updates == ["persistentvolumeclaims ns/claim"] * 2


async def test_a_claim_that_comes_late_lets_its_pod_in() -> None:
    async with running() as cluster:
        cluster.handlers.node(None, make_node("a"))
        cluster.put(claiming_pod("p"))
        await asyncio.sleep(1)
        assert 'persistentvolumeclaim "claim" not found' in cluster.log[0]
        claim = make_claim(volume="volume", annotations={volumes.BIND_COMPLETED: "yes"})
        cluster.storage.put(make_volume(claim=claim), claim)
        cluster.handlers.storage(EventKind.CLAIM, None, claim)
        await asyncio.sleep(1)
        assert "bind p a" in cluster.log


async def test_a_preemptor_is_nominated_and_bound_once_its_victim_is_gone() -> None:
    async with running() as cluster:
        cluster.handlers.node(None, make_node("a", cpu="1"))
        cluster.put(make_pod("victim", node="a", cpu="1"))
        preemptor = make_pod("p", cpu="1", priority=5)
        cluster.put(preemptor)
        await asyncio.sleep(1)
        assert "delete victim" in cluster.log
        event = f"Normal Preempted Preempted by pod {preemptor['metadata']['uid']} on node a"
        assert event in cluster.log
        statuses = [patch["status"] for patch in cluster.patches]
        assert "a" in [status.get("nominatedNodeName") for status in statuses]
        target = {
            "type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler",
            "message": "default-scheduler: preempting to accommodate a higher priority pod",
            "observedGeneration": 1, "lastProbeTime": None, "lastTransitionTime": "2026-01-01T00:00:00Z",
        }  # fmt: skip
        assert {"conditions": [target]} in statuses
        cluster.put(make_pod("late", cpu="1"))  # must not take the room that was made
        cluster.remove("victim")
        await asyncio.sleep(1)
        assert [line for line in cluster.log if line.startswith("bind")] == ["bind p a"]


async def test_a_preemptor_whose_victim_cannot_be_deleted_is_tried_again() -> None:
    async with running() as cluster:
        cluster.handlers.node(None, make_node("a", cpu="1"))
        cluster.put(make_pod("victim", node="a", cpu="1"))
        cluster.refuse_deletion = True
        cluster.put(make_pod("p", cpu="1", priority=5))
        await asyncio.sleep(0.5)
        assert len(cluster.journal.attempts(name="p")) == 1
        cluster.refuse_deletion = False
        await asyncio.sleep(1)
        assert "delete victim" in cluster.log


@pytest.mark.parametrize("how", ["deleted", "no longer nominated"])
async def test_room_that_was_kept_for_a_nominated_pod_is_free_when_it_is_not(how: str) -> None:
    async with running() as cluster:
        cluster.handlers.node(None, make_node("a", cpu="1"))
        # It neither takes its room nor looks for other.
        never = {"nodeSelector": {"not": "there"}, "preemptionPolicy": "Never"}
        nominated = make_pod("nominated", cpu="1", priority=5, **never)
        cluster.put({**nominated, "status": {"nominatedNodeName": "a"}})
        cluster.put(make_pod("p", cpu="1"))
        await asyncio.sleep(0.1)
        assert not [line for line in cluster.log if line.startswith("bind")]
        if how == "deleted":
            cluster.remove("nominated")
        else:
            cluster.put(nominated)
        await asyncio.sleep(0.1)
        assert "bind p a" in cluster.log


def on_both(*names: str) -> Object:
    fields = [{"key": "metadata.name", "operator": "In", "values": [name]} for name in names]
    terms = {"nodeSelectorTerms": [{"matchFields": fields}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}


async def test_where_no_node_was_looked_at_there_is_nothing_to_preempt() -> None:
    """In upstream's words: claims of devices, which come first, have nothing to go by then."""
    async with running() as cluster:
        cluster.handlers.node(None, make_node("a"))
        cluster.put(make_pod("p", affinity=on_both("a", "b")))
        await asyncio.sleep(0.5)
        reason = "0/1 nodes are available: pod affinity terms conflict. not found"
        assert cluster.log == [f"Warning FailedScheduling {reason}"]


async def test_a_pod_for_another_scheduler_is_left_alone() -> None:
    async with running() as cluster:
        cluster.handlers.node(None, make_node("a"))
        cluster.put(make_pod("p", schedulerName="somebody"))
        await asyncio.sleep(1)
        assert cluster.log == []


def test_the_journal_forgets_what_was_done_before_what_waits() -> None:
    journal = Journal(size=3)

    def attempt(uid: str, result: str) -> Attempt:
        return Attempt(NamespacedName("ns", uid), uid, "", 1, "default-scheduler", 1.0, result=result)

    journal.add(attempt("waits", "unschedulable"))
    journal.add(attempt("came late", "unschedulable"))
    for number in range(4):
        journal.add(attempt(f"done-{number}", "scheduled"))
    journal.add(attempt("came late", "scheduled"))
    found = [(each.uid, each.result) for each in journal.attempts()]
    assert found == [
        ("came late", "scheduled"), ("done-3", "scheduled"), ("done-2", "scheduled"),
        ("waits", "unschedulable"),
    ]  # fmt: skip
    for number in range(4):
        journal.add(attempt(f"waits-{number}", "unschedulable"))
    assert {each.uid for each in journal.attempts()} == {"waits-1", "waits-2", "waits-3"}


async def test_the_journal_has_what_every_plugin_said_of_every_node() -> None:
    async with running() as cluster:
        cluster.handlers.node(None, make_node("a", cpu="1", unschedulable=True))
        cluster.put(make_pod("p", cpu="2"))
        await asyncio.sleep(1)
        (attempt,) = cluster.journal.attempts(namespace="default", name="p")
        assert attempt.to_object()["verdicts"] == {
            "a": {
                "NodeUnschedulable": "node(s) were unschedulable", "NodeName": "ok",
                "TaintToleration": "ok", "NodeAffinity": "ok", "NodeResourcesFit": "Insufficient cpu",
            }
        }  # fmt: skip
