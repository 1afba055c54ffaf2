"""The environment and command line of a container."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from apimachinery.objects import Object
from kubelet.containers.config import container_config
from kubelet.containers.downward import FieldError, field_value, quote, resource_value
from kubelet.containers.env import Environment, environment_of
from kubelet.containers.expansion import expand
from kubelet.containers.service_env import service_environment
from kubelet.runtime.interface import CreateContainerConfigError, Resources, Security
from tests.unit.kubelet.builders import IMAGE, make_container, make_pod


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("$(A)-$(B)", "1-2"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$(NOPE)", "$(NOPE)"),
        ("$A ${A} $", "$A ${A} $"),
        ("$(A", "$(A"),
        ("$()", "$()"),
    ],
)
def test_expansion(text: str, expected: str) -> None:
    assert expand(text, {"A": "1", "B": "2"}) == expected


SOURCES = Environment(
    config_maps={"conf": {"data": {"one": "1", "two.dot": "2"}}},
    secrets={"keys": {"data": {"user": b64("root")}}},
    services={"DB_SERVICE_HOST": "10.96.0.9"},
    allocatable={"cpu": "4"},
    files={("v", "env", "A"): "1", ("v", "env", "B"): None},
)


def env(*entries: Object, **container: Any) -> dict[str, str]:
    made = make_container(env=list(entries), **container)
    values = environment_of(make_pod(made), made, SOURCES)
    return {name: value for name, value in values.items() if name not in SOURCES.services}


def from_(kind: str, **reference: Any) -> Object:
    return {"name": "X", "valueFrom": {kind: reference}}


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param(
            [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)2"}],
            {"A": "1", "B": "12"},
            id="earlier values",
        ),
        pytest.param(
            [{"name": "B", "value": "$(A)2"}, {"name": "A", "value": "1"}],
            {"B": "$(A)2", "A": "1"},
            id="later values are not known",
        ),
        pytest.param([{"name": "A", "value": "$(DB_SERVICE_HOST)"}], {"A": "10.96.0.9"}, id="services"),
        pytest.param([from_("configMapKeyRef", name="conf", key="one")], {"X": "1"}, id="config map"),
        pytest.param([from_("secretKeyRef", name="keys", key="user")], {"X": "root"}, id="secret"),
        pytest.param(
            [from_("configMapKeyRef", name="none", key="one", optional=True)], {}, id="optional config map"
        ),
        pytest.param([from_("secretKeyRef", name="keys", key="none", optional=True)], {}, id="optional key"),
        pytest.param([from_("fieldRef", fieldPath="metadata.name")], {"X": "cart"}, id="field"),
        pytest.param(
            [from_("resourceFieldRef", resource="limits.cpu")], {"X": "4"}, id="resource of the node"
        ),
        pytest.param([from_("fileKeyRef", volumeName="v", path="env", key="A")], {"X": "1"}, id="file"),
        pytest.param(
            [from_("fileKeyRef", volumeName="v", path="env", key="B", optional=True)],
            {},
            id="optional key of a file",
        ),
        pytest.param([{"name": "A"}], {"A": ""}, id="empty"),
    ],
)
def test_values(entries: list[Object], expected: dict[str, str]) -> None:
    assert env(*entries) == expected


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (from_("configMapKeyRef", name="late", key="k"), 'configmap "late" not found'),
        (from_("configMapKeyRef", name="conf", key="k"), "couldn't find key k in ConfigMap shop/conf"),
        (from_("secretKeyRef", name="late", key="k"), 'secret "late" not found'),
        (from_("secretKeyRef", name="keys", key="k"), "couldn't find key k in Secret shop/keys"),
    ],
)
def test_what_is_missing_is_named(entry: Object, message: str) -> None:
    with pytest.raises(CreateContainerConfigError, match=f"^{message}$"):
        env(entry)


def test_whole_objects_come_first_and_single_entries_win() -> None:
    sources = [{"prefix": "C_", "configMapRef": {"name": "conf"}}, {"secretRef": {"name": "keys"}}]
    values = env({"name": "user", "value": "me"}, {"name": "Y", "value": "$(C_one)"}, envFrom=sources)
    assert values == {"C_one": "1", "C_two.dot": "2", "user": "me", "Y": "1"}


def test_command_and_arguments_are_expanded() -> None:
    container = make_container(command=["echo", "$(A)"], args=["$(B)"])
    made = container_config(
        make_pod(container), container, attempt=2, image=IMAGE.id, environment={"A": "1"}, mounts=(),
        resources=Resources(), security=Security(), message_file="/m",
    )  # fmt: skip
    assert (made.command, made.args, made.attempt) == (("echo", "1"), ("$(B)",), 2)
    assert made.labels["io.kubernetes.pod.uid"] == "u1"


SELF = make_pod(
    make_container(
        resources={"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "1500m", "memory": "64Mi"}}
    ),
    meta={"labels": {"tier": "x", "app": 'say "hi"'}, "annotations": {"note": "n1"}},
    status={
        "podIP": "10.244.0.5",
        "podIPs": [{"ip": "10.244.0.5"}, {"ip": "fd00::5"}],
        "hostIP": "192.0.2.1",
    },
    serviceAccountName="robot",
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("metadata.name", "cart"),
        ("metadata.uid", "u1"),
        ("metadata.labels['tier']", "x"),
        ("metadata.labels['none']", ""),
        ("metadata.annotations['note']", "n1"),
        ("metadata.labels", 'app="say \\"hi\\""\ntier="x"'),
        ("spec.nodeName", "n1"),
        ("spec.serviceAccountName", "robot"),
        ("status.podIP", "10.244.0.5"),
        ("status.podIPs", "10.244.0.5,fd00::5"),
    ],
)
def test_fields(path: str, expected: str) -> None:
    assert field_value(SELF, path) == expected


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(FieldError):
        field_value(SELF, "spec.containers")


@pytest.mark.parametrize(
    ("resource", "divisor", "expected"),
    [
        ("limits.cpu", None, "2"),
        ("requests.cpu", "1m", "10"),
        ("requests.memory", None, "16777216"),
        ("limits.memory", "1Mi", "64"),
        ("limits.ephemeral-storage", "1Gi", "5"),
        ("requests.ephemeral-storage", None, "0"),
    ],
)
def test_resources(resource: str, divisor: str | None, expected: str) -> None:
    reference = {"resource": resource, **({"divisor": divisor} if divisor else {})}
    container = SELF["spec"]["containers"][0]
    assert resource_value(SELF, reference, container, {"ephemeral-storage": "5Gi"}) == expected


@pytest.mark.parametrize(
    ("own", "pods", "resource", "expected"),
    [
        pytest.param("1Gi", "3Gi", "memory", str(1 << 30), id="its own"),
        pytest.param(None, "3Gi", "memory", str(3 << 30), id="the pod's"),
        pytest.param("0", None, "memory", str(4 << 30), id="none is what the node has"),
        pytest.param(None, "0", "memory", str(4 << 30), id="none of the pod's either"),
        pytest.param(None, None, "hugepages-2Mi", "0", id="huge pages have to be asked for"),
    ],
)
def test_what_a_container_may_use(own: str | None, pods: str | None, resource: str, expected: str) -> None:
    def limited(amount: str | None) -> Object:
        return {"limits": {resource: amount}} if amount is not None else {}

    container = make_container(resources=limited(own))
    pod, reference = make_pod(container, resources=limited(pods)), {"resource": f"limits.{resource}"}
    assert resource_value(pod, reference, container, {"memory": "4Gi", "hugepages-2Mi": "1Gi"}) == expected


def test_quoting_is_gos() -> None:
    assert quote('a"b\\\n\t\x01é') == '"a\\"b\\\\\\n\\t\\x01é"'


def service(name: str, namespace: str = "shop", ip: str = "10.96.0.9", *ports: Object) -> Object:
    ports = ports or ({"port": 5432, "name": "sql"},)
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"clusterIP": ip, "ports": list(ports)},
    }


def test_services_of_the_namespace_are_variables() -> None:
    assert service_environment([service("my-db")], "shop", links=True) == {
        "MY_DB_SERVICE_HOST": "10.96.0.9",
        "MY_DB_SERVICE_PORT": "5432",
        "MY_DB_SERVICE_PORT_SQL": "5432",
        "MY_DB_PORT": "tcp://10.96.0.9:5432",
        "MY_DB_PORT_5432_TCP": "tcp://10.96.0.9:5432",
        "MY_DB_PORT_5432_TCP_PROTO": "tcp",
        "MY_DB_PORT_5432_TCP_PORT": "5432",
        "MY_DB_PORT_5432_TCP_ADDR": "10.96.0.9",
    }


def test_without_links_only_the_api_server_is_told() -> None:
    services = [
        service("db"),
        service("kubernetes", "default"),
        service("other", "default"),
        service("none", ip="None"),
    ]
    names = service_environment(services, "shop", links=False)
    assert {name.partition("_")[0] for name in names} == {"KUBERNETES"}
    linked = service_environment(services, "shop", links=True)
    assert {name.partition("_")[0] for name in linked} == {"KUBERNETES", "DB"}
