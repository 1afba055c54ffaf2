"""Devices: which pools reach a node, who gets what, and what a pod with claims is told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from apimachinery.objects import Object, get_path, key_of
from apimachinery.resource_claims import FINALIZER
from apimachinery.scheme import RESOURCE_CLAIMS
from scheduler.devices.allocation import allocate
from scheduler.devices.claims import DeviceClaims
from scheduler.devices.pools import DeviceId, gather_pools
from scheduler.devices.selectors import AllocationError
from scheduler.framework.fit_error import FitError
from scheduler.framework.interface import SKIP, EventKind, PreBindError, Verdict
from scheduler.plugins.dynamic_resources import DynamicResources
from scheduler.pod_info import parse_pod
from tests.unit.scheduler.builders import make_cache, make_devices, make_node, make_pod
from tests.unit.scheduler.test_scheduler import Cluster, running

DRIVER = "d.example.com"


def make_slice(
    *devices: Object, pool: str = "n1", generation: int = 1, count: int = 1, **place: Any
) -> Object:
    spec = {
        "driver": DRIVER,
        "pool": {"name": pool, "generation": generation, "resourceSliceCount": count},
        "devices": list(devices),
        **(place or {"nodeName": "n1"}),
    }
    return {
        "kind": "ResourceSlice",
        "metadata": {"name": f"{pool}-{generation}-{len(devices)}"},
        "spec": spec,
    }


def device(name: str, **attributes: Any) -> Object:
    kinds = {bool: "bool", int: "int", str: "string"}
    return {"name": name, "attributes": {key: {kinds[type(it)]: it} for key, it in attributes.items()}}


def make_class(name: str = "gpus", *expressions: str, config: Any = ()) -> Object:
    selectors = [{"cel": {"expression": each}} for each in expressions]
    spec = {"selectors": selectors, "config": list(config)}
    return {"kind": "DeviceClass", "metadata": {"name": name}, "spec": spec}


def ask(expression: str = "", *, of: str = "gpus", count: int = 1, **more: Any) -> Object:
    selectors = [{"cel": {"expression": expression}}] if expression else []
    mode = {"allocationMode": "ExactCount", "count": count}
    return {"deviceClassName": of, "selectors": selectors, **mode, **more}


def make_claim(name: str = "c", *, constraints: Any = (), config: Any = (), **requests: Any) -> Object:
    listed = [
        {"name": each, "firstAvailable": [{"name": f"s{i}", **it} for i, it in enumerate(wanted)]}
        if isinstance(wanted, list)
        else {"name": each, "exactly": wanted}
        for each, wanted in requests.items()
    ]
    return {
        "kind": "ResourceClaim",
        "metadata": {
            "name": name, "namespace": "default", "uid": name, "resourceVersion": "5", "generation": 1,
        },
        "spec": {"devices": {"requests": listed, "constraints": list(constraints), "config": list(config)}},
    }  # fmt: skip


ALL = {"allocationMode": "All", "count": 0}
SLICE = make_slice(
    device("a", model="small", numa=0),
    device("b", model="small", numa=1),
    device("c", model="large", numa=1),
)
LARGE = f'device.attributes["{DRIVER}"].model == "large"'
SMALL = f'device.attributes["{DRIVER}"].model == "small"'
SAME_NUMA = {"matchAttribute": f"{DRIVER}/numa"}


def found(claims: list[Object], *slices: Object, in_use: str = "", classes: Any = None) -> Any:
    """`request=device` of each claim, or None."""
    known = {"gpus": make_class()} | (classes or {})
    pools = gather_pools(slices or [SLICE], "n1", {})
    taken = [DeviceId(DRIVER, "n1", each) for each in in_use]
    allocations = allocate(claims, known.get, pools, taken, "n1")
    if allocations is None:
        return None
    return [
        " ".join(f"{it['request']}={it['device']}" for it in each["devices"]["results"])
        for each in allocations
    ]


@pytest.mark.parametrize(
    ("claims", "in_use", "expected"),
    [
        pytest.param([make_claim(g=ask())], "", ["g=a"], id="any"),
        pytest.param([make_claim(g=ask())], "a", ["g=b"], id="another has it"),
        pytest.param([make_claim(g=ask(LARGE))], "", ["g=c"], id="chosen by an attribute"),
        pytest.param([make_claim(g=ask(LARGE))], "c", None, id="the only one is taken"),
        pytest.param([make_claim(g=ask(count=3))], "", ["g=a g=b g=c"], id="three"),
        pytest.param([make_claim(g=ask(count=4))], "", None, id="more than there are"),
        pytest.param([make_claim("c"), make_claim("d")] , "", ["", ""], id="claims for nothing"),
        pytest.param(
            [make_claim("c", g=ask()), make_claim("d", h=ask())], "", ["g=a", "h=b"], id="two claims"
        ),
        pytest.param([make_claim(g=ask(), h=ask(SMALL, count=2))], "", ["g=c h=a h=b"], id="taken back"),
        pytest.param([make_claim(g=ask(SMALL, **ALL))], "", ["g=a g=b"], id="all of some"),
        pytest.param([make_claim(g=ask(**ALL))], "b", None, id="all, and one is taken"),
        pytest.param([make_claim(g=ask("false", **ALL))], "", None, id="all of none"),
        pytest.param([make_claim(constraints=[SAME_NUMA], g=ask(count=2))], "", ["g=b g=c"], id="alike"),
        pytest.param(
            [make_claim(constraints=[SAME_NUMA], g=ask(), h=ask(LARGE))], "", ["g=b h=c"], id="two alike"
        ),
        pytest.param(
            [make_claim(constraints=[{**SAME_NUMA, "requests": ["g"]}], g=ask(), h=ask(LARGE))], "",
            ["g=a h=c"],
            id="a constraint of one request",
        ),
        pytest.param(
            [make_claim(constraints=[{"matchAttribute": "e.com/x"}], g=ask())], "", None, id="nobody has it"
        ),
        pytest.param([make_claim(g=[ask(LARGE), ask(SMALL)])], "", ["g/s0=c"], id="the first choice"),
        pytest.param(
            [make_claim(g=[ask(LARGE), ask(SMALL, count=2)])], "c", ["g/s1=a g/s1=b"], id="the second"
        ),
        pytest.param([make_claim(g=ask(adminAccess=True))], "abc", ["g=a"], id="for administrators"),
    ],
)  # fmt: skip
def test_who_gets_what(claims: list[Object], in_use: str, expected: Any) -> None:
    assert found(claims, in_use=in_use) == expected


@pytest.mark.parametrize(
    ("claim", "slices", "error"),
    [
        (
            make_claim(g=ask(**ALL)), [make_slice(device("a"), count=2)],
            "claim default/c, request g: asks for all devices, but resource pool d.example.com/n1 is "
            "currently being updated",
        ),
        (
            make_claim(g=ask()), [make_slice(device("a"), device("a"))],
            "pool n1 is invalid: duplicate device name a",
        ),
        (
            make_claim(g=ask(f'device.attributes["{DRIVER}"].size > 1')), [SLICE],
            "claim default/c: selector #0: CEL runtime error: no such key: size",
        ),
        (
            make_claim(g=ask(count=33)), [SLICE],
            "claim default/c: number of requested devices 33 exceeds the claim limit of 32",
        ),
        (
            make_claim(constraints=[SAME_NUMA], g=ask(**ALL)), [SLICE],
            "claim default/c, request g: cannot add device d.example.com/n1/b because a claim constraint "
            "would not be satisfied",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong(claim: Object, slices: list[Object], error: str) -> None:
    with pytest.raises(AllocationError) as raised:
        found([claim], *slices)
    assert str(raised.value) == error


def test_a_search_without_end_is_given_up() -> None:
    """One more than share a node of memory: every combination of the others would have to be tried."""
    devices = [device(f"{numa}-{i}", numa=numa) for numa in (0, 1) for i in range(25)]
    with pytest.raises(AllocationError, match="timed out trying to allocate devices"):
        found([make_claim(g=ask(count=26), constraints=[SAME_NUMA])], make_slice(*devices))


ZONE = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}]}


@pytest.mark.parametrize(
    ("slices", "labels", "expected"),
    [
        ([make_slice(device("a"))], {}, ["n1"]),
        ([make_slice(device("a"), nodeName="n2")], {}, []),
        ([make_slice(device("a"), allNodes=True)], {}, ["n1"]),
        ([make_slice(device("a"), nodeSelector=ZONE)], {"zone": "a"}, ["n1"]),
        ([make_slice(device("a"), nodeSelector=ZONE)], {"zone": "b"}, []),
    ],
)
def test_which_pools_reach_a_node(slices: list[Object], labels: dict[str, str], expected: list[str]) -> None:
    assert [pool.name for pool in gather_pools(slices, "n1", labels)] == expected


def test_only_the_newest_generation_of_a_pool_counts() -> None:
    old, new = make_slice(device("a"), device("b")), make_slice(device("c"), generation=2)
    for slices in ([old, new], [new, old]):
        (pool,) = gather_pools(slices, "n1", {})
        assert [each.id.device for each in pool.devices()] == ["c"]


def test_what_is_written_down() -> None:
    opaque = {"opaque": {"driver": DRIVER, "parameters": {}}}
    claim = make_claim(config=[{"requests": ["g"], **opaque}, {"requests": ["h"], **opaque}], g=ask())
    pools = gather_pools([make_slice(device("a"), nodeSelector=ZONE)], "n1", {"zone": "a"})
    allocation = allocate([claim], lambda _: make_class(config=[opaque]), pools, (), "n1")
    assert allocation == [
        {
            "devices": {
                "results": [{"request": "g", "driver": DRIVER, "pool": "n1", "device": "a"}],
                "config": [
                    {"source": "FromClass", **opaque},
                    {"source": "FromClaim", "requests": ["g"], **opaque},
                ],
            },
            "nodeSelector": ZONE,
        }
    ]


# The plugin.

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
