"""Which addresses stand behind a Service, and how they are laid out in slices."""

from typing import Any

import pytest

from controller_manager.endpoints_plan import PodEndpoint, concerns_endpoints, plan_slices, subsets
from controller_manager.service_pods import ServicePods

Object = dict[str, Any]


def service(**spec: Any) -> Object:
    ports = [{"name": "http", "port": 80, "targetPort": "web", "protocol": "TCP"}]
    return {
        "metadata": {"name": "s", "namespace": "n"},
        "spec": {"selector": {"app": "a"}, "ports": ports} | spec,
    }


def pod(name: str, ip: str = "10.0.0.1", *, ready: bool = True, port: int = 8080, **metadata: Any) -> Object:
    container = {"name": "c", "ports": [{"name": "web", "containerPort": port, "protocol": "TCP"}]}
    status = {
        "phase": "Running",
        "podIP": ip,
        "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
    }
    return {
        "metadata": {"name": name, "namespace": "n", "uid": name, "labels": {"app": "a"}} | metadata,
        "spec": {"containers": [container], "nodeName": "n1"},
        "status": status,
    }


def pod_endpoints(
    service: Object, pods: list[Object], zones: dict[str, str] | None = None, *, terminating: bool = True
) -> list[PodEndpoint]:
    return ServicePods().look(service, pods, zones or {}, terminating=terminating)[0]


DELETED = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("pods", "spec", "expected"),
    [
        pytest.param([pod("a")], {}, [("10.0.0.1", True)], id="a ready pod"),
        pytest.param([pod("a", ready=False)], {}, [("10.0.0.1", False)], id="one that is not ready"),
        pytest.param(
            [pod("a", ready=False)],
            {"publishNotReadyAddresses": True},
            [("10.0.0.1", True)],
            id="not ready but published",
        ),
        pytest.param([pod("a", ip="")], {}, [], id="one without an address"),
        pytest.param([pod("a", labels={"app": "b"})], {}, [], id="one of another application"),
        pytest.param([pod("a", **DELETED)], {}, [("10.0.0.1", False)], id="a terminating one serves no new"),
        pytest.param(
            [pod("a") | {"status": {"phase": "Failed", "podIP": "10.0.0.1"}}], {}, [], id="an ended one"
        ),
    ],
)
def test_a_pod_is_listed(pods: list[Object], spec: Object, expected: list[tuple[str, bool]]) -> None:
    found = pod_endpoints(service(**spec), pods)
    assert [(each.ip, each.ready) for each in found] == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(None, pod("a", ip=""), False, id="a new one has no address yet"),
        pytest.param(pod("a", ip=""), pod("a"), True, id="now it has one"),
        pytest.param(pod("a"), pod("a"), False, id="nothing"),
        pytest.param(pod("a"), pod("a", annotations={"x": "y"}), False, id="an annotation"),
        pytest.param(pod("a", ready=False), pod("a"), True, id="it is ready"),
        pytest.param(pod("a"), pod("a", labels={"app": "b"}), True, id="other labels"),
        pytest.param(pod("a"), pod("a", "10.0.0.2"), True, id="another address"),
        pytest.param(pod("a"), pod("a", **DELETED), True, id="it is to go"),
        pytest.param(pod("a"), pod("a", uid="b"), True, id="another pod of its name"),
        pytest.param(pod("a"), None, True, id="it has gone"),
        pytest.param(pod("a", ip=""), None, False, id="one without an address has gone"),
    ],
)
def test_a_change_concerns_endpoints(old: Object | None, new: Object | None, expected: bool) -> None:
    assert concerns_endpoints(old, new) == expected


def test_endpoints_leave_terminating_pods_out() -> None:
    assert pod_endpoints(service(), [pod("a", **DELETED)], terminating=False) == []


def test_pods_whose_named_port_differs_stand_in_subsets_of_their_own() -> None:
    pods = [pod("a", "10.0.0.1"), pod("b", "10.0.0.2", port=9090), pod("c", "10.0.0.3", ready=False)]
    found = subsets(pod_endpoints(service(), pods, terminating=False))
    shape = [
        (
            [a["ip"] for a in each.get("addresses", [])],
            [a["ip"] for a in each.get("notReadyAddresses", [])],
            [p["port"] for p in each["ports"]],
        )
        for each in found
    ]
    assert shape == [(["10.0.0.1"], ["10.0.0.3"], [8080]), (["10.0.0.2"], [], [9090])]


def slices_of(count: int, existing: list[Object], limit: int = 3) -> tuple[list[int], list[str], list[str]]:
    pods = [pod(f"p{i}", f"10.0.0.{i}") for i in range(1, count + 1)]
    plan = plan_slices(pod_endpoints(service(), pods), existing, limit)
    return (
        [len(each["endpoints"]) for each in plan.create],
        [each["metadata"]["name"] for each in plan.update],
        list(plan.delete),
    )


def existing_slice(name: str, *numbers: int, port: int = 8080) -> Object:
    pods = [pod(f"p{i}", f"10.0.0.{i}", port=port) for i in numbers]
    plan = plan_slices(pod_endpoints(service(), pods), [])
    return {"metadata": {"name": name}, **plan.create[0]}


@pytest.mark.parametrize(
    ("count", "existing", "expected"),
    [
        pytest.param(0, [], ([0], [], []), id="a Service without pods has one empty slice"),
        pytest.param(7, [], ([3, 3, 1], [], []), id="many pods fill several slices"),
        pytest.param(2, [existing_slice("s1", 1, 2)], ([], [], []), id="nothing changed, nothing written"),
        pytest.param(
            3, [existing_slice("s1", 1, 2)], ([], ["s1"], []), id="a new pod goes where there is room"
        ),
        pytest.param(1, [existing_slice("s1", 1, 2)], ([], ["s1"], []), id="a pod that is gone is taken out"),
        pytest.param(
            2,
            [existing_slice("s1", 1, 2, port=1)],
            ([], ["s1"], []),
            id="other ports make another slice of it",
        ),
        pytest.param(
            1,
            [existing_slice("s1", 1), existing_slice("s2", 2)],
            ([], [], ["s2"]),
            id="an emptied slice goes",
        ),
        pytest.param(0, [existing_slice("s1", 1)], ([], ["s1"], []), id="the last slice stays, empty"),
    ],
)
def test_slices_are_changed_as_little_as_can_be(
    count: int, existing: list[Object], expected: tuple[list[int], list[str], list[str]]
) -> None:
    assert slices_of(count, existing) == expected


def test_a_port_that_all_pods_share_is_one_subset() -> None:
    ports = [{"name": "http", "port": 80, "targetPort": "web"}, {"name": "metrics", "port": 9090}]
    pods = [pod("a", "10.0.0.1"), pod("b", "10.0.0.2", port=8082)]
    found = subsets(pod_endpoints(service(ports=ports), pods, terminating=False))
    shape = [([a["ip"] for a in each["addresses"]], [p["port"] for p in each["ports"]]) for each in found]
    assert shape == [(["10.0.0.1"], [8080]), (["10.0.0.2"], [8082]), (["10.0.0.1", "10.0.0.2"], [9090])]


FOR_ZONE = {"forZones": [{"name": "z"}]}
FOR_NODE = {"forNodes": [{"name": "n1"}]}


@pytest.mark.parametrize(
    ("wish", "zone", "ready", "expected"),
    [
        pytest.param(None, "z", True, None, id="no wish"),
        pytest.param("PreferClose", "z", True, FOR_ZONE, id="close"),
        pytest.param("PreferSameZone", "z", True, FOR_ZONE, id="same zone"),
        pytest.param("PreferSameZone", "", True, None, id="no zone is known"),
        pytest.param("PreferSameNode", "z", True, FOR_ZONE | FOR_NODE, id="same node"),
        pytest.param("PreferSameNode", "", True, FOR_NODE, id="same node, no zone is known"),
        pytest.param("PreferSameNode", "z", False, None, id="not ready"),
    ],
)
def test_traffic_is_distributed_as_wished(wish: str | None, zone: str, ready: bool, expected: Any) -> None:
    seen = pod("a", ready=ready)
    seen["spec"]["nodeName"] = "n1"
    zones = {"n1": zone} if zone else {}
    wishing = service(trafficDistribution=wish)
    (slice_,) = plan_slices(pod_endpoints(wishing, [seen], zones), []).create
    assert slice_["endpoints"][0].get("hints") == expected


def test_topology_aware_routing_comes_before_a_wish() -> None:
    asking = service(trafficDistribution="PreferSameZone")
    asking["metadata"]["annotations"] = {"service.kubernetes.io/topology-mode": "Auto"}
    (found,) = pod_endpoints(asking, [pod("a")], {"n1": "z"})
    assert found.hints == {}
