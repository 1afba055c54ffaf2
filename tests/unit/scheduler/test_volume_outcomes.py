"""What becomes of pods whose volumes tie them, as a user sees it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from apimachinery.objects import Object
from scheduler.framework.interface import EventKind, Subject, Verdict
from scheduler.plugins.volume_zone import VolumeZone
from scheduler.pod_info import PodInfo, parse_pod, trim
from scheduler.selection import Rejected, Selected
from tests.unit.scheduler.builders import (
    RecordedStorage,
    make_cache,
    make_node,
    make_pod,
    make_profile,
    make_selector,
)
from tests.unit.scheduler.claims import BOUND, IN_USE, LOCAL, claiming, holding
from tests.unit.volumes import make_claim, make_class, make_volume


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
