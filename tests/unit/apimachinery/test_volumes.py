"""Which volume suits a claim, and which object points at which."""

from __future__ import annotations

import pytest

from apimachinery import volumes
from apimachinery.objects import Object
from tests.unit.volumes import make_claim, make_class, make_volume

CLAIM = make_claim(size="2Gi")
OTHER = make_claim("other")
DELETED = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
N1 = ("n1", {"kubernetes.io/hostname": "n1"})


def matched(claim: Object, *offered: Object, delayed: bool = False) -> str | None:
    found = volumes.find_match(claim, offered, delayed=delayed)
    return found["metadata"]["name"] if found else None


@pytest.mark.parametrize(
    ("claim", "volume", "fits"),
    [
        pytest.param(CLAIM, make_volume(size="2Gi"), True, id="exactly"),
        pytest.param(CLAIM, make_volume(size="1Gi"), False, id="too small"),
        pytest.param(CLAIM, make_volume(size="2Gi", class_name="slow"), False, id="another class"),
        pytest.param(CLAIM, make_volume(size="2Gi", class_name=""), False, id="no class"),
        pytest.param(CLAIM, make_volume(size="2Gi", phase="Pending"), False, id="not seen to yet"),
        pytest.param(CLAIM, make_volume(size="2Gi", phase="Released"), False, id="released"),
        pytest.param(CLAIM, make_volume(size="2Gi", volumeMode="Block"), False, id="a device"),
        pytest.param(CLAIM, make_volume(size="2Gi", metadata=DELETED), False, id="being deleted"),
        pytest.param(CLAIM, make_volume(size="2Gi", claim=OTHER), False, id="another's"),
        pytest.param(CLAIM, make_volume(size="2Gi", reserved_for="other"), False, id="kept for another"),
        pytest.param(
            CLAIM, make_volume(size="2Gi", volumeAttributesClassName="gold"), False, id="other attributes"
        ),
        pytest.param(
            make_claim(selector={"matchLabels": {"tier": "a"}}),
            make_volume(labels={"tier": "a"}),
            True,
            id="the selector matches",
        ),
        pytest.param(
            make_claim(selector={"matchLabels": {"tier": "a"}}),
            make_volume(),
            False,
            id="the selector does not",
        ),
        pytest.param(
            CLAIM,
            make_volume(size="2Gi", class_name="slow", phase="Pending", reserved_for="claim"),
            True,
            id="reserved, so that class and phase do not matter",
        ),
        pytest.param(CLAIM, make_volume(reserved_for="claim"), False, id="reserved, but too small"),
        pytest.param(
            make_claim(metadata={"uid": "newer"}),
            make_volume(claim=make_claim()),
            False,
            id="its predecessor's",
        ),
    ],
)
def test_what_fits(claim: Object, volume: Object, fits: bool) -> None:
    assert matched(claim, volume) == ("volume" if fits else None)


def test_the_smallest_is_taken_and_a_reserved_one_before_all() -> None:
    offered = [make_volume("big", "20Gi"), make_volume("small", "5Gi"), make_volume("tiny", "1Gi")]
    assert matched(CLAIM, *offered) == "small"
    assert matched(CLAIM, *offered, make_volume("kept", "50Gi", reserved_for="claim")) == "kept"


def test_where_binding_is_delayed_only_reserved_volumes_are_taken_without_a_node() -> None:
    assert matched(CLAIM, make_volume(size="2Gi"), delayed=True) is None
    assert matched(CLAIM, make_volume(size="2Gi", claim=CLAIM), delayed=True) == "volume"


@pytest.mark.parametrize(
    ("volume", "taken", "fits"),
    [
        pytest.param(make_volume(size="2Gi"), (), True, id="usable everywhere"),
        pytest.param(make_volume(size="2Gi", nodes=("n1", "n2")), (), True, id="usable here"),
        pytest.param(make_volume(size="2Gi", nodes=("n2",)), (), False, id="elsewhere"),
        pytest.param(make_volume(size="2Gi"), ("volume",), False, id="taken by another claim of the pod"),
        pytest.param(make_volume(size="2Gi", modes=("ReadOnlyMany",)), (), False, id="other access modes"),
        pytest.param(
            make_volume(size="2Gi", nodes=("n2",), reserved_for="claim"), (), False, id="reserved, elsewhere"
        ),
    ],
)
def test_what_fits_on_a_node(volume: Object, taken: tuple[str, ...], fits: bool) -> None:
    found = volumes.find_match(CLAIM, [volume], delayed=True, node=N1, taken=taken)
    assert (found is not None) == fits


def test_a_volume_that_the_user_reserved_is_not_said_to_be_bound_by_a_controller() -> None:
    free = volumes.bound_to(make_volume(), CLAIM)
    reserved = volumes.bound_to(make_volume(reserved_for="claim"), CLAIM)
    assert free["metadata"]["annotations"] == {volumes.BOUND_BY_CONTROLLER: "yes"}
    assert reserved["metadata"]["annotations"] == {}
    assert free["spec"]["claimRef"] == reserved["spec"]["claimRef"] == volumes.claim_reference(CLAIM)
    assert volumes.bound_to(free, CLAIM) is free


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        ([make_class("a")], None),
        ([make_class("a"), make_class("b", default=True)], "b"),
        ([make_class("b", default=True), make_class("a", default=True)], "a"),
        (
            [
                make_class("a", default=True),
                make_class("b", default=True, created="2026-01-02T00:00:00Z"),
            ],
            "b",
        ),
    ],
    ids=["none is marked", "the marked one", "the first by name", "the newest"],
)
def test_the_default_class(classes: list[Object], expected: str | None) -> None:
    found = volumes.default_class(classes)
    assert (found["metadata"]["name"] if found else None) == expected


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (make_claim(class_name=None), ("", True)),
        (make_claim(class_name=""), ("", False)),
        (make_claim(), ("fast", False)),
        (make_claim(class_name=None, annotations={volumes.BETA_STORAGE_CLASS: "old"}), ("old", False)),
    ],
    ids=["left open", "none wanted", "named", "named as long ago"],
)
def test_the_class_of_a_claim(claim: Object, expected: tuple[str, bool]) -> None:
    assert (volumes.class_of(claim), volumes.has_no_class(claim)) == expected
