"""What a pod says when it says nothing."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery import scheme
from apimachinery.objects import Object, get_path
from apiserver.registry.strategies.podspec.defaults import pull_policy
from tests.unit.apiserver.strategies.objects import container, created, make, pod, strategy


def test_a_minimal_pod_is_filled_in() -> None:
    spec = created(scheme.PODS, pod())["spec"]
    assert spec == {
        "containers": [
            {
                "name": "c",
                "image": "registry.example/app:1.0",
                "imagePullPolicy": "IfNotPresent",
                "resources": {},
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
            }
        ],
        "dnsPolicy": "ClusterFirst",
        "enableServiceLinks": True,
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
    }


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        pytest.param("app", "Always", id="no tag is latest"),
        pytest.param("app:latest", "Always", id="latest"),
        pytest.param("app:1.0", "IfNotPresent", id="a tag"),
        pytest.param("registry.example:5000/app", "Always", id="a port is no tag"),
        pytest.param("app@sha256:0123", "IfNotPresent", id="a digest"),
    ],
)
def test_the_pull_policy_follows_the_tag(image: str, policy: str) -> None:
    assert pull_policy(image) == policy


@pytest.mark.parametrize(
    ("spec", "path", "value"),
    [
        pytest.param(
            {"containers": [container(resources={"limits": {"cpu": "1000m"}})]},
            "resources",
            {"limits": {"cpu": "1"}, "requests": {"cpu": "1"}},
            id="requests are limits where only those are given, and amounts are canonical",
        ),
        pytest.param(
            {"hostNetwork": True, "containers": [container(ports=[{"containerPort": 80}])]},
            "ports",
            [{"containerPort": 80, "hostPort": 80, "protocol": "TCP"}],
            id="on the host's network container ports are host ports",
        ),
        pytest.param(
            {"containers": [container(livenessProbe={"httpGet": {"port": 80}})]},
            "livenessProbe",
            {
                "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
                "timeoutSeconds": 1,
                "periodSeconds": 10,
                "successThreshold": 1,
                "failureThreshold": 3,
            },
            id="probes",
        ),
        pytest.param(
            {"containers": [container(env=[{"name": "A", "valueFrom": {"resourceFieldRef": {}}}])]},
            "env",
            [{"name": "A", "valueFrom": {"resourceFieldRef": {"divisor": "0"}}}],
            id="divisor",
        ),
    ],
)
def test_containers_are_filled_in(spec: Object, path: str, value: Any) -> None:
    assert created(scheme.PODS, pod(**spec))["spec"]["containers"][0][path] == value


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        pytest.param({}, {"emptyDir": {}}, id="no source is an empty directory"),
        pytest.param({"secret": {}}, {"secret": {"defaultMode": 0o644}}, id="modes"),
        pytest.param({"hostPath": {"path": "/a"}}, {"hostPath": {"path": "/a", "type": ""}}, id="host path"),
        pytest.param(
            {"projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}},
            {
                "projected": {
                    "defaultMode": 0o644,
                    "sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 3600}}],
                }
            },
            id="tokens live an hour",
        ),
    ],
)
def test_volumes_are_filled_in(volume: Object, expected: Object) -> None:
    stored = created(scheme.PODS, pod(volumes=[{"name": "v", **volume}]))
    assert stored["spec"]["volumes"] == [{"name": "v", **expected}]


def test_a_grace_of_a_pod_that_is_negative_is_a_second() -> None:
    assert (
        created(scheme.PODS, pod(terminationGracePeriodSeconds=-5))["spec"]["terminationGracePeriodSeconds"]
        == 1
    )


def test_a_template_gets_less_than_a_pod() -> None:
    selector = {"matchLabels": {"app": "a"}}
    inner = {"containers": [container(resources={"limits": {"cpu": "1"}})]}
    obj = make(scheme.REPLICA_SETS, spec={"selector": selector, "template": {"spec": inner}})
    spec = created(scheme.REPLICA_SETS, obj)["spec"]["template"]["spec"]
    assert "enableServiceLinks" not in spec
    assert spec["containers"][0]["resources"] == {"limits": {"cpu": "1"}}


def test_a_new_pod_is_pending_whatever_its_author_says() -> None:
    stored = created(scheme.PODS, {**pod(), "status": {"phase": "Running"}})
    assert stored["status"] == {"phase": "Pending", "qosClass": "BestEffort"}


def test_a_gated_pod_says_why_it_waits() -> None:
    stored = created(scheme.PODS, pod(schedulingGates=[{"name": "example.com/wait"}]))
    assert get_path(stored, "status.conditions")[0]["reason"] == "SchedulingGated"


def test_match_label_keys_become_part_of_the_selector() -> None:
    constraint = {
        "maxSkew": 1,
        "topologyKey": "zone",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "a"}},
        "matchLabelKeys": ["hash"],
    }
    obj = pod(topologySpreadConstraints=[constraint])
    obj["metadata"]["labels"] = {"hash": "1"}
    stored = created(scheme.PODS, obj)["spec"]["topologySpreadConstraints"][0]
    expression = {"key": "hash", "operator": "In", "values": ["1"]}
    assert stored["labelSelector"]["matchExpressions"] == [expression]


@pytest.mark.parametrize(
    ("fields", "requested", "period"),
    [
        pytest.param({}, None, 0, id="no kubelet has it yet"),
        pytest.param({"nodeName": "n"}, None, 30, id="its own grace"),
        pytest.param({"nodeName": "n"}, 5, 5, id="what was asked for"),
        pytest.param({"nodeName": "n"}, -1, 1, id="never less than a second"),
    ],
)
def test_grace_is_for_pods_that_run(fields: Object, requested: int | None, period: int) -> None:
    stored = created(scheme.PODS, pod(**fields))
    assert strategy(scheme.PODS).grace_period(stored, requested) == period
