"""Which pods a node takes."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from kubelet.pods.admission import admit, counted_reason
from kubelet.pods.status import Verdict
from tests.unit.kubelet.builders import make_container, make_pod

NODE: Object = {
    "metadata": {"name": "n1", "labels": {"disk": "ssd", "cores": "8"}},
    "spec": {},
    "status": {"allocatable": {"cpu": "2", "memory": "1Gi", "pods": "3", "ephemeral-storage": "1Gi"}},
}


def asking(**requests: str) -> Object:
    return make_pod(make_container(resources={"requests": requests}))


def with_port(**port: Any) -> Object:
    return make_pod(make_container(ports=[{"containerPort": 80, **port}]))


def with_affinity(*expressions: Object) -> Object:
    terms = [{"matchExpressions": list(expressions)}] if expressions else [{}]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    return make_pod(affinity={"nodeAffinity": required})


CPU = "Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000"
PODS = "Node didn't have enough resource: pods, requested: 1, used: 3, capacity: 3"
PORTS = "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"
MEMORY = "Node didn't have enough resource: memory, requested: 2147483648, used: 0, capacity: 1073741824"
SHORT = Verdict("OutOfmemory", MEMORY)
NAME = Verdict("NodeName", "Predicate NodeName failed: node(s) didn't match the requested node name")
AFFINITY = Verdict(
    "NodeAffinity", "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"
)


@pytest.mark.parametrize(
    ("pod", "others", "expected"),
    [
        pytest.param(asking(cpu="1"), [asking(cpu="1")], None, id="it fits exactly"),
        pytest.param(asking(cpu="1500m"), [asking(cpu="1")], Verdict("OutOfcpu", CPU), id="too little cpu"),
        pytest.param(make_pod(), [make_pod()] * 3, Verdict("OutOfpods", PODS), id="too many pods"),
        pytest.param(
            make_pod(), [make_pod(status={"phase": "Failed"})] * 3, None, id="the dead do not count"
        ),
        pytest.param(asking(**{"example.com/gpu": "1"}), [], None, id="what the node does not know"),
        pytest.param(
            with_port(hostPort=80), [with_port(hostPort=80)], Verdict("NodePorts", PORTS), id="port taken"
        ),
        pytest.param(
            with_port(hostPort=80), [with_port(hostPort=80, protocol="UDP")], None, id="another protocol"
        ),
        pytest.param(
            with_port(hostPort=80, hostIP="1.1.1.1"),
            [with_port(hostPort=80, hostIP="2.2.2.2")],
            None,
            id="another address",
        ),
        pytest.param(make_pod(nodeSelector={"disk": "ssd"}), [], None, id="selected"),
        pytest.param(make_pod(nodeSelector={"disk": "hdd"}), [], AFFINITY, id="not selected"),
        pytest.param(
            with_affinity({"key": "disk", "operator": "In", "values": ["hdd"]}), [], AFFINITY, id="affinity"
        ),
        pytest.param(
            with_affinity({"key": "cores", "operator": "Gt", "values": ["4"]}), [], None, id="greater than"
        ),
        pytest.param(with_affinity(), [], AFFINITY, id="an empty term matches nothing"),
        pytest.param(
            asking(**{"ephemeral-storage": "2Gi", "memory": "2Gi"}), [], SHORT, id="memory before the disk"
        ),
        pytest.param(
            with_port(hostPort=80) | {"spec": {**with_port(hostPort=80)["spec"], "nodeName": "n2"}},
            [with_port(hostPort=80)],
            NAME,
            id="the name before ports",
        ),
    ],
)
def test_admission(pod: Object, others: list[Object], expected: Verdict | None) -> None:
    assert admit(pod, NODE, others) == expected


@pytest.mark.parametrize(
    ("reason", "counted"),
    [
        ("OutOfcpu", "OutOfcpu"),
        ("OutOfexample.com/gpu", "OutOfExtendedResources"),
        ("NodeAffinity", "Other"),
        ("NodeShutdown", "NodeShutdown"),
    ],
)
def test_rejections_are_counted_by_few_reasons(reason: str, counted: str) -> None:
    assert counted_reason(reason) == counted


STRICT = {"supplementalGroupsPolicy": "Strict"}


@pytest.mark.parametrize(
    ("pod", "reason", "message"),
    [
        (
            make_pod(os={"name": "windows"}),
            "PodOSNotSupported",
            "Failed to admit pod as the OS field doesn't match node OS",
        ),
        (
            make_pod(meta={"labels": {"kubernetes.io/os": "windows"}}),
            "PodOSSelectorNodeLabelDoesNotMatch",
            "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label",
        ),
        (
            make_pod(securityContext=STRICT),
            "SupplementalGroupsPolicyNotSupported",
            "SupplementalGroupsPolicy=Strict is not supported in this node",
        ),
        (
            make_pod(make_container(securityContext={"appArmorProfile": {"type": "RuntimeDefault"}})),
            "AppArmor",
            "Cannot enforce AppArmor: AppArmor is not enabled on the host",
        ),
    ],
)
def test_what_the_node_cannot_do_is_refused(pod: Object, reason: str, message: str) -> None:
    assert admit(pod, NODE, [], has_apparmor=False) == Verdict(reason, message)


def test_what_the_node_can_do_is_welcome() -> None:
    unconfined = {"appArmorProfile": {"type": "Unconfined"}, "supplementalGroupsPolicy": "Merge"}
    pod = make_pod(os={"name": "linux"}, meta={"labels": {"kubernetes.io/os": "linux"}})
    pod["spec"]["securityContext"] = unconfined
    assert admit(pod, NODE, [], has_apparmor=False) is None


def test_a_taint_that_evicts_keeps_out() -> None:
    node = {**NODE, "spec": {"taints": [{"key": "k", "value": "v", "effect": "NoExecute"}]}}
    verdict = admit(make_pod(), node, [])
    assert verdict is not None
    words = "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate"
    assert verdict == Verdict("TaintToleration", words)
    assert admit(make_pod(tolerations=[{"operator": "Exists"}]), node, []) is None
