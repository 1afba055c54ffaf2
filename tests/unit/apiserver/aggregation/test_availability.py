"""Whether another server can be asked, in upstream's words."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from apiserver.aggregation.availability import obstacle, passed, unanswered, with_condition
from apiserver.aggregation.remotes import Server

SERVER = Server("kube-system", "metrics", 443, b"", is_verified=True)
PORTS = [{"name": "https", "port": 443}]
SERVICE: Object = {"spec": {"type": "ClusterIP", "ports": PORTS}}
READY: Object = {"ports": [{"name": "https", "port": 4443}], "endpoints": [{"addresses": ["10.0.0.1"]}]}
UNREADY = READY | {"endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": False}}]}
OTHER_PORT = READY | {"ports": [{"name": "http", "port": 80}]}
MISSING = 'endpointslices for service/metrics in "kube-system" have no addresses with port name "https"'

CASES: list[Any] = [
    (None, [], "ServiceNotFound", 'service/metrics in "kube-system" is not present'),
    (
        {"spec": {"type": "ClusterIP", "ports": [{"port": 80}]}},
        [],
        "ServicePortError",
        'service/metrics in "kube-system" is not listening on port 443',
    ),
    (
        SERVICE,
        [],
        "EndpointsNotFound",
        'cannot find endpointslices for service/metrics in "kube-system"',
    ),
    (SERVICE, [UNREADY], "MissingEndpoints", MISSING),
    (SERVICE, [OTHER_PORT], "MissingEndpoints", MISSING),
]


@pytest.mark.parametrize(("service", "slices", "reason", "message"), CASES)
def test_obstacles(service: Object | None, slices: list[Object], reason: str, message: str) -> None:
    found = obstacle(SERVER, service, slices)
    assert found == {"type": "Available", "status": "False", "reason": reason, "message": message}


@pytest.mark.parametrize(
    ("service", "slices"), [(SERVICE, [UNREADY, READY]), ({"spec": {"type": "ExternalName"}}, [])]
)
def test_nothing_is_in_the_way(service: Object, slices: list[Object]) -> None:
    assert obstacle(SERVER, service, slices) is None


def test_time_moves_with_the_status() -> None:
    first = with_condition({}, unanswered("refused"), "1")
    assert first is not None
    assert with_condition(first, unanswered("refused"), "2") is None
    second = with_condition(first, unanswered("reset"), "2")
    third = with_condition(second or {}, passed(), "3")
    assert second is not None
    assert third is not None
    times = [each["status"]["conditions"][0]["lastTransitionTime"] for each in (first, second, third)]
    assert times == ["1", "1", "3"]
