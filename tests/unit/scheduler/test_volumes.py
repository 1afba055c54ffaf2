"""Pods with claims: where they can go, what is taken for them, and what they wait for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from apimachinery import volumes
from apimachinery.errors import ConflictError
from apimachinery.objects import NamespacedName, Object
from scheduler.framework.interface import EventKind, PreBindError, Subject, Verdict
from scheduler.node_info import NodeInfo, parse_node
from scheduler.plugins.volume_zone import VolumeZone
from scheduler.pod_info import PodInfo, parse_pod, trim
from scheduler.selection import Rejected, Selected
from scheduler.volumes.finder import (
    BIND_CONFLICT,
    NO_SPACE,
    NODE_CONFLICT,
    VOLUME_MISSING,
    PodClaims,
    PodVolumes,
    claims_of,
    find_volumes,
)
from tests.unit.scheduler.builders import (
    RecordedStorage,
    make_binder,
    make_cache,
    make_node,
    make_pod,
    make_profile,
    make_selector,
)
from tests.unit.volumes import make_claim, make_class, make_volume

BOUND = {volumes.BIND_COMPLETED: "yes"}
DELETED = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


def claiming(*claims: str, name: str = "p", **spec: Any) -> PodInfo:
    wanted = [{"name": each, "persistentVolumeClaim": {"claimName": each}} for each in claims]
    return parse_pod(make_pod(name, namespace="ns", volumes=wanted, **spec))


def holding(*objects: Object) -> RecordedStorage:
    recorded = RecordedStorage()
    recorded.put(*objects)
    return recorded


def node(name: str = "n1", **labels: str) -> NodeInfo:
    return NodeInfo(name, parse_node(make_node(name, labels=labels)))


def names(found: PodVolumes | tuple[str, ...]) -> Any:
    """What was found, by name."""
    if isinstance(found, tuple):
        return found
    bindings = [(v["metadata"]["name"], c["metadata"]["name"]) for v, c in found.bindings]
    return bindings, [each["metadata"]["name"] for each in found.provisions]


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


def found(claims: PodClaims, *objects: Object, on: NodeInfo | None = None) -> Any:
    return names(find_volumes(claims, on or node(), holding(*objects).storage))


IN_USE = make_claim(volume="volume", annotations=BOUND)


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


LOCAL = make_class(provisioner=volumes.NO_PROVISIONER, delayed=True)
MADE = make_class(delayed=True)
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


# As a user sees it.


def outcome(pod: PodInfo, recorded: RecordedStorage, others: Iterable[Object] = ()) -> str:
    cache = make_cache([make_node("n1"), make_node("n2"), make_node("n3")], others)
    result = make_selector(cache).select(pod, make_profile(cache, recorded=recorded))
    return result.node if isinstance(result, Selected) else result.error.message()


EXCLUSIVE = make_claim("claim", modes=("ReadWriteOncePod",), volume="volume", annotations=BOUND)


@pytest.mark.parametrize(
    ("objects", "others", "expected"),
    [
        pytest.param(
            [make_claim()],
            [],
            "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
            id="others have not bound it",
        ),
        pytest.param(
            [], [], '0/3 nodes are available: persistentvolumeclaim "claim" not found.', id="no claim"
        ),
        pytest.param(
            [make_claim(), LOCAL, make_volume(nodes=("elsewhere",))],
            [],
            "0/3 nodes are available: 3 node(s) didn't find available persistent volumes to bind.",
            id="no volume in reach",
        ),
        pytest.param([IN_USE, make_volume(claim=IN_USE, nodes=("n2",))], [], "n2", id="where the volume is"),
        pytest.param(
            [IN_USE, make_volume(claim=IN_USE, nodes=("n2",))],
            [make_pod(f"q{number}", node="n2") for number in range(110)],
            "0/3 nodes are available: 1 Too many pods, "
            "2 node(s) didn't match PersistentVolume's node affinity.",
            id="no room where the volume is",
        ),
        pytest.param(
            [EXCLUSIVE, make_volume(claim=EXCLUSIVE)],
            [claiming("claim", name="q", node="n1").pod],
            "0/3 nodes are available: 3 node(s) unavailable due to PersistentVolumeClaim "
            "with ReadWriteOncePod access mode already in-use by another pod.",
            id="for one pod, and another has it",
        ),
        pytest.param(
            [IN_USE],
            [],
            '0/3 nodes are available: persistentvolume "volume" not found.',
            id="its volume is gone",
        ),
    ],
)
def test_what_becomes_of_a_pod(objects: list[Object], others: list[Object], expected: str) -> None:
    assert outcome(claiming("claim"), holding(*objects), others) == expected


ZONE, REGION = "topology.kubernetes.io/zone", "topology.kubernetes.io/region"
OLD_ZONE = "failure-domain.beta.kubernetes.io/zone"


@pytest.mark.parametrize(
    ("volume", "labels", "fits"),
    [
        pytest.param({ZONE: "b__c"}, {ZONE: "b"}, True, id="one of the zones"),
        pytest.param({ZONE: "b__c"}, {ZONE: "a"}, False, id="another zone"),
        pytest.param({ZONE: "b__c"}, {OLD_ZONE: "c"}, False, id="the node has the old label alone"),
        pytest.param({OLD_ZONE: "b__c"}, {ZONE: "c"}, True, id="the volume has the old label alone"),
        pytest.param({OLD_ZONE: "b"}, {OLD_ZONE: "b", ZONE: "c"}, True, id="old labels of both come first"),
        pytest.param({OLD_ZONE: "b", ZONE: "c"}, {ZONE: "c"}, False, id="labels that contradict one another"),
        pytest.param({ZONE: "b__"}, {ZONE: "a"}, True, id="an empty zone makes the label void"),
        pytest.param({ZONE: "b__c"}, {REGION: "b"}, False, id="no zone but a region"),
        pytest.param({ZONE: "b__c"}, {}, True, id="no zones at all"),
    ],
)
def test_a_volume_with_zones_is_used_there(
    volume: dict[str, str], labels: dict[str, str], fits: bool
) -> None:
    cache = make_cache([make_node("n1", labels=labels)])
    profile = make_profile(cache, recorded=holding(IN_USE, make_volume(claim=IN_USE, labels=volume)))
    result = make_selector(cache).select(claiming("claim"), profile)
    if fits:
        assert isinstance(result, Selected)
    else:
        assert isinstance(result, Rejected)
        text = "0/1 nodes are available: 1 node(s) had no available volume zone."
        assert result.error.message() == text


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        pytest.param([], 'persistentvolumeclaim "claim" not found', id="no claim"),
        pytest.param(
            [make_claim(class_name="")], "PersistentVolumeClaim had no pv name and storageClass name",
            id="a claim without class",
        ),
        pytest.param([make_claim()], 'storageclass.storage.k8s.io "fast" not found', id="no class"),
        pytest.param([make_claim(), make_class()], "PersistentVolume had no name", id="not bound yet"),
        pytest.param([make_claim(volume="gone")], 'persistentvolume "gone" not found', id="no volume"),
    ],
)  # fmt: skip
def test_the_zone_of_a_volume_has_to_be_known(objects: list[Object], reason: str) -> None:
    """Said where nobody asks for more: by default VolumeBinding has refused such claims before."""
    verdict = VolumeZone(holding(*objects).storage).pre_filter(claiming("claim"), make_cache())
    assert isinstance(verdict, Verdict)
    assert verdict.reasons == (reason,)


def test_pods_of_lower_priority_give_a_claim_for_one_pod_up() -> None:
    recorded = holding(EXCLUSIVE, make_volume(claim=EXCLUSIVE))
    other = claiming("claim", name="q", node="n1")
    cache = make_cache([make_node("n1")], [other.pod])
    profile, pod = make_profile(cache, recorded=recorded), claiming("claim", priority=5)
    states = profile.pre_filter(pod, cache)
    assert isinstance(states, dict)
    (n1,) = cache.nodes
    assert profile.filter(pod, n1, states) is not None
    without = n1.changed(without=n1.pods.values())
    assert profile.filter_changed(pod, states, n1, without) is None
    instead = without.changed(with_=[claiming("claim", name="r", priority=5)])
    assert profile.filter_changed(pod, states, n1, instead) is not None


@pytest.mark.parametrize(
    ("plugin", "kind", "obj", "expected"),
    [
        ("VolumeBinding", EventKind.CLAIM, make_claim(), True),
        ("VolumeBinding", EventKind.CLAIM, make_claim("other"), False),
        ("VolumeBinding", EventKind.VOLUME, make_volume(), True),
        ("VolumeBinding", EventKind.VOLUME, make_volume(class_name="slow"), False),
        ("VolumeBinding", EventKind.VOLUME, make_volume(class_name="slow", claim=make_claim()), True),
        ("VolumeBinding", EventKind.VOLUME, make_volume(claim=make_claim("other")), False),
        ("VolumeBinding", EventKind.STORAGE_CLASS, make_class(), True),
        ("VolumeRestrictions", EventKind.CLAIM, make_claim("other"), False),
        ("VolumeZone", EventKind.CLAIM, make_claim("other"), False),
        ("VolumeZone", EventKind.STORAGE_CLASS, make_class(delayed=True), True),
        ("VolumeZone", EventKind.STORAGE_CLASS, make_class(), False),
        ("NodeVolumeLimits", EventKind.CLAIM, make_claim("other"), False),
        ("NodeVolumeLimits", EventKind.DETACHED, {"kind": "VolumeAttachment"}, True),
    ],
    ids=[
        "its claim", "another claim", "a volume of its class", "a volume of another class",
        "a volume for its claim",
        "a volume for another claim", "a class", "another claim, where one is taken",
        "another claim, where its zone is asked for",
        "a class that waits for pods, where the zone is asked for", "one that doesn't",
        "another claim, where the node is full", "a volume leaves a node",
    ],
)  # fmt: skip
def test_which_changes_wake_a_pod(plugin: str, kind: EventKind, obj: Object, expected: bool) -> None:
    profile = make_profile(make_cache(), recorded=holding(make_claim()))
    assert profile.may_help(claiming("claim"), [plugin], [kind], Subject(obj=obj)) == expected


def test_what_is_kept_of_a_pod_is_enough_to_know_its_claims() -> None:
    pod = make_pod(
        "p",
        namespace="ns",
        volumes=[
            {"name": "a", "persistentVolumeClaim": {"claimName": "claim"}},
            {"name": "b", "emptyDir": {}},
            {"name": "c", "ephemeral": {"volumeClaimTemplate": {"spec": {"much": "more"}}}},
        ],
    )
    before = parse_pod(pod).claims
    trim(pod)
    assert parse_pod(pod).claims == before != ()
    assert len(pod["spec"]["volumes"]) == 2


# Taking and having.


class Binding:
    """A pod that was found a place on n1, and the storage around it."""

    def __init__(self, *objects: Object) -> None:
        self.recorded = holding(*objects)
        self.pod = claiming("claim", node="n1")
        self.cache = make_cache([make_node("n1")], [self.pod.pod])
        self.binder = make_binder(self.cache, self.recorded)
        claims = claims_of(self.pod, self.recorded.storage)
        assert isinstance(claims, PodClaims)
        volumes_found = find_volumes(claims, self.cache.nodes[0], self.recorded.storage)
        assert isinstance(volumes_found, PodVolumes)
        reserved = self.binder.reserve("n1", volumes_found)
        assert reserved is not None
        self.reserved = reserved

    def start(self) -> asyncio.Task[None]:
        return asyncio.create_task(self.binder.bind(self.pod, self.reserved, 600))

    def finish(self, volume: Object) -> None:
        """What the persistent volume controller does."""
        claim = make_claim(volume="volume", annotations={**BOUND, volumes.SELECTED_NODE: "n1"})
        self.recorded.put({**volume, "spec": {**volume["spec"], "claimRef": volumes.claim_reference(claim)}})
        self.recorded.put(claim)


def test_what_is_reserved_for_one_pod_is_not_offered_to_another() -> None:
    binding = Binding(make_claim(), make_claim("second"), LOCAL, make_volume())
    second = PodClaims(delayed=(make_claim("second"),))
    storage, n1 = binding.recorded.storage, binding.cache.nodes[0]
    assert find_volumes(second, n1, storage) == (BIND_CONFLICT,)
    binding.binder.unreserve(binding.reserved)
    assert names(find_volumes(second, n1, storage)) == ([("volume", "second")], [])


def test_an_assumption_ends_when_the_object_changes() -> None:
    binding = Binding(make_claim(), make_claim("second"), LOCAL, make_volume())
    binding.recorded.put(make_volume())
    second = PodClaims(delayed=(make_claim("second"),))
    found = find_volumes(second, binding.cache.nodes[0], binding.recorded.storage)
    assert names(found) == ([("volume", "second")], [])


@pytest.mark.looptime
async def test_a_free_volume_is_bound_before_the_pod() -> None:
    binding = Binding(make_claim(), LOCAL, make_volume())
    task = binding.start()
    await asyncio.sleep(5)
    assert not task.done()
    assert binding.recorded.updates == ["persistentvolumes volume"]
    binding.finish(make_volume())
    await asyncio.wait_for(task, 1)


@pytest.mark.looptime
async def test_a_volume_is_made_before_the_pod_is_bound() -> None:
    binding = Binding(make_claim(), MADE)
    task = binding.start()
    await asyncio.sleep(5)
    assert not task.done()
    assert binding.recorded.updates == ["persistentvolumeclaims ns/claim"]
    binding.finish(make_volume(nodes=("n1",)))
    await asyncio.wait_for(task, 1)


@pytest.mark.looptime
async def test_a_volume_that_is_seen_after_its_claim_ends_the_wait() -> None:
    binding = Binding(make_claim(), MADE)
    task = binding.start()
    await asyncio.sleep(5)
    claim = make_claim(volume="volume", annotations={**BOUND, volumes.SELECTED_NODE: "n1"})
    binding.recorded.put(claim)
    await asyncio.sleep(5)
    assert not task.done()
    binding.recorded.put(make_volume(claim=claim, nodes=("n1",)))
    await asyncio.wait_for(task, 1)


def _provisioning_fails(binding: Binding) -> None:
    binding.recorded.put(make_claim(annotations={"other": "x"}))


def _pod_is_deleted(binding: Binding) -> None:
    binding.cache.remove_pod(binding.pod.uid)
    binding.recorded.news.tell(binding.pod.uid)


def _node_is_deleted(binding: Binding) -> None:
    binding.cache.remove_node("n1")
    binding.recorded.news.tell(NamespacedName("", "n1"))


def _annotations_are_gone(binding: Binding) -> None:
    binding.recorded.put(make_claim())


def _claim_is_deleted(binding: Binding) -> None:
    binding.recorded.remove(make_claim())


def _volume_lies_elsewhere(binding: Binding) -> None:
    binding.finish(make_volume(nodes=("n2",)))


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(_provisioning_fails, 'provisioning failed for PVC "claim"', id="nobody makes it"),
        pytest.param(
            _annotations_are_gone, 'selectedNode annotation reset for PVC "claim"', id="nobody will make it"
        ),
        pytest.param(_node_is_deleted, 'failed to get node "n1": node "n1" not found', id="the node is gone"),
        pytest.param(
            _pod_is_deleted,
            'pod does not exist any more: pod "p" not found',
            id="nobody needs it any more",
        ),
        pytest.param(
            _claim_is_deleted,
            'failed to check provisioning pvc: could not find v1.PersistentVolumeClaim "ns/claim"',
            id="the claim is gone",
        ),
        pytest.param(
            _volume_lies_elsewhere,
            'pv "volume" node affinity doesn\'t match node "n1": no matching NodeSelectorTerms',
            id="it was made in the wrong place",
        ),
        pytest.param(lambda binding: None, "context deadline exceeded", id="ten minutes pass"),
    ],
)
async def test_a_pod_is_scheduled_anew_when_its_volume_will_not_be_there(
    change: Callable[[Binding], None], message: str
) -> None:
    binding = Binding(make_claim(), MADE)
    task = binding.start()
    await asyncio.sleep(1)
    change(binding)
    with pytest.raises(PreBindError, match=f"^binding volumes: {re.escape(message)}$"):
        await task


@pytest.mark.looptime
async def test_two_schedulers_do_not_bind_one_volume_twice() -> None:
    """The second write is refused, since the volume is no longer as it was."""
    binding = Binding(make_claim(), LOCAL, make_volume())
    binding.recorded.refusal = ConflictError("persistentvolumes", "volume")
    with pytest.raises(ConflictError):
        await binding.start()
