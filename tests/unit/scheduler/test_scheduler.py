"""The scheduler's loop with a recorded API, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import Any

import pytest

from apimachinery import volumes
from apimachinery.errors import ConflictError, ForbiddenError
from apimachinery.objects import NamespacedName, Object, key_of
from scheduler.assembly import may_help
from scheduler.cache import Cache
from scheduler.config import ProfileConfig
from scheduler.default_selector import DefaultSelectors
from scheduler.devices.claims import DeviceClaims
from scheduler.effects import Effects
from scheduler.event_handlers import EventHandlers
from scheduler.extender import Extender
from scheduler.framework.interface import EventKind
from scheduler.framework.own import OwnPlugin
from scheduler.framework.waiting import WaitingPods
from scheduler.journal import Attempt, Journal
from scheduler.nominator import Nominator
from scheduler.parts import Parts
from scheduler.pod_info import PodInfo
from scheduler.preemption import Preemption
from scheduler.queue import SchedulingQueue
from scheduler.scheduler import Scheduler
from scheduler.selection import Selector
from tests.unit.counting import Counting
from tests.unit.scheduler.builders import RecordedStorage, make_node, make_pod, make_profile
from tests.unit.volumes import make_claim, make_class, make_volume

pytestmark = pytest.mark.looptime
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Nothing:
    def get(self, key: NamespacedName) -> None:
        return None

    def list(self, namespace: str | None = None) -> list[Object]:
        return []


class Cluster:
    """A scheduler, the objects it sees, and a log of what it asks of the API."""

    def __init__(
        self,
        extenders: Sequence[Extender] = (),
        own: Sequence[type[OwnPlugin]] = (),
        own_args: Mapping[str, Object] | None = None,
        devices: DeviceClaims | None = None,
    ) -> None:
        """`own` plugins are enabled at every point that they have something for, `own_args` are theirs."""
        self.objects: dict[NamespacedName, Object] = {}
        self.log: list[str] = []
        self.patches: list[Object] = []
        self.refuse_binding = False
        self.refuse_deletion = False
        cache, nominator, random = Cache(), Nominator(), Random(0)
        self.storage = RecordedStorage(lag=0.1)
        binders = [{"name": each.name} for each in own if hasattr(each, "bind")]
        enabled = {
            "multiPoint": {"enabled": [{"name": each.name} for each in own]},
            "bind": {"enabled": [*binders, {"name": "DefaultBinder"}]},
        }
        self.waiting = WaitingPods()
        profile = make_profile(
            cache, ProfileConfig(plugins=enabled, own_args=own_args or {}), recorded=self.storage, own=own,
            waiting=self.waiting, devices=devices,
        )  # fmt: skip
        profiles = {profile.name: profile}
        queue = SchedulingQueue(
            asyncio.get_running_loop().time, partial(may_help, profiles), held_back_by=profile.held_back_by
        )
        selectors = DefaultSelectors(Nothing(), {})
        self.handlers = EventHandlers(
            cache, queue, nominator, selectors, profiles, self.storage.news, self.waiting
        )
        self.plugins = profile.plugins
        self.journal = Journal()
        self.cache = cache
        self.scheduler = Scheduler(
            Parts(
                api=self, cache=cache, queue=queue, nominator=nominator,
                selector=Selector(cache, nominator, random),
                preemption=Preemption(cache, nominator, random), profiles=profiles,
                recorders={profile.name: self}, effects=Effects(), journal=self.journal,
                pod=self.objects.get, now=lambda: NOW, extenders=extenders, waiting=self.waiting,
            )
        )  # fmt: skip

    def put(self, pod: Object) -> None:
        old = self.objects.get(key_of(pod))
        self.objects[key_of(pod)] = pod
        self.handlers.pod(old, pod)

    def remove(self, name: str) -> None:
        self.handlers.pod(self.objects.pop(NamespacedName("default", name)), None)

    async def bind(self, pod: PodInfo, node: str) -> None:
        await asyncio.sleep(0.01)
        if self.refuse_binding:
            raise ConflictError("pods", pod.key.name, "it is assigned already")
        self.log.append(f"bind {pod.key.name} {node}")
        bound = {**pod.pod, "spec": {**pod.pod["spec"], "nodeName": node}}
        asyncio.get_running_loop().call_later(0.05, self.put, bound)

    async def patch_status(self, pod: PodInfo, patch: Object) -> None:
        self.patches.append(patch)

    async def delete(self, pod: PodInfo) -> None:
        if self.refuse_deletion:
            raise ForbiddenError("pods", pod.key.name, "no")
        self.log.append(f"delete {pod.key.name}")

    def event(
        self, obj: Object, type: str, reason: str, action: str, note: str, *, related: Object | None = None
    ) -> None:
        self.log.append(f"{type} {reason} {note}")


@asynccontextmanager
async def running(
    *extenders: Extender,
    own: Sequence[type[OwnPlugin]] = (),
    own_args: Mapping[str, Object] | None = None,
    devices: DeviceClaims | None = None,
) -> AsyncIterator[Cluster]:
    cluster = Cluster(extenders, own, own_args, devices)
    task = asyncio.create_task(cluster.scheduler.run())
    yield cluster
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


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
