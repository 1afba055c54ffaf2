"""When a range of cluster IPs is ready, and when it may go."""

from __future__ import annotations

import pytest

from apimachinery.conditions import condition_of
from apimachinery.objects import Object
from apimachinery.scheme import IP_ADDRESSES, SERVICE_CIDRS
from controller_manager.service_cidrs import FINALIZER, ServiceCIDRsController, is_needed
from tests.unit.controller_manager.cluster import Cluster, running

OURS = {"ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io"}


def cidr(name: str, *cidrs: str, going: bool = False) -> Object:
    metadata = {"name": name, **({"deletionTimestamp": "2026-01-01T00:00:00Z"} if going else {})}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "ServiceCIDR",
        "metadata": metadata,
        "spec": {"cidrs": list(cidrs)},
    }


def address(ip: str, labels: dict[str, str] = OURS) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IPAddress",
        "metadata": {"name": ip, "labels": labels},
        "spec": {"parentRef": {"resource": "services", "namespace": "ns", "name": "web"}},
    }


WIDE, TWIN = cidr("wide", "10.1.0.0/16"), cidr("twin", "10.1.0.0/24")


@pytest.mark.parametrize(
    ("others", "addresses", "expected"),
    [
        pytest.param([], [], False, id="no address"),
        pytest.param([], [address("10.1.0.9")], True, id="its address"),
        pytest.param([], [address("10.2.0.9")], False, id="an address of another range"),
        pytest.param([], [address("10.1.0.9", {})], False, id="an address that no Service was given"),
        pytest.param([WIDE], [address("10.1.0.9")], False, id="another range has it, too"),
        pytest.param([cidr("wide", "10.1.0.0/16", going=True)], [address("10.1.0.9")], True, id="that goes"),
        pytest.param([TWIN], [address("10.1.1.9")], True, id="another range has others"),
        pytest.param([], [address("2001:db8::1")], False, id="of another family"),
    ],
)
def test_a_range_is_needed_for_its_addresses(
    others: list[Object], addresses: list[Object], expected: bool
) -> None:
    assert is_needed(cidr("own", "10.1.0.0/16"), others, addresses) is expected


@pytest.mark.looptime
async def test_the_life_of_a_range() -> None:
    cluster = Cluster([ServiceCIDRsController], [SERVICE_CIDRS, IP_ADDRESSES])

    def ready() -> tuple[str, str]:
        found = condition_of(cluster.api.find(SERVICE_CIDRS)[0], "Ready") or {}
        return found.get("status", ""), found.get("reason", "")

    async with running(cluster):
        await cluster.api.create(IP_ADDRESSES, address("10.1.0.9"))
        await cluster.api.create(SERVICE_CIDRS, cidr("own", "10.1.0.0/24"))
        await cluster.until(lambda: ready() == ("True", ""))
        assert cluster.api.find(SERVICE_CIDRS)[0]["metadata"]["finalizers"] == [FINALIZER]
        await cluster.api.delete(SERVICE_CIDRS, "own")
        await cluster.until(lambda: ready() == ("False", "Terminating"))
        await cluster.api.delete(IP_ADDRESSES, "10.1.0.9")
        await cluster.until(lambda: not cluster.api.find(SERVICE_CIDRS))
