"""Endpoints kept by hand become slices: tables."""

from typing import Any

import pytest

from apimachinery.objects import Object
from controller_manager.endpoint_slice_mirroring import (
    is_mirrored,
    merged,
    mirrors,
    plan_mirrors,
    repacked,
    skipped,
)

PORT = {"port": 8080}
LIMIT = 1000


def endpoints(*subsets: Object, **metadata: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": "web", "namespace": "ns", "uid": "u", **metadata},
        "subsets": list(subsets),
    }


@pytest.mark.parametrize(
    ("subset", "expected"),
    [
        pytest.param({"addresses": [{"ip": "192.0.2.7"}]}, {"IPv4": {"192.0.2.7": True}}, id="ready"),
        pytest.param(
            {"notReadyAddresses": [{"ip": "192.0.2.7"}]}, {"IPv4": {"192.0.2.7": False}}, id="not ready"
        ),
        pytest.param(
            {"addresses": [{"ip": "192.0.2.7"}, {"ip": "fd00::1"}]},
            {"IPv4": {"192.0.2.7": True}, "IPv6": {"fd00::1": True}},
            id="a slice for each family",
        ),
        pytest.param({}, {}, id="nothing"),
    ],
)
def test_addresses_become_endpoints(subset: Object, expected: Object) -> None:
    slices = mirrors(endpoints({**subset, "ports": [PORT]}), LIMIT)
    found = {
        each["addressType"]: {
            endpoint["addresses"][0]: endpoint["conditions"]["ready"] for endpoint in each["endpoints"]
        }
        for each in slices
    }
    assert found == expected
    assert all(each["ports"] == [{"name": "", "protocol": "TCP", **PORT}] for each in slices)


def test_of_a_subset_so_many_are_mirrored() -> None:
    ips = [*(f"192.0.2.{number}" for number in range(4)), *(f"fd00::{number}" for number in range(5))]
    many = endpoints({"addresses": [{"ip": ip} for ip in ips], "ports": [PORT]})
    assert [len(each["endpoints"]) for each in mirrors(many, 5)] == [4, 1]
    assert (skipped(many, 5), skipped(many, 9)) == (4, 0)


A, B = {"ip": "192.0.2.1"}, {"ip": "192.0.2.2"}
ONE, READY = [{"port": 1}], {"addresses": [A], "ports": [PORT]}


@pytest.mark.parametrize(
    ("subsets", "expected"),
    [
        ([READY, {"addresses": [B], "ports": [PORT]}], [("8080", "1+ 2+")]),
        ([{"addresses": [A], "ports": ONE}, READY], [("1 8080", "1+")]),
        ([READY, {"notReadyAddresses": [A], "ports": [PORT]}], [("8080", "1-")]),
        ([{"notReadyAddresses": [A], "addresses": [B], "ports": [PORT]}], [("8080", "2+ 1-")]),
        ([{"addresses": [A]}], [("", "1+")]),
        ([{"addresses": [A, B], "ports": [PORT]}, {"addresses": [B]}], [("8080", "1+ 2+"), ("", "2+")]),
        ([{"ports": [PORT]}], []),
    ],
    ids=[
        "ports once", "addresses once", "not ready wins", "ready ones first", "without ports",
        "different ones", "without addresses",
    ],
)  # fmt: skip
def test_subsets_are_packed_anew(subsets: list[Object], expected: list[tuple[str, str]]) -> None:
    packed = [
        (
            " ".join(str(port["port"]) for port in each.ports),
            " ".join(f"{address['ip'][-1]}{'-+'[is_ready]}" for address, is_ready in each.addresses),
        )
        for each in repacked(subsets)
    ]
    assert packed == expected


def test_annotations_come_along() -> None:
    trigger = "endpoints.kubernetes.io/last-change-trigger-time"
    told = {"a": "b", trigger: "now", "kubectl.kubernetes.io/last-applied-configuration": "{}"}
    [made] = mirrors(endpoints({"addresses": [A], "ports": [PORT]}, annotations=told), LIMIT)
    assert made["metadata"]["annotations"] == {"a": "b"}
    plan = plan_mirrors(
        [made], [merged({"metadata": {}}, {**made, "metadata": {"labels": made["metadata"]["labels"]}})]
    )
    assert [each["metadata"]["annotations"] for each in plan.update] == [{"a": "b"}]


@pytest.mark.parametrize(
    ("spec", "metadata", "expected"),
    [
        pytest.param({}, {}, True, id="a Service without selector"),
        pytest.param({"selector": {"app": "web"}}, {}, False, id="with one the slice controller makes them"),
        pytest.param(
            {}, {"labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}}, False, id="not wanted"
        ),
        pytest.param(
            {}, {"annotations": {"control-plane.alpha.kubernetes.io/leader": "{}"}}, False, id="a lock"
        ),
    ],
)
def test_only_those_nobody_else_keeps_are_mirrored(spec: Object, metadata: Object, expected: bool) -> None:
    assert is_mirrored({"spec": spec}, endpoints(**metadata)) is expected


def subset(ip: str, port: int) -> Object:
    return {"addresses": [{"ip": ip}], "ports": [{"port": port}]}


def slices_of(*subsets: Object) -> list[Object]:
    """As they were made, named after their ports."""
    made = mirrors(endpoints(*subsets), LIMIT)
    return [merged({"metadata": {"name": f"web-{each['ports'][0]['port']}"}}, each) for each in made]


@pytest.mark.parametrize(
    ("wanted", "seen", "created", "updated", "deleted"),
    [
        pytest.param([("192.0.2.1", 1)], [], [1], [], [], id="a new one"),
        pytest.param([("192.0.2.1", 1)], [("192.0.2.1", 1)], [], [], [], id="nothing to do"),
        pytest.param([], [("192.0.2.1", 1)], [], [], ["web-1"], id="gone"),
        pytest.param(
            [("192.0.2.9", 1), ("192.0.2.2", 2)],
            [("192.0.2.2", 2), ("192.0.2.1", 1)],
            [],
            [("web-1", 1)],
            [],
            id="each subset stays in its slice, whichever is found first",
        ),
        pytest.param(
            [("192.0.2.1", 3), ("192.0.2.2", 2)],
            [("192.0.2.2", 2), ("192.0.2.1", 1)],
            [],
            [("web-1", 3)],
            [],
            id="one whose ports changed goes on in what is left",
        ),
    ],
)
def test_slices_change_no_more_than_they_must(
    wanted: list[tuple[str, int]],
    seen: list[tuple[str, int]],
    created: list[int],
    updated: list[tuple[str, int]],
    deleted: list[str],
) -> None:
    bodies = mirrors(endpoints(*(subset(*each) for each in wanted)), LIMIT)
    plan = plan_mirrors(bodies, slices_of(*(subset(*each) for each in seen)))
    assert [each["ports"][0]["port"] for each in plan.create] == created
    assert [(each["metadata"]["name"], each["ports"][0]["port"]) for each in plan.update] == updated
    assert [each["metadata"]["name"] for each in plan.delete] == deleted
