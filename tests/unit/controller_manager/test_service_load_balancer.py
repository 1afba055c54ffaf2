"""Which address a Service of type LoadBalancer gets."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import pytest

from apimachinery.objects import Object
from controller_manager.service_load_balancer import Choice, choose, wants_address

POOL = (IPv4Network("192.0.2.8/30"), IPv4Network("192.0.2.32/32"))


def service(*addresses: str, **spec: Any) -> Object:
    return {
        "metadata": {"name": "web", "namespace": "ns"},
        "spec": {"type": "LoadBalancer", **spec},
        "status": {"loadBalancer": {"ingress": [{"ip": ip} for ip in addresses]}},
    }


def requested(ip: str) -> Object:
    return service(loadBalancerIP=ip)


FULL = Choice(problem="no address of the pool is free")


@pytest.mark.parametrize(
    ("asks", "taken", "expected"),
    [
        pytest.param(service(), [], Choice("192.0.2.9"), id="the first"),
        pytest.param(service(), ["192.0.2.9"], Choice("192.0.2.10"), id="the next"),
        pytest.param(service(), ["192.0.2.9", "192.0.2.10"], Choice("192.0.2.32"), id="of the next network"),
        pytest.param(service(), ["192.0.2.9", "192.0.2.10", "192.0.2.32"], FULL, id="none is left"),
        pytest.param(service("192.0.2.10"), [], Choice("192.0.2.10"), id="what it has"),
        pytest.param(service("192.0.2.10"), ["192.0.2.10"], Choice("192.0.2.9"), id="another has it too"),
        pytest.param(service("10.0.0.1"), [], Choice("192.0.2.9"), id="what it has is not in the pool"),
        pytest.param(requested("192.0.2.10"), [], Choice("192.0.2.10"), id="what it asks for"),
        pytest.param(
            service("192.0.2.9", loadBalancerIP="192.0.2.10"), [], Choice("192.0.2.10"), id="it asks anew"
        ),
        pytest.param(
            requested("192.0.2.10"), ["192.0.2.10"],
            Choice(problem="requested address 192.0.2.10 is in use by ns/other"), id="another has it",
        ),
        pytest.param(
            requested("10.0.0.1"), [], Choice(problem="requested address 10.0.0.1 is not in the pool"),
            id="not in the pool",
        ),
        pytest.param(
            requested("192.0.2.8"), [], Choice(problem="requested address 192.0.2.8 is not in the pool"),
            id="the network itself",
        ),
        pytest.param(
            requested("x"), [], Choice(problem="requested address x is not in the pool"), id="no address"
        ),
    ],
)  # fmt: skip
def test_an_address_is_chosen(asks: Object, taken: list[str], expected: Choice) -> None:
    assert choose(asks, POOL, dict.fromkeys(taken, "ns/other")) == expected


@pytest.mark.parametrize(
    ("asks", "expected"),
    [
        pytest.param(service(), True, id="ours"),
        pytest.param(service(loadBalancerClass="example.com/x"), False, id="of another class"),
        pytest.param(service(type="NodePort"), False, id="of another type"),
        pytest.param({**service(), "metadata": {"deletionTimestamp": "x"}}, False, id="going"),
    ],
)
def test_only_balancers_of_ours_get_an_address(asks: Object, expected: bool) -> None:
    assert wants_address(asks) is expected
