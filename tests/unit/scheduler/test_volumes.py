"""Pods with claims: whether they can go anywhere, and where."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from apimachinery import volumes
from apimachinery.objects import Object
from scheduler.node_info import NodeInfo
from scheduler.pod_info import parse_pod, trim
from scheduler.selection import Rejected, Selected
from scheduler.volumes.finder import (
    BIND_CONFLICT,
    NO_SPACE,
    NODE_CONFLICT,
    VOLUME_MISSING,
    PodClaims,
    claims_of,
)
from tests.unit.scheduler.builders import make_cache, make_node, make_pod, make_profile, make_selector
from tests.unit.scheduler.claims import BOUND, IN_USE, LOCAL, MADE, claiming, found, holding, node
from tests.unit.volumes import make_claim, make_class, make_volume

DELETED = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


# Whether at all.


@pytest.mark.parametrize(
    ("claim", "why_not"),
    [
        pytest.param(None, 'persistentvolumeclaim "claim" not found', id="no such claim"),
        pytest.param(
            make_claim(volume="gone", phase="Lost"),
            'persistentvolumeclaim "claim" bound to non-existent persistentvolume "gone"',
            id="lost",
        ),
        pytest.param(
            make_claim(metadata=DELETED), 'persistentvolumeclaim "claim" is being deleted', id="going"
        ),
    ],
)
def test_a_claim_that_no_node_can_help(claim: Object | None, why_not: str) -> None:
    storage = holding(*([claim] if claim else [])).storage
    assert claims_of(claiming("claim"), storage) == why_not


def test_an_ephemeral_claim_has_to_be_made_for_the_pod() -> None:
    pod = parse_pod(make_pod("p", namespace="ns", volumes=[{"name": "data", "ephemeral": {"x": {}}}]))
    text = 'waiting for ephemeral volume controller to create the persistentvolumeclaim "p-data"'
    assert claims_of(pod, holding().storage) == text
    text = "PVC ns/p-data was not created for pod ns/p (pod is not owner)"
    assert claims_of(pod, holding(make_claim("p-data")).storage) == text


@pytest.mark.parametrize(
    ("claim", "storage_class", "kind"),
    [
        pytest.param(make_claim(volume="v", annotations=BOUND), None, "bound", id="bound"),
        pytest.param(make_claim(volume="v"), make_class(delayed=True), "immediate", id="half bound"),
        pytest.param(make_claim(), make_class(), "immediate", id="bound at once, by others"),
        pytest.param(make_claim(), None, "immediate", id="of a class that is not there"),
        pytest.param(make_claim(), make_class(delayed=True), "delayed", id="waiting for its first pod"),
    ],
)
def test_how_far_a_claim_is(claim: Object, storage_class: Object | None, kind: str) -> None:
    storage = holding(claim, *([storage_class] if storage_class else [])).storage
    claims = claims_of(claiming("claim"), storage)
    assert isinstance(claims, PodClaims)
    assert [each for each in ("bound", "delayed", "immediate") if getattr(claims, each)] == [kind]


# Where.


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        pytest.param(make_volume(claim=IN_USE), ([], []), id="usable everywhere"),
        pytest.param(make_volume(claim=IN_USE, nodes=("n1",)), ([], []), id="usable here"),
        pytest.param(make_volume(claim=IN_USE, nodes=("n2",)), (NODE_CONFLICT,), id="elsewhere"),
        pytest.param(make_volume("another"), (VOLUME_MISSING,), id="gone"),
    ],
)
def test_a_bound_claim_ties_the_pod_to_its_volume(volume: Object, expected: Any) -> None:
    assert found(PodClaims(bound=(IN_USE,)), volume) == expected


ONLY_B = make_class(
    delayed=True,
    allowedTopologies=[{"matchLabelExpressions": [{"key": "zone", "values": ["b", "c"]}]}],
)
NOWHERE = make_class(delayed=True, allowedTopologies=[{}])
SELECTED = make_claim(annotations={volumes.SELECTED_NODE: "n1"})


@pytest.mark.parametrize(
    ("claim", "objects", "node", "expected"),
    [
        pytest.param(
            make_claim(), [LOCAL, make_volume(nodes=("n1",))], node(), ([("volume", "claim")], []), id="free"
        ),
        pytest.param(
            make_claim(), [LOCAL, make_volume(nodes=("n2",))], node(), (BIND_CONFLICT,), id="elsewhere"
        ),
        pytest.param(make_claim(), [LOCAL], node(), (BIND_CONFLICT,), id="none, and nobody makes one"),
        pytest.param(make_claim(), [MADE], node(), ([], ["claim"]), id="none, but one can be made"),
        pytest.param(
            make_claim(), [MADE, make_volume()], node(), ([("volume", "claim")], []), id="free before made"
        ),
        pytest.param(make_claim(), [ONLY_B], node(zone="c"), ([], ["claim"]), id="made in this zone"),
        pytest.param(make_claim(), [ONLY_B], node(zone="a"), (BIND_CONFLICT,), id="not made in this zone"),
        pytest.param(make_claim(), [NOWHERE], node(zone="a"), (BIND_CONFLICT,), id="made where nothing is"),
        pytest.param(
            SELECTED, [MADE, make_volume()], node(), ([], ["claim"]), id="being made here for an earlier try"
        ),
        pytest.param(
            SELECTED, [MADE], node("n2"), (BIND_CONFLICT,), id="being made elsewhere for an earlier try"
        ),
    ],
)
def test_an_unbound_claim_ties_the_pod_to_where_a_volume_can_be_had(
    claim: Object, objects: Iterable[Object], node: NodeInfo, expected: Any
) -> None:
    assert found(PodClaims(delayed=(claim,)), *objects, on=node) == expected


def capacity(size: str, *, largest: str = "", **labels: str) -> Object:
    return {
        "kind": "CSIStorageCapacity",
        "metadata": {"name": "c", "namespace": "kube-system"},
        "storageClassName": "fast",
        "nodeTopology": {"matchLabels": labels},
        "capacity": size,
        **({"maximumVolumeSize": largest} if largest else {}),
    }


def driver(*, tells: bool) -> Object:
    return {"kind": "CSIDriver", "metadata": {"name": "example.com/disk"}, "spec": {"storageCapacity": tells}}


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        pytest.param([], ([], ["claim"]), id="not a CSI driver"),
        pytest.param([driver(tells=False)], ([], ["claim"]), id="a driver that does not tell"),
        pytest.param([driver(tells=True)], (NO_SPACE,), id="a driver that has told nothing"),
        pytest.param([driver(tells=True), capacity("9Gi", zone="a")], ([], ["claim"]), id="room enough"),
        pytest.param([driver(tells=True), capacity("9Mi", zone="a")], (NO_SPACE,), id="too little room"),
        pytest.param(
            [driver(tells=True), capacity("9Gi", largest="9Mi", zone="a")],
            (NO_SPACE,),
            id="in too small parts",
        ),
        pytest.param([driver(tells=True), capacity("9Gi", zone="b")], (NO_SPACE,), id="room elsewhere"),
    ],
)
def test_a_driver_that_tells_its_capacity_is_believed(objects: list[Object], expected: Any) -> None:
    claims = PodClaims(delayed=(make_claim(),))
    assert found(claims, make_class(delayed=True), *objects, on=node(zone="a")) == expected


def csi_volume(name: str) -> tuple[Object, Object]:
    claim = make_claim(name, volume=name, annotations=BOUND)
    volume = make_volume(name, claim=claim)
    del volume["spec"]["hostPath"]
    volume["spec"]["csi"] = {"driver": "example.com/disk", "volumeHandle": name}
    return claim, volume


@pytest.mark.parametrize(
    ("limit", "claims", "fits"),
    [
        pytest.param(3, ("new",), True, id="one more"),
        pytest.param(2, ("new",), False, id="one too many"),
        pytest.param(2, ("a",), True, id="one that is attached already"),
        pytest.param(2, ("to be made",), False, id="one that is to be made"),
        pytest.param(None, ("new",), True, id="no limit"),
    ],
)
def test_a_node_takes_as_many_volumes_as_its_driver_says(
    limit: int | None, claims: tuple[str, ...], fits: bool
) -> None:
    known = {"name": "example.com/disk", "allocatable": {"count": limit}}
    csi_node = {"kind": "CSINode", "metadata": {"name": "n1"}, "spec": {"drivers": [known]}}
    objects = [each for name in ("a", "b", "new") for each in csi_volume(name)]
    recorded = holding(csi_node, make_class(delayed=True), make_claim("to be made"), *objects)
    cache = make_cache([make_node("n1")], [claiming("a", "b", name="q", node="n1").pod])
    result = make_selector(cache).select(claiming(*claims), make_profile(cache, recorded=recorded))
    if fits:
        assert isinstance(result, Selected)
    else:
        assert isinstance(result, Rejected)
        text = "0/1 nodes are available: 1 node(s) exceed max volume count."
        assert result.error.message() == text


@pytest.mark.parametrize(("attached", "fits"), [("left", False), ("a", True), ("new", True)])
def test_what_is_still_attached_takes_its_place(attached: str, fits: bool) -> None:
    known = {"name": "example.com/disk", "allocatable": {"count": 2}}
    csi_node = {"kind": "CSINode", "metadata": {"name": "n1"}, "spec": {"drivers": [known]}}
    attachment = {
        "kind": "VolumeAttachment",
        "metadata": {"name": "v"},
        "spec": {
            "nodeName": "n1",
            "attacher": "example.com/disk",
            "source": {"persistentVolumeName": attached},
        },
    }
    objects = [each for name in ("a", "left", "new") for each in csi_volume(name)]
    recorded = holding(csi_node, attachment, *objects)
    cache = make_cache([make_node("n1")], [claiming("a", name="q", node="n1").pod])
    result = make_selector(cache).select(claiming("new"), make_profile(cache, recorded=recorded))
    assert isinstance(result, Selected) == fits


RBD = {"monitors": ["m1", "m2"], "image": "i"}


@pytest.mark.parametrize(
    ("one", "other", "fits"),
    [
        ({"iscsi": {"iqn": "x"}}, {"iscsi": {"iqn": "x"}}, False),
        ({"iscsi": {"iqn": "x"}}, {"iscsi": {"iqn": "y"}}, True),
        ({"iscsi": {"iqn": "x", "readOnly": True}}, {"iscsi": {"iqn": "x", "readOnly": True}}, True),
        ({"iscsi": {"iqn": "x", "readOnly": True}}, {"iscsi": {"iqn": "x"}}, False),
        ({"rbd": RBD}, {"rbd": {**RBD, "monitors": ["m2", "m3"], "pool": "rbd"}}, False),
        ({"rbd": RBD}, {"rbd": {**RBD, "pool": "other"}}, True),
        (
            {"awsElasticBlockStore": {"volumeID": "v", "readOnly": True}},
            {"awsElasticBlockStore": {"volumeID": "v", "readOnly": True}},
            False,
        ),
        ({"gcePersistentDisk": {"pdName": "x"}}, {"iscsi": {"iqn": "x"}}, True),
    ],
    ids=[
        "the same", "another", "both only read", "one writes", "a monitor in common", "another pool",
        "never shared", "another kind",
    ],
)  # fmt: skip
def test_a_disk_is_not_given_to_two_pods_of_a_node(one: Object, other: Object, fits: bool) -> None:
    pods = [make_pod(name, volumes=[{"name": "d", **disk}]) for name, disk in (("p", one), ("q", other))]
    for pod in pods:
        trim(pod)
    pods[1]["spec"]["nodeName"] = "n1"
    cache = make_cache([make_node("n1")], [pods[1]])
    result = make_selector(cache).select(parse_pod(pods[0]), make_profile(cache))
    if fits:
        assert isinstance(result, Selected)
    else:
        assert isinstance(result, Rejected)
        text = "0/1 nodes are available: 1 node(s) had no available disk."
        assert result.error.message() == text


def test_no_volume_is_given_to_two_claims_of_a_pod_and_the_smaller_claim_chooses_first() -> None:
    claims = PodClaims(delayed=(make_claim("large", "5Gi"), make_claim("small", "1Gi")))
    both = [LOCAL, make_volume("a", "5Gi"), make_volume("b", "2Gi")]
    assert found(claims, *both) == ([("b", "small"), ("a", "large")], [])
    assert found(claims, *both[:2]) == (BIND_CONFLICT,)


def test_a_volume_being_made_elsewhere_says_more_than_a_lack_of_space() -> None:
    here = make_claim("here", "1Gi")
    elsewhere = make_claim("elsewhere", "5Gi", annotations={volumes.SELECTED_NODE: "n2"})
    assert found(PodClaims(delayed=(here, elsewhere)), MADE, driver(tells=True)) == (BIND_CONFLICT,)
