"""DynamicResources: what a pod with claims of devices is told, and what is written for it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from apimachinery.objects import Object, get_path, key_of
from apimachinery.resource_claims import FINALIZER
from apimachinery.scheme import RESOURCE_CLAIMS
from scheduler.devices.claims import DeviceClaims
from scheduler.devices.pools import DeviceId
from scheduler.framework.fit_error import FitError
from scheduler.framework.interface import SKIP, EventKind, PreBindError, Verdict
from scheduler.plugins.dynamic_resources import DynamicResources
from scheduler.pod_info import parse_pod
from tests.unit.scheduler.builders import make_cache, make_devices, make_node, make_pod
from tests.unit.scheduler.cluster import Cluster, running
from tests.unit.scheduler.devices import DRIVER, LARGE, SLICE, ask, make_claim, make_class

POD = make_pod("p", resourceClaims=[{"name": "gpu", "resourceClaimName": "c"}])
TEMPLATED = make_pod("p", resourceClaims=[{"name": "gpu", "resourceClaimTemplateName": "t"}])


GPUS = make_class()


def plugin(*claims: Object, classes: Any = (GPUS,), slices: Any = (SLICE,)) -> DynamicResources:
    return DynamicResources(make_devices(claims=claims, classes=classes, slices=slices))


def with_status(claim: Object, **status: Any) -> Object:
    return {**claim, "status": status}


def reason(it: DynamicResources, pod: Object, node: str = "n1") -> str:
    """Why the pod can't go to the node; "" if it can."""
    cache = make_cache([make_node(node)])
    info = parse_pod(pod)
    state: Any = it.pre_filter(info, cache)
    verdict = state if isinstance(state, Verdict) else it.filter(info, cache.nodes[0], state)
    return verdict.reasons[0] if verdict else ""


HERE = {
    "nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}]
}
CROWD = [{"resource": "pods", "name": f"p{number}", "uid": f"u{number}"} for number in range(256)]
ME = {"resource": "pods", "name": "p", "uid": POD["metadata"]["uid"]}
NOTHING, STILL = "no new claims to deallocate", "still not schedulable"
COMPLETED = "deallocation of ResourceClaim completed"
GOING = make_claim(g=ask())
GOING["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("it", "pod", "node", "expected"),
    [
        (plugin(make_claim(g=ask())), POD, "n1", ""),
        (plugin(make_claim(g=ask())), POD, "n2", "cannot allocate all claims"),
        (plugin(), TEMPLATED, "n1", 'pod "default/p": ResourceClaim not created yet'),
        (plugin(), POD, "n1", 'could not find claim "default/c"'),
        (plugin(GOING), POD, "n1", 'resourceclaim "c" is being deleted'),
        (plugin(make_claim(g=ask()), classes=()), POD, "n1", "request g: device class gpus does not exist"),
        (
            plugin(make_claim(g=[ask(of="no")])), POD, "n1", "request g/s0: device class no does not exist",
        ),
        (plugin(with_status(make_claim(), allocation={"nodeSelector": HERE})), POD, "n1", ""),
        (
            plugin(with_status(make_claim(), allocation={"nodeSelector": HERE})), POD, "n2",
            "resourceclaim not available on the node",
        ),
        (
            plugin(with_status(make_claim(), allocation={}, reservedFor=CROWD)), POD, "n1",
            "resourceclaim in use",
        ),
        (plugin(with_status(make_claim(), allocation={}, reservedFor=[*CROWD[1:], ME])), POD, "n1", ""),
    ],
)  # fmt: skip
def test_why_a_pod_waits(it: DynamicResources, pod: Object, node: str, expected: str) -> None:
    assert reason(it, pod, node) == expected


def allocated(*, to: str, users: Any = (), name: str = "c") -> Object:
    field = {"key": "metadata.name", "operator": "In", "values": [to]}
    where = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    return with_status(make_claim(name, g=ask()), allocation={"nodeSelector": where}, reservedFor=list(users))


@pytest.mark.parametrize(
    ("claims", "pod", "says", "freed"),
    [
        pytest.param(
            [allocated(to="n2")], make_pod("q"), "no new claims to deallocate", False, id="no claims"
        ),
        pytest.param([GOING], POD, "no new claims to deallocate", False, id="a claim that can't be had"),
        pytest.param([make_claim(g=ask(of="no"))], POD, "no new claims to deallocate", False, id="no class"),
        pytest.param([allocated(to="n2")], POD, COMPLETED, True, id="nobody uses it"),
        pytest.param([allocated(to="n2", users=[ME])], POD, COMPLETED, True, id="only the pod uses it"),
        pytest.param(
            [allocated(to="n2", users=CROWD[:1])], POD, "still not schedulable", False, id="it is used"
        ),
        pytest.param([allocated(to="n1")], POD, STILL, False, id="it is in reach"),
    ],
)
async def test_devices_out_of_reach_are_given_back(
    claims: list[Object], pod: Object, says: str, freed: bool
) -> None:
    devices = make_devices(claims=claims, classes=[make_class()], slices=[SLICE])
    it, cache, info = DynamicResources(devices), make_cache([make_node("n1")]), parse_pod(pod)
    state: Any = it.pre_filter(info, cache)
    rejected = isinstance(state, Verdict)
    verdict = None if rejected or state is SKIP else it.filter(info, cache.nodes[0], state)
    error = FitError(1, {"n1": verdict} if verdict else {}, everywhere=state if rejected else None)
    found = it.post_filter(info, error, None if rejected else state)
    assert (found.message, found.is_final, found.remedy is not None) == (says, False, freed)
    if found.remedy is not None:
        await found.remedy()
        assert not {"allocation", "reservedFor"} & (await stored(devices))["status"].keys()


def test_where_another_plugin_has_rejected_the_pod_there_is_nothing_to_go_by() -> None:
    """As upstream has it, in so many words."""
    error = FitError(
        1, everywhere=Verdict("VolumeBinding", ("pod has unbound immediate claims",), is_final=True)
    )
    found = plugin().post_filter(parse_pod(POD), error, None)
    assert (found.message, found.is_final) == ("not found", True)


@pytest.mark.looptime
async def test_a_pod_gets_other_devices_for_those_that_are_out_of_reach() -> None:
    devices = make_devices(claims=[allocated(to="gone")], classes=[make_class()], slices=[SLICE])
    async with running(devices=devices) as cluster:
        cluster.handlers.node(None, make_node("n1"))
        cluster.put(POD)
        await asyncio.sleep(0.5)
        assert cluster.log == [
            "Warning FailedScheduling 0/1 nodes are available: 1 resourceclaim not available on the node. "
            f"{COMPLETED}, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
        ]
        show(devices, cluster, await stored(devices))
        await asyncio.sleep(2)
        assert "bind p n1" in cluster.log
        assert [each["uid"] for each in (await stored(devices))["status"]["reservedFor"]] == [ME["uid"]]


@pytest.mark.looptime
async def test_a_pod_is_held_back_without_a_word_until_its_claim_is_there() -> None:
    devices = make_devices(classes=[make_class()], slices=[SLICE])
    async with running(devices=devices) as cluster:
        cluster.handlers.node(None, make_node("n1"))
        cluster.put(POD)
        await asyncio.sleep(600)
        assert cluster.log == []
        devices._api.put(RESOURCE_CLAIMS, make_claim(g=ask()))  # type: ignore[attr-defined]
        show(devices, cluster, await stored(devices))
        await asyncio.sleep(0.5)
        assert "bind p n1" in cluster.log


def show(devices: DeviceClaims, cluster: Cluster, claim: Object) -> None:
    """As the informer does."""
    devices.claims.set(key_of(claim), claim)  # type: ignore[attr-defined]
    cluster.handlers.storage(EventKind.RESOURCE_CLAIM, None, claim)


async def reserved(it: DynamicResources, pod: Object) -> Any:
    cache, info = make_cache([make_node("n1")]), parse_pod(pod)
    state: Any = it.pre_filter(info, cache)
    return it.reserve(info, cache.nodes[0], state)


async def test_devices_are_set_aside_and_written_before_the_pod_is_bound() -> None:
    devices = make_devices(claims=[make_claim(g=ask(LARGE))], classes=[make_class()], slices=[SLICE])
    it = DynamicResources(devices)
    reservation = await reserved(it, POD)
    assert devices.in_use() == {DeviceId(DRIVER, "n1", "c")}
    assert reason(it, POD) == "resource claim default/c is in the process of being allocated"
    await it.pre_bind(parse_pod(POD), reservation)
    claim = await stored(devices)
    assert claim["metadata"]["finalizers"] == [FINALIZER]
    assert get_path(claim, "status.allocation.devices.results")[0]["device"] == "c"
    assert claim["status"]["reservedFor"] == [
        {"resource": "pods", "name": "p", "uid": POD["metadata"]["uid"]}
    ]
    # The cache has not seen it, and another pod must not get it, either.
    assert devices.in_use() == {DeviceId(DRIVER, "n1", "c")}
    devices.claims.set(key_of(claim), claim)  # type: ignore[attr-defined]
    assert devices.in_use() == {DeviceId(DRIVER, "n1", "c")}
    assert not devices.is_pending(claim)


async def stored(devices: DeviceClaims) -> Object:
    return await devices._api.get(RESOURCE_CLAIMS, "c", "default")


async def test_what_was_set_aside_for_nothing_is_free_again() -> None:
    devices = make_devices(claims=[make_claim(g=ask(LARGE))], classes=[make_class()], slices=[SLICE])
    it = DynamicResources(devices)
    it.unreserve(parse_pod(POD), await reserved(it, POD))
    assert devices.in_use() == frozenset()
    assert reason(it, POD) == ""


async def test_a_claim_that_somebody_else_has_served_is_not_overwritten() -> None:
    devices = make_devices(claims=[make_claim(g=ask())], classes=[make_class()], slices=[SLICE])
    it = DynamicResources(devices)
    reservation = await reserved(it, POD)
    claim = await stored(devices)
    await devices._api.update_status(RESOURCE_CLAIMS, with_status(claim, allocation={"devices": {}}))
    with pytest.raises(PreBindError, match="got allocated elsewhere in the meantime"):
        await it.pre_bind(parse_pod(POD), reservation)


def test_pods_without_claims_are_not_looked_at() -> None:
    it = plugin()
    assert it.pre_filter(parse_pod(make_pod("p")), make_cache()) is SKIP
