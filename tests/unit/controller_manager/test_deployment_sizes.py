"""The arithmetic of rollouts: surge, unavailability, proportional scaling. Tables in upstream's spirit."""

import pytest

from apimachinery.objects import Object
from controller_manager.deployment_sizes import (
    is_scaling,
    max_surge,
    max_unavailable,
    new_size,
    plan_down,
    plan_scaling,
)
from controller_manager.scaled_values import scaled_value
from tests.unit.controller_manager.builders import make_deployment, make_set


@pytest.mark.parametrize(
    ("value", "whole", "up", "expected"),
    [
        (3, 10, True, 3),
        ("25%", 10, True, 3),
        ("25%", 10, False, 2),
        ("0%", 10, True, 0),
        ("100%", 3, False, 3),
    ],
)
def test_percentages_are_of_the_whole(value: int | str, whole: int, up: bool, expected: int) -> None:
    assert scaled_value(value, whole, up=up) == expected


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        pytest.param(4, "25%", "25%", (1, 1), id="defaults"),
        pytest.param(3, "25%", "25%", (1, 0), id="one rounded up, the other down"),
        pytest.param(10, 0, 0, (0, 1), id="both zero would never move"),
        pytest.param(1, "0%", "1%", (0, 1), id="both zero by rounding"),
        pytest.param(2, 0, 5, (0, 2), id="never more than there are"),
        pytest.param(0, 1, 1, (1, 0), id="no replicas"),
    ],
)
def test_fence_posts(
    replicas: int, surge: int | str, unavailable: int | str, expected: tuple[int, int]
) -> None:
    it = make_deployment(replicas, surge=surge, unavailable=unavailable)
    assert (max_surge(it), max_unavailable(it)) == expected


@pytest.mark.parametrize(
    ("deployment", "new", "old", "expected"),
    [
        pytest.param(make_deployment(10), None, [], 10, id="the first one has all"),
        pytest.param(make_deployment(10, surge=2), None, [10], 2, id="a new one gets the surge"),
        pytest.param(make_deployment(10, surge=2), 5, [5], 7, id="up by what there is room for"),
        pytest.param(make_deployment(10, surge=0), 0, [10], 0, id="no surge, no room"),
        pytest.param(make_deployment(10, surge=5), 8, [2], 10, id="never more than wanted"),
        pytest.param(make_deployment(10), 20, [], 10, id="too large"),
        pytest.param(make_deployment(10, surge=2), 5, [20], 5, id="others are too large"),
        pytest.param(make_deployment(3, strategy="Recreate"), None, [0], 3, id="recreated at once"),
    ],
)
def test_the_new_one_grows(deployment: Object, new: int | None, old: list[int], expected: int) -> None:
    newest = None if new is None else make_set("new", new)
    others = [make_set(f"old{number}", size) for number, size in enumerate(old)]
    assert new_size(deployment, [*others, *([newest] if newest else [])], newest) == expected


@pytest.mark.parametrize(
    ("deployment", "new", "old", "expected"),
    [
        pytest.param(
            make_deployment(10, surge=0, unavailable=2), (0, 0), [(10, 10)], "old0:10->8", id="as allowed"
        ),
        pytest.param(
            make_deployment(10, unavailable=0), (3, 0), [(10, 10)], "", id="the new ones aren't up yet"
        ),
        pytest.param(
            make_deployment(10, unavailable=0), (3, 3), [(10, 10)], "old0:10->7", id="the new ones are up"
        ),
        pytest.param(
            make_deployment(10, unavailable=0), (3, 0), [(10, 8)], "", id="unhealthy ones count while needed"
        ),
        pytest.param(
            make_deployment(10, surge=0, unavailable=2), (2, 0), [(8, 6)], "", id="no room for the unhealthy"
        ),
        pytest.param(
            make_deployment(10, unavailable=2), (4, 2), [(8, 6)], "old0:8->6", id="unhealthy ones first"
        ),
        pytest.param(
            make_deployment(10, unavailable=2), (4, 4), [(3, 3), (3, 3)], "old0:3->1", id="the oldest first"
        ),
        pytest.param(make_deployment(10), (10, 10), [(0, 0)], "", id="nothing left to take"),
        pytest.param(
            make_deployment(4, surge=1, unavailable=1),
            (3, 2),
            [(0, 1), (2, 2)],
            "old1:2->1",
            id="those that are about to go do not count",
        ),
    ],
)
def test_old_ones_shrink(
    deployment: Object, new: tuple[int, int], old: list[tuple[int, int]], expected: str
) -> None:
    newest = make_set("new", new[0], available=new[1], created=1)
    others = [
        make_set(f"old{number}", size, available=available, created=100 - number)
        for number, (size, available) in enumerate(old)
    ]
    assert " ".join(map(repr, plan_down(deployment, newest, others))) == expected


def rolling(*sizes: int, desired: int, most: int) -> list[Object]:
    """ReplicaSets, the oldest first."""
    return [
        make_set(f"rs{number}", size, created=100 - number, desired=desired, most=most, revision=number)
        for number, size in enumerate(sizes)
    ]


@pytest.mark.parametrize(
    ("deployment", "sets", "expected"),
    [
        pytest.param(make_deployment(12), rolling(10, desired=10, most=13), "rs0:10->12", id="the only one"),
        pytest.param(
            make_deployment(12, surge=0),
            rolling(5, 5, desired=10, most=10),
            "rs1:5->6 rs0:5->6",
            id="equal ones share",
        ),
        pytest.param(
            make_deployment(20, surge=0),
            rolling(5, 3, 2, desired=10, most=10),
            "rs0:5->10 rs1:3->6 rs2:2->4",
            id="by size",
        ),
        pytest.param(
            make_deployment(6, surge=0),
            rolling(5, 5, desired=10, most=10),
            "rs0:5->3 rs1:5->3",
            id="down, the older first",
        ),
        pytest.param(
            make_deployment(0, surge=0),
            rolling(5, 5, desired=10, most=10),
            "rs0:5->0 rs1:5->0",
            id="to nothing",
        ),
        pytest.param(
            make_deployment(11, surge=0),
            rolling(5, 5, desired=10, most=10),
            "rs1:5->6 rs0:5->5",
            id="the rest goes to the newer of equals",
        ),
        pytest.param(
            make_deployment(3, strategy="Recreate"), rolling(2, 2, desired=2, most=2), "", id="recreate waits"
        ),
    ],
)
def test_all_grow_in_proportion(deployment: Object, sets: list[Object], expected: str) -> None:
    assert " ".join(map(repr, plan_scaling(deployment, sets[-1], sets[:-1]))) == expected


def test_old_ones_go_when_the_new_one_has_all_it_wants() -> None:
    new = make_set("new", 3, desired=3, most=4)
    assert repr(plan_scaling(make_deployment(3), new, [make_set("old", 2)])) == "[old:2->0]"


@pytest.mark.parametrize(("desired", "expected"), [(3, False), (5, True), (None, False)])
def test_a_change_of_replicas_is_seen_in_the_annotation(desired: int | None, expected: bool) -> None:
    assert is_scaling(make_deployment(3), [make_set("rs", 3, desired=desired)]) is expected
