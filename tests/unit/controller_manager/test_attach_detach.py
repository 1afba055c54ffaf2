"""Which volumes are attached to a node, detached and reported; and the controller with an attacher."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from math import inf
from typing import Any

import pytest

from apimachinery.errors import StatusError
from apimachinery.objects import Object, get_path, is_terminating, name_of
from apimachinery.scheme import (
    CSI_DRIVERS,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    PODS,
    VOLUME_ATTACHMENTS,
)
from apimachinery.volumes import BIND_COMPLETED
from apimachinery.well_known import MANAGED_ATTACH_DETACH
from client.errors import ConnectionFailed
from controller_manager.attach_detach.controller import AttachDetachController
from controller_manager.attach_detach.plan import (
    NodePlan,
    Want,
    attachment_for,
    needs_attaching,
    plan_node,
    uses_volumes,
    why_blocked,
)
from controller_manager.options import Options
from tests.unit.controller_manager.cluster import Cluster, Slow, running, unreliable
from tests.unit.volumes import make_claim, make_volume

DRIVER = "d.example.com"


def csi_volume(name: str = "v", **wanted: Any) -> Object:
    volume = make_volume(name, **wanted)
    del volume["spec"]["hostPath"]
    volume["spec"]["csi"] = {"driver": DRIVER, "volumeHandle": f"{name}-1"}
    return volume


VOLUME = csi_volume()
SHARED = csi_volume("s", modes=("ReadWriteMany",))
UNIQUE = f"kubernetes.io/csi/{DRIVER}^v-1"


def node(*in_use: str, ready: bool = True, taint: str = "") -> Object:
    conditions = [{"type": "Ready", "status": str(ready)}]
    taints = [{"key": taint, "effect": "NoExecute"}] if taint else []
    return {
        "metadata": {"name": "n1"},
        "spec": {"taints": taints},
        "status": {"conditions": conditions, "volumesInUse": list(in_use)},
    }


def attachment(volume: Object = VOLUME, *, attached: bool = True, going: bool = False) -> Object:
    made = attachment_for(volume, "n1")
    made["status"] = {"attached": attached}
    if going:
        made["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return made


WANT, WANT_SHARED = Want(VOLUME, ()), Want(SHARED, ())
ATTACHED = attachment()


@pytest.mark.parametrize(
    ("where", "wants", "existing", "held", "unused", "expected"),
    [
        pytest.param(node(), [WANT], [], [], 0, NodePlan(attach=(WANT,)), id="needed"),
        pytest.param(node(), [WANT], [attachment(attached=False)], [], 0, NodePlan(), id="on its way"),
        pytest.param(node(), [WANT], [ATTACHED], [], 0, NodePlan(attached=(UNIQUE,)), id="there"),
        pytest.param(node(), [WANT], [], ["v"], 0, NodePlan(blocked=(WANT,)), id="another node has it"),
        pytest.param(
            node(), [WANT_SHARED], [], ["s"], 0, NodePlan(attach=(WANT_SHARED,)), id="it may be shared"
        ),
        pytest.param(node(), [], [ATTACHED], [], 0, NodePlan(detach=(ATTACHED,)), id="not needed any more"),
        pytest.param(
            node(), [WANT], [attachment(going=True)], [], 0, NodePlan(), id="needed again while it goes"
        ),
        pytest.param(
            node(UNIQUE), [], [ATTACHED], [], 1000, NodePlan(attached=(UNIQUE,), wait=360.0), id="mounted"
        ),
        pytest.param(
            node(UNIQUE, ready=False), [], [ATTACHED], [], 60, NodePlan(attached=(UNIQUE,), wait=300.0),
            id="mounted where nobody answers",
        ),
        pytest.param(
            node(UNIQUE, ready=False), [], [ATTACHED], [], 360, NodePlan(detach=(ATTACHED,)),
            id="for six minutes",
        ),
        pytest.param(
            node(UNIQUE, taint="node.kubernetes.io/out-of-service"), [], [ATTACHED], [], 0,
            NodePlan(detach=(ATTACHED,)), id="out of service",
        ),
        pytest.param(
            None, [], [ATTACHED], [], 0, NodePlan(attached=(UNIQUE,), wait=360.0), id="the node is gone"
        ),
    ],
)  # fmt: skip
def test_plans(
    where: Object | None,
    wants: list[Want],
    existing: list[Object],
    held: list[str],
    unused: float,
    expected: NodePlan,
) -> None:
    known = [(each, VOLUME) for each in existing]
    assert plan_node(where, wants, known, held, {name_of(each): unused for each in existing}) == expected


def test_without_force_a_mounted_volume_stays() -> None:
    lost = node(UNIQUE, ready=False)
    plan = plan_node(lost, [], [(ATTACHED, VOLUME)], [], {name_of(ATTACHED): 1e6}, inf)
    assert plan == NodePlan(attached=(UNIQUE,))


def test_what_has_been_asked_to_go_goes_whatever_is_wanted_and_shown() -> None:
    """The cache may be behind: the node must not be told that it has what is being taken away."""
    asked = ATTACHED | {"metadata": {**ATTACHED["metadata"], "uid": "u"}}
    known = [(asked, VOLUME)]
    assert plan_node(node(), [WANT], known, [], {}, begun={"u"}) == NodePlan(detach=(asked,))
    assert plan_node(node(), [WANT], known, [], {}, begun={"other"}) == NodePlan(attached=(UNIQUE,))


@pytest.mark.parametrize(
    ("spec", "expected"),
    [(None, True), ({"spec": {}}, True), ({"spec": {"attachRequired": False}}, False)],
)
def test_drivers_say_if_they_need_no_attaching(spec: Object | None, expected: bool) -> None:
    assert needs_attaching(VOLUME, spec) == expected
    assert not needs_attaching(make_volume(), spec)


RUNNING: Object = {"containerStatuses": [{"state": {"running": {}}}]}
ENDED: Object = {"containerStatuses": [{"state": {"terminated": {}}}]}
GOING: Object = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("metadata", "status", "keeps", "expected"),
    [
        ({}, {"phase": "Pending"}, False, True),
        ({}, {"phase": "Succeeded"}, False, False),
        ({}, {"phase": "Succeeded"}, True, True),
        (GOING, {"phase": "Running", **RUNNING}, False, True),
        (GOING, {"phase": "Running", **ENDED}, False, False),
    ],
)
def test_who_needs_volumes(metadata: Object, status: Object, keeps: bool, expected: bool) -> None:
    annotations = {"volumes.kubernetes.io/keep-terminated-pod-volumes": "true"} if keeps else {}
    pod = {"metadata": metadata, "status": status}
    assert uses_volumes(pod, {"metadata": {"annotations": annotations}}) == expected


def named(name: str, namespace: str = "ns") -> Object:
    return {"metadata": {"name": name, "namespace": namespace}}


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([], "Volume is already exclusively attached to one node and can't be attached to another"),
        ([named("b"), named("a")], "Volume is already used by pod(s) a, b"),
        (
            [named("a"), named("x", "other")],
            "Volume is already used by pod(s) a and 1 pod(s) in different namespaces",
        ),
        ([named("x", "other")], "Volume is already used by 1 pod(s) in different namespaces"),
    ],
)
def test_what_a_pod_is_told(others: list[Object], expected: str) -> None:
    assert why_blocked(named("p"), others) == expected


class Attaching(Cluster):
    """With an external attacher, and kubelets that do nothing."""

    def __init__(self) -> None:
        resources = [NODES, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, VOLUME_ATTACHMENTS, CSI_DRIVERS]
        super().__init__([AttachDetachController], resources, Options())
        self.fails = False

    async def fill(self) -> None:
        for name in ("n1", "n2"):
            metadata = {"name": name, "annotations": {MANAGED_ATTACH_DETACH: "true"}}
            await self.api.create(NODES, {"metadata": metadata, "status": {}})
        claim = await self.api.create(
            PERSISTENT_VOLUME_CLAIMS,
            make_claim("data", volume="v", annotations={BIND_COMPLETED: "yes"}, phase="Bound"),
        )
        await self.api.create(PERSISTENT_VOLUMES, csi_volume(claim=claim))

    async def create_pod(self, name: str, where: str) -> None:
        volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
        spec = {"containers": [{"name": "c", "image": "i"}], "nodeName": where, "volumes": [volume]}
        await self.api.create(PODS, {"metadata": {"name": name, "namespace": "ns"}, "spec": spec})

    async def _see_to(self, pod: Object) -> None:
        return

    async def _kubelet(self) -> None:
        """The attacher."""
        while True:
            await asyncio.sleep(1)
            for each in self.api.find(VOLUME_ATTACHMENTS):
                if self.fails:
                    status: Object = {"attached": False, "attachError": {"message": "no such disk"}}
                else:
                    status = {"attached": True}
                await self.api.update_status(VOLUME_ATTACHMENTS, {**each, "status": status})

    def attached(self, name: str) -> list[str]:
        found = next(each for each in self.api.find(NODES) if name_of(each) == name)
        return [each["name"] for each in get_path(found, "status.volumesAttached") or []]

    def holders(self) -> list[str]:
        return [each["spec"]["nodeName"] for each in self.api.find(VOLUME_ATTACHMENTS)]


@pytest.mark.looptime
async def test_a_volume_follows_its_pod_to_another_node() -> None:
    it = Attaching()
    await it.fill()
    await it.create_pod("a", "n1")
    async with running(it):
        await it.until(lambda: it.attached("n1") == [UNIQUE])
        assert it.events("SuccessfulAttachVolume") == ['AttachVolume.Attach succeeded for volume "v" ']
        await it.create_pod("b", "n2")
        await it.until(lambda: bool(it.events("FailedAttachVolume")))
        assert it.events("FailedAttachVolume") == [
            'Multi-Attach error for volume "v" Volume is already used by pod(s) a'
        ]
        assert it.holders() == ["n1"]
        await it.api.delete(PODS, "a", "ns")
        await it.until(lambda: it.attached("n2") == [UNIQUE])
    assert it.attached("n1") == []
    assert it.holders() == ["n2"]


@pytest.mark.looptime
async def test_nobody_is_told_that_it_must_wait_for_itself() -> None:
    """The attachment has been made, and the cache does not show it yet."""
    it = Attaching()
    await it.fill()
    async with running(it):
        with it.api.lose_events(VOLUME_ATTACHMENTS):
            await it.create_pod("a", "n1")
            await it.until(lambda: it.holders() == ["n1"])
            await it.create_pod("b", "n1")
            await asyncio.sleep(5)
        it.api.compact()
        it.api.break_watches()
        await it.until(lambda: it.attached("n1") == [UNIQUE])
    assert it.events("FailedAttachVolume") == []


@pytest.mark.looptime
async def test_a_volume_that_is_seen_after_its_claim_is_attached() -> None:
    it = Attaching()
    await it.fill()
    volume = it.api.find(PERSISTENT_VOLUMES)[0]
    await it.api.delete(PERSISTENT_VOLUMES, "v")
    async with running(it):
        await it.create_pod("a", "n1")
        await asyncio.sleep(5)
        it.api.put(PERSISTENT_VOLUMES, volume)
        await it.until(lambda: it.attached("n1") == [UNIQUE])


@pytest.mark.looptime
async def test_a_node_is_told_first_what_goes_though_the_cache_does_not_show_that_it_came() -> None:
    it = Attaching()
    await it.fill()
    async with running(it):
        with it.api.lose_events(NODES):
            await it.create_pod("a", "n1")
            await it.until(lambda: it.attached("n1") == [UNIQUE])
            await it.api.delete(PODS, "a", "ns")
            await it.until(lambda: it.holders() == [])
            assert it.attached("n1") == []


@pytest.mark.looptime
async def test_what_a_driver_can_not_attach_is_told() -> None:
    it = Attaching()
    it.fails = True
    await it.fill()
    await it.create_pod("a", "n1")
    async with running(it):
        await it.until(lambda: bool(it.events("FailedAttachVolume")))
    assert it.events("FailedAttachVolume") == ['AttachVolume.Attach failed for volume "v" : no such disk']
    assert it.attached("n1") == []


class Turmoil(Attaching):
    """An attacher that takes its time, and pods that wander; after each write the disk is looked at."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self.random = rng
        self.connection = Slow(self.api, rng)
        self.broken: list[str] = []

    def check(self) -> None:
        if len(self.holders()) > 1:
            self.broken.append(f"attached to {self.holders()} after {self.api.calls[-1]}")
        shown = [name for name in ("n1", "n2") if self.attached(name)]
        if not set(shown) <= set(self.holders()):
            self.broken.append(f"{shown} say that they have it after {self.api.calls[-1]}")

    async def _kubelet(self) -> None:
        while True:
            await asyncio.sleep(self.random.random())
            for each in self.api.find(VOLUME_ATTACHMENTS):
                with suppress(StatusError, ConnectionFailed):
                    await self._attach(each)

    async def _attach(self, it: Object) -> None:
        held = ["external-attacher"]
        if is_terminating(it):
            await self.api.update(
                VOLUME_ATTACHMENTS, {**it, "metadata": {**it["metadata"], "finalizers": []}}
            )
        elif not it["metadata"].get("finalizers"):
            metadata = {**it["metadata"], "finalizers": held}
            await self.api.update(VOLUME_ATTACHMENTS, {**it, "metadata": metadata})
        else:
            await self.api.update_status(VOLUME_ATTACHMENTS, {**it, "status": {"attached": True}})

    async def trouble(self, number: int) -> None:
        match self.random.randrange(5):
            case 0:
                self.kill_manager()
            case 1:
                with self.api.lose_events():
                    await asyncio.sleep(self.random.random() * 3)
                self.api.compact()
                self.api.break_watches()
            case _:
                for pod in self.api.find(PODS):
                    await self.api.delete(PODS, name_of(pod), "ns")
                for node in self.random.sample(["n1", "n2"], self.random.randint(1, 2)):
                    await self.create_pod(f"p{number}-{node}", node)


@pytest.mark.looptime
@pytest.mark.parametrize("seed", range(4))
async def test_a_disk_is_never_in_two_places_whatever_goes_wrong(seed: int) -> None:
    rng = random.Random(seed)
    it = Turmoil(rng)
    await it.fill()
    it.api.on_change = it.check
    async with running(it):
        refusal = unreliable(rng)
        it.api.refusals.append(refusal)
        for number in range(60):
            await asyncio.sleep(rng.random() * 3)
            with suppress(StatusError, ConnectionFailed):
                await it.trouble(number)
        it.api.refusals.remove(refusal)
        for pod in it.api.find(PODS):
            await it.api.delete(PODS, name_of(pod), "ns")
        await it.create_pod("last", "n2")
        await it.until(lambda: it.attached("n2") == [UNIQUE], 5000)
    assert it.broken == []
