"""The rules of Services and what an update carries over."""

from __future__ import annotations

import pytest

from apimachinery import scheme
from apimachinery.objects import Object, deep_copy
from apiserver.registry.strategies.service_fields import carry_over_allocated, drop_fields_of_old_type
from tests.unit.apiserver.strategies.objects import NOW, created, errors_of, service, strategy, update_errors

IP = {"clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9"], "ipFamilies": ["IPv4"]}


def test_a_minimal_service_is_filled_in() -> None:
    assert created(scheme.SERVICES, service())["spec"] == {
        "internalTrafficPolicy": "Cluster",
        "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
        "sessionAffinity": "None",
        "type": "ClusterIP",
    }


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"ports": []}, ["spec.ports: Required value"], id="ports"),
        pytest.param({"ports": [], "clusterIP": "None"}, [], id="headless ones need none"),
        pytest.param(
            {"ports": [{"port": 0}]},
            [
                "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
                "spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive",
            ],
            id="port zero",
        ),
        pytest.param(
            {"ports": [{"port": 80}, {"port": 81, "name": "b"}]},
            ["spec.ports[0].name: Required value"],
            id="several ports have names",
        ),
        pytest.param(
            {"ports": [{"port": 80, "nodePort": 30000}]},
            ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
            id="no node port for a cluster IP",
        ),
        pytest.param(
            {"type": "Other"},
            [
                'spec.type: Unsupported value: "Other": supported values: '
                '"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'
            ],
            id="a type",
        ),
        pytest.param(
            {"type": "ExternalName", "ports": []},
            ["spec.externalName: Required value"],
            id="an external name",
        ),
        pytest.param(
            {"type": "NodePort", "clusterIP": "None"},
            [
                "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services",
            ],
            id="no headless node ports",
        ),
        pytest.param(
            {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 86401}}},
            [
                "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: "
                "must be greater than 0 and less than 86400"
            ],
            id="how long a client sticks",
        ),
        pytest.param(
            {"externalIPs": ["127.0.0.1"]},
            [
                'spec.externalIPs[0]: Invalid value: "127.0.0.1": '
                "may not be in the loopback range (127.0.0.0/8, ::1/128)"
            ],
            id="no loopback address",
        ),
    ],
)
def test_specs(spec: Object, expected: list[str]) -> None:
    assert errors_of(scheme.SERVICES, service(**spec)) == expected


def test_the_cluster_ip_may_not_change() -> None:
    other = {"clusterIP": "10.96.0.10", "clusterIPs": ["10.96.0.10"], "ipFamilies": ["IPv4"]}
    found = update_errors(scheme.SERVICES, service(**IP), service(**other))
    assert found == ['spec.clusterIPs[0]: Invalid value: ["10.96.0.10"]: may not change once set']


def test_a_put_that_leaves_out_what_the_server_gave_keeps_it() -> None:
    old: Object = {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30001}], **IP}
    new: Object = {"type": "NodePort", "ports": [{"port": 80}]}
    carry_over_allocated(new, old)
    assert new["clusterIPs"] == ["10.96.0.9"]
    assert new["ports"] == [{"port": 80, "nodePort": 30001}]


def test_a_node_port_that_moved_to_another_port_is_not_given_twice() -> None:
    old: Object = {"type": "NodePort", "ports": [{"name": "a", "port": 80, "nodePort": 30001}]}
    ports = [{"name": "a", "port": 80}, {"name": "b", "port": 81, "nodePort": 30001}]
    new: Object = {"type": "NodePort", "ports": ports}
    carry_over_allocated(new, old)
    assert "nodePort" not in new["ports"][0]


@pytest.mark.parametrize(("node_port", "kept"), [(30001, False), (30009, True)])
def test_node_ports_that_the_service_had_go_with_its_type(node_port: int, kept: bool) -> None:
    old = {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30001}, {"port": 81, "nodePort": 30002}]}
    new: Object = {"type": "ClusterIP", "ports": [{"port": 80, "nodePort": node_port}]}
    drop_fields_of_old_type(new, old)
    assert ("nodePort" in new["ports"][0]) == kept


@pytest.mark.parametrize(("sort", "kept"), [("LoadBalancer", True), ("NodePort", False)])
def test_only_a_load_balancer_has_its_status(sort: str, kept: bool) -> None:
    old = created(scheme.SERVICES, service(type="LoadBalancer"))
    status = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
    new = {**deep_copy(old), "spec": {**old["spec"], "type": sort}}
    strategy(scheme.SERVICES).prepare_for_update(new, {**old, "status": status})
    assert new["status"] == (status if kept else {"loadBalancer": {}})


@pytest.mark.parametrize(
    ("sort", "gone"),
    [
        pytest.param("ClusterIP", {"nodePort", "externalTrafficPolicy"}, id="to a cluster IP"),
        pytest.param(
            "ExternalName",
            {"nodePort", "externalTrafficPolicy", "clusterIP", "clusterIPs", "ipFamilies"},
            id="to a name",
        ),
        pytest.param("LoadBalancer", set(), id="to a load balancer"),
    ],
)
def test_a_change_of_type_drops_what_the_new_type_cannot_have(sort: str, gone: set[str]) -> None:
    port = {"port": 80, "nodePort": 30001}
    old = {"type": "NodePort", "ports": [port], "externalTrafficPolicy": "Cluster", **IP}
    new = {**deep_copy(old), "type": sort}
    drop_fields_of_old_type(new, old)
    assert (old.keys() | port.keys()) - (new.keys() | new["ports"][0].keys()) == gone


@pytest.mark.parametrize(
    ("spec", "cells"),
    [
        pytest.param(IP, ["ClusterIP", "10.96.0.9", "<none>", "80/TCP"], id="cluster IP"),
        pytest.param(
            {**IP, "type": "NodePort", "ports": [{"port": 80, "nodePort": 30001}]},
            ["NodePort", "10.96.0.9", "<none>", "80:30001/TCP"],
            id="node port",
        ),
        pytest.param(
            {"type": "LoadBalancer", **IP},
            ["LoadBalancer", "10.96.0.9", "<pending>", "80/TCP"],
            id="no balancer",
        ),
        pytest.param(
            {"type": "ExternalName", "externalName": "a.example", "ports": []},
            ["ExternalName", "<none>", "a.example", "<none>"],
            id="name",
        ),
    ],
)
def test_table_rows(spec: Object, cells: list[str]) -> None:
    stored = created(scheme.SERVICES, service(**spec))
    assert strategy(scheme.SERVICES).cells(stored, NOW)[1:5] == cells
