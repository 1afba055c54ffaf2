"""Which endpoints traffic may go to: conditions, policies, hints."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from kube_proxy.endpoints import Endpoint, choose, parse_slices
from kube_proxy.services import ServicePort, parse_service
from tests.unit.kube_proxy.builders import NODE, make_endpoint, make_service, make_slice

READY, DRAINING = {"ready": True}, {"ready": False, "serving": True, "terminating": True}
GONE = {"ready": False, "serving": False, "terminating": True}
HERE, THERE = "10.180.0.1", "10.180.1.1"
ZONE = {"topology.kubernetes.io/zone": "a"}


def endpoint(ip: str, conditions: dict[str, bool] = READY, **hints: list[str]) -> Object:
    names = {key: [{"name": name} for name in each] for key, each in hints.items()}
    return {**make_endpoint(ip), "conditions": conditions, "hints": names}


def parse(*endpoints: Object) -> tuple[Endpoint, ...]:
    return next(iter(parse_slices([make_slice("svc", *endpoints)], {NODE}).values()), ())


def port(**spec: Any) -> ServicePort:
    return parse_service(make_service("svc", "172.30.0.41", **spec))[0]


CLUSTER = port()
INTERNAL_LOCAL = port(internalTrafficPolicy="Local")
EXTERNAL_LOCAL = port(node_port=3001, externalTrafficPolicy="Local")
NOT_ACCESSIBLE = port(externalTrafficPolicy="Local")
BOTH_LOCAL = port(node_port=3001, internalTrafficPolicy="Local", externalTrafficPolicy="Local")


@pytest.mark.parametrize(
    ("of", "endpoints", "cluster", "local", "exist"),
    [
        pytest.param(CLUSTER, [], [], [], False, id="none"),
        pytest.param(CLUSTER, [endpoint(HERE), endpoint(THERE)], [HERE, THERE], [], True, id="all"),
        pytest.param(CLUSTER, [endpoint(HERE, {"ready": False})], [], [], False, id="none is ready"),
        pytest.param(CLUSTER, [endpoint(HERE, GONE)], [], [], False, id="one that ended serving"),
        pytest.param(CLUSTER, [endpoint(HERE, {})], [HERE], [], True, id="unknown means ready"),
        pytest.param(
            CLUSTER, [endpoint(HERE, {"ready": False, "terminating": True})], [HERE], [], True,
            id="unknown means serving",
        ),
        pytest.param(CLUSTER, [endpoint(HERE, DRAINING)], [HERE], [], True, id="only one that drains"),
        pytest.param(
            CLUSTER, [endpoint(HERE, DRAINING), endpoint(THERE)], [THERE], [], True,
            id="a ready one is better",
        ),
        pytest.param(
            EXTERNAL_LOCAL, [endpoint(HERE, DRAINING), endpoint(THERE)], [THERE], [HERE], True,
            id="here one that drains is better than one elsewhere",
        ),
        pytest.param(EXTERNAL_LOCAL, [endpoint(THERE)], [THERE], [], True, id="nobody is here"),
        pytest.param(NOT_ACCESSIBLE, [endpoint(HERE)], [HERE], [], True, id="nothing is external"),
        pytest.param(INTERNAL_LOCAL, [endpoint(HERE), endpoint(THERE)], [], [HERE], True, id="local"),
        pytest.param(INTERNAL_LOCAL, [endpoint(THERE)], [], [], True, id="local, nobody here"),
        pytest.param(BOTH_LOCAL, [endpoint(HERE), endpoint(THERE)], [HERE, THERE], [HERE], True, id="both"),
        pytest.param(
            CLUSTER, [endpoint(HERE, forZones=["a"]), endpoint(THERE, forZones=["b"])], [HERE], [], True,
            id="meant for this zone",
        ),
        pytest.param(
            CLUSTER, [endpoint(HERE, forZones=["b"]), endpoint(THERE, forZones=["b"])], [HERE, THERE], [],
            True, id="none is meant for this zone",
        ),
        pytest.param(
            CLUSTER, [endpoint(HERE, forZones=["b"]), endpoint(THERE)], [HERE, THERE], [], True,
            id="one is meant for nobody in particular",
        ),
        pytest.param(
            CLUSTER, [endpoint(HERE, forZones=["a"]), endpoint(THERE, {"ready": False})], [HERE], [], True,
            id="only ready ones have to be meant for somebody",
        ),
        pytest.param(
            CLUSTER,
            [
                endpoint(HERE, forZones=["a"], forNodes=["x"]),
                endpoint(THERE, forZones=["a"], forNodes=[NODE]),
            ],
            [THERE], [], True, id="meant for this node",
        ),
        pytest.param(
            CLUSTER,
            [endpoint(HERE, forZones=["a"], forNodes=["x"]), endpoint(THERE, forZones=["b"], forNodes=["y"])],
            [HERE], [], True, id="none is meant for this node, but for the zone",
        ),
        pytest.param(
            EXTERNAL_LOCAL, [endpoint(HERE, forZones=["b"]), endpoint(THERE, forZones=["a"])],
            [THERE], [HERE], True, id="hints say nothing of local traffic",
        ),
    ],
)  # fmt: skip
def test_endpoints_are_chosen(
    of: ServicePort, endpoints: list[Object], cluster: list[str], local: list[str], exist: bool
) -> None:
    usable = choose(of, parse(*endpoints), {NODE}, ZONE)
    assert [each.ip for each in usable.cluster] == cluster
    assert [each.ip for each in usable.local] == local
    assert usable.exist is exist
    assert {each.ip for each in usable.reachable} == {*cluster, *local}


def test_without_a_zone_hints_are_ignored() -> None:
    endpoints = parse(endpoint(HERE, forZones=["a"]), endpoint(THERE, forZones=["b"]))
    assert len(choose(CLUSTER, endpoints, {NODE}, {}).cluster) == 2


def test_an_endpoint_that_moves_from_slice_to_slice_counts_once() -> None:
    slices = [
        make_slice("svc", endpoint(HERE, {"ready": False}), name="old"),
        make_slice("svc", endpoint(HERE), name="new"),
    ]
    for order in (slices, slices[::-1]):
        (found,) = parse_slices(order, {NODE}).values()
        assert [(each.ip, each.is_ready) for each in found] == [(HERE, True)]
