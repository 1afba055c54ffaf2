"""Devices: which pools reach a node, and who gets what."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from scheduler.devices.allocation import allocate
from scheduler.devices.pools import DeviceId, gather_pools
from scheduler.devices.selectors import AllocationError
from tests.unit.scheduler.devices import (
    ALL,
    DRIVER,
    LARGE,
    SAME_NUMA,
    SLICE,
    SMALL,
    ask,
    device,
    make_claim,
    make_class,
    make_slice,
)


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
