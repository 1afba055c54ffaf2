"""What is told of Pods that are valid: one row a text of upstream's."""

from __future__ import annotations

import re
from time import thread_time
from typing import Any

import pytest

from apimachinery.objects import Object
from apiserver.registry.strategies.podspec.app_armor import app_armor_warnings, fill_in_app_armor
from apiserver.registry.strategies.warnings.pods import pod_warnings, template_warnings
from apiserver.warning_headers import MOST_WARNINGS
from tests.unit.apiserver.strategies.objects import pod

ARCH = 'deprecated since v1.14; use "kubernetes.io/arch" instead'
ARCH_TERM = {"matchExpressions": [{"key": "beta.kubernetes.io/arch", "operator": "Exists"}]}
SECCOMP = 'non-functional in v1.27+; use the "seccompProfile" field instead'
APP_ARMOR = 'deprecated since v1.30; use the "appArmorProfile" field instead'
FUTURE = "will be considered invalid in a future Kubernetes release: use"
BAD_IP = f'non-standard IP address "1.02.3.4" {FUTURE} "1.2.3.4"'
NULL = "labelSelector: a null labelSelector results in matching no pod"
REQUIRED, PREFERRED = (f"{each}DuringSchedulingIgnoredDuringExecution" for each in ("required", "preferred"))
HALF = 'fractional byte value "200m" is invalid, must be an integer'
LABEL = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  "
    "or '12345', regex used for "
    "validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


def container(**fields: Any) -> Object:
    return {"name": "c", **fields}


def ports(*given: Object) -> Object:
    return {"containers": [container(ports=[{"protocol": "TCP", **each} for each in given])]}


def volumes(*given: Object) -> Object:
    return {"volumes": [{"name": "v", **each} for each in given]}


def projected(*sources: Object) -> Object:
    return volumes({"projected": {"sources": list(sources)}})


def items(*paths: str) -> list[Object]:
    return [{"key": "k", "path": path} for path in paths]


@pytest.mark.parametrize(
    ("spec", "texts"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param(
            {"nodeSelector": {"beta.kubernetes.io/arch": "x", "node-role.kubernetes.io/master": ""}},
            [
                f"spec.nodeSelector[beta.kubernetes.io/arch]: {ARCH}",
                "spec.nodeSelector[node-role.kubernetes.io/master]: use "
                '"node-role.kubernetes.io/control-plane" instead',
            ],
            id="old labels of nodes",
        ),
        pytest.param(
            {
                "affinity": {
                    "nodeAffinity": {
                        REQUIRED: {"nodeSelectorTerms": [ARCH_TERM]},
                        PREFERRED: [{"preference": {"matchExpressions": [{"key": "foo", "values": ["-1"]}]}}],
                    }
                }
            },
            [
                f"spec.affinity.nodeAffinity.{REQUIRED}.nodeSelectorTerms[0].matchExpressions[0].key: "
                f"beta.kubernetes.io/arch is {ARCH}",
                f"spec.affinity.nodeAffinity.{PREFERRED}[0].preference.matchExpressions[0].values[0]: "
                f"-1 is invalid, {LABEL}",
            ],
            id="affinity to nodes",
        ),
        pytest.param(
            {
                "topologySpreadConstraints": [
                    {"topologyKey": "beta.kubernetes.io/arch", "labelSelector": {}},
                    {"topologyKey": "zone"},
                ]
            },
            [
                f"spec.topologySpreadConstraints[0].topologyKey: beta.kubernetes.io/arch is {ARCH}",
                f"spec.topologySpreadConstraints[1].{NULL}",
            ],
            id="spread",
        ),
        pytest.param(
            {
                "affinity": {
                    "podAffinity": {REQUIRED: [{"labelSelector": {}}, {}]},
                    "podAntiAffinity": {PREFERRED: [{"podAffinityTerm": {}}]},
                }
            },
            [
                f"spec.affinity.podAffinity.{REQUIRED}[1].{NULL}",
                f"spec.affinity.podAntiAffinity.{PREFERRED}[0].podAffinityTerm.{NULL}",
            ],
            id="affinity to no pod",
        ),
        pytest.param(
            volumes({"gitRepo": {}}, {"storageos": {}}),
            [
                "spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+",
                "spec.volumes[1].storageOS: deprecated in v1.22, non-functional in v1.25+",
            ],
            id="old volumes",
        ),
        pytest.param(
            volumes(
                {
                    "ephemeral": {
                        "volumeClaimTemplate": {
                            "spec": {"resources": {"requests": {"storage": "200m"}}},
                        }
                    }
                }
            ),
            [f"spec.volumes[0].ephemeral.volumeClaimTemplate.spec.resources.requests[storage]: {HALF}"],
            id="ephemeral claim",
        ),
        pytest.param(
            volumes({"configMap": {"name": "foo", "items": items("test", "test/app", "test1")}}),
            ['volume "v" (ConfigMap "foo"): overlapping paths: "test/app" with "test"'],
            id="a file and a folder of the same name",
        ),
        pytest.param(
            volumes({"secret": {"secretName": "foo", "items": items("a/b/", "a")}}),
            ['volume "v" (Secret "foo"): overlapping paths: "a" with "a/b"'],
            id="in a secret",
        ),
        pytest.param(
            volumes({"downwardAPI": {"items": items("a", "a")}}),
            ['volume "v" (DownwardAPI): overlapping paths: "a" with "a"'],
            id="in the downward API",
        ),
        pytest.param(
            projected(
                {"clusterTrustBundle": {"signerName": "s", "path": "a/b"}},
                {"configMap": {"name": "m", "items": items("a")}},
                {"serviceAccountToken": {"path": "a"}},
                {"podCertificate": {"keyPath": "a/k", "certificateChainPath": "chain"}},
                {},
            ),
            [
                'volume "v" (Projected) has no sources provided',
                'volume "v" (Projected): overlapping paths: "a" (ConfigMap "m") with "a/b" '
                '(ClusterTrustBundle "s")',
                'volume "v" (Projected): overlapping paths: "a" (ServiceAccountToken) with '
                '"a/b" (ClusterTrustBundle "s")',
                'volume "v" (Projected): overlapping paths: "a" (ServiceAccountToken) with "a" '
                '(ConfigMap "m")',
                'volume "v" (Projected): overlapping paths: "a/k" (PodCertificate key) with "a" '
                '(ConfigMap "m")',
                'volume "v" (Projected): overlapping paths: "a/k" (PodCertificate key) with "a" '
                "(ServiceAccountToken)",
            ],
            id="several sources",
        ),
        pytest.param(
            {
                "hostAliases": [{"ip": "1.1.1.1"}, {"ip": "1.1.1.1"}, {"ip": "1.02.3.4"}],
                "dnsConfig": {"nameservers": ["1.02.3.4"]},
            },
            [
                'spec.hostAliases[1].ip: duplicate ip "1.1.1.1"',
                f"spec.dnsConfig.nameservers[0]: {BAD_IP}",
                f"spec.hostAliases[2].ip: {BAD_IP}",
            ],
            id="addresses",
        ),
        pytest.param(
            {"imagePullSecrets": [{"name": "a"}, {"name": "a"}, {}]},
            [
                'spec.imagePullSecrets[1].name: duplicate name "a"',
                'spec.imagePullSecrets[2].name: invalid empty name ""',
            ],
            id="pull secrets",
        ),
        pytest.param(
            {
                "overhead": {"memory": "200m"},
                "containers": [container(resources={"limits": {"ephemeral-storage": "200m"}})],
            },
            [
                f"spec.overhead[memory]: {HALF}",
                f"spec.containers[0].resources.limits[ephemeral-storage]: {HALF}",
            ],
            id="parts of a byte",
        ),
        pytest.param(
            {
                "initContainers": [
                    container(
                        env=[
                            {"name": "a", "value": "a"},
                            {"name": "a", "value": "a"},
                            {"name": "a"},
                            {"name": "a", "value": "$(a)"},
                            {"name": "a", "valueFrom": {}, "value": "$(a) x"},
                            {"name": "a", "value": "$(a) $(a)"},
                        ]
                    )
                ]
            },
            [
                f'spec.initContainers[0].env[{index}]: hides previous definition of "a", '
                "which may be dropped when using apply"
                for index in (1, 2, 3, 4)
            ],
            id="variables that hide others",
        ),
        pytest.param(
            ports({"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}, {"containerPort": 80}),
            ["spec.containers[0].ports[2]: duplicate port definition with spec.containers[0].ports[0]"],
            id="the same port twice",
        ),
        pytest.param(
            ports(
                {"containerPort": 80, "hostPort": 80, "hostIP": "10.0.0.1"},
                {"containerPort": 80, "hostIP": "10.0.0.1"},
            ),
            [
                "spec.containers[0].ports[1]: hostIP set without hostPort: "
                "{Name: HostPort:0 ContainerPort:80 Protocol:TCP HostIP:10.0.0.1}",
                "spec.containers[0].ports[1]: overlapping port definition with spec.containers[0].ports[0]",
            ],
            id="with and without a host port",
        ),
        pytest.param(
            ports(
                {"containerPort": 80, "hostPort": 80, "hostIP": "10.0.0.1"},
                {"containerPort": 80, "hostPort": 80},
                {"containerPort": 80, "hostPort": 80, "hostIP": "10.0.0.2"},
                {"containerPort": 80, "hostPort": 81},
            ),
            [
                "spec.containers[0].ports[1]: dangerously ambiguous port definition with "
                "spec.containers[0].ports[0]",
                "spec.containers[0].ports[2]: dangerously ambiguous port definition with "
                "spec.containers[0].ports[1]",
            ],
            id="with and without a host address",
        ),
        pytest.param(
            {
                "initContainers": [container(ports=[{"name": "web", "containerPort": 80}])],
                "containers": [container(ports=[{"name": "web", "containerPort": 81}])],
            },
            [
                'spec.containers[0].ports[0]: duplicate port name "web" with '
                "spec.initContainers[0].ports[0], "
                "services and probes that select ports by name will use spec.initContainers[0].ports[0]"
            ],
            id="port names",
        ),
        pytest.param(
            {"terminationGracePeriodSeconds": -1},
            [
                "spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid "
                "and will be treated as 1"
            ],
            id="negative grace",
        ),
    ],
)
def test_pods(spec: Object, texts: list[str]) -> None:
    assert pod_warnings({"metadata": {"name": "a"}, "spec": spec}) == texts
    inside = [re.sub(r"(^| with | use )spec\.", r"\1t.spec.", text) for text in texts]
    assert list(template_warnings("t", {"spec": spec})) == inside


MANY = 3000


def files(paths: list[str]) -> Object:
    items = [{"key": "k", "path": each} for each in paths]
    return {"volumes": [{"name": "v", "configMap": {"name": "m", "items": items}}]}


def many_ports(ports: list[Object]) -> Object:
    return {"containers": [container(ports=[{"containerPort": 80, **each} for each in ports])]}


@pytest.mark.parametrize(
    ("spec", "most"),
    [
        pytest.param(files([f"p{index}" for index in range(MANY)]), 0, id="files"),
        pytest.param(files(["p"] * MANY), 100, id="files in one place"),
        pytest.param(many_ports([{"hostPort": index + 1} for index in range(MANY)]), 0, id="ports"),
        pytest.param(many_ports([{}] * MANY), MOST_WARNINGS, id="ports in one place"),
    ],
)
def test_not_everything_is_compared_with_everything(spec: Object, most: int) -> None:
    began = thread_time()
    assert len(pod_warnings({"metadata": {"name": "a"}, "spec": spec})) == most
    assert thread_time() - began < 1


ANNOTATIONS = {
    "foo": "bar",
    "scheduler.alpha.kubernetes.io/critical-pod": "true",
    "security.alpha.kubernetes.io/sysctls": "a",
    "seccomp.security.alpha.kubernetes.io/pod": "default",
    "container.seccomp.security.alpha.kubernetes.io/c": "default",
    "container.seccomp.security.alpha.kubernetes.io/another": "default",
    "container.apparmor.security.beta.kubernetes.io/c": "unconfined",
}


def test_old_annotations_are_told_where_no_field_says_the_same() -> None:
    plain = {"metadata": {"annotations": ANNOTATIONS}, "spec": {"containers": [container()]}}
    told = [
        'scheduler.alpha.kubernetes.io/critical-pod]: non-functional in v1.16+; use the "priorityClassName" '
        "field instead",
        'security.alpha.kubernetes.io/sysctls]: non-functional in v1.11+; use the "sysctls" field instead',
        f"seccomp.security.alpha.kubernetes.io/pod]: {SECCOMP}",
        f"container.seccomp.security.alpha.kubernetes.io/c]: {SECCOMP}",
        f"container.apparmor.security.beta.kubernetes.io/c]: {APP_ARMOR}",
    ]
    assert list(template_warnings("t", plain)) == [f"t.metadata.annotations[{each}" for each in told]
    profiles = {"seccompProfile": {"type": "Unconfined"}, "appArmorProfile": {"type": "Unconfined"}}
    spec = {"securityContext": profiles, "containers": [container(securityContext=profiles)]}
    with_fields = {"metadata": {"annotations": ANNOTATIONS}, "spec": spec}
    assert list(template_warnings("t", with_fields)) == [
        f"t.metadata.annotations[{each}" for each in told[:2]
    ]


KEY = "container.apparmor.security.beta.kubernetes.io/c"
UNCONFINED = {"type": "Unconfined"}


@pytest.mark.parametrize(
    ("annotation", "of_pod", "own", "filled", "is_told"),
    [
        pytest.param("unconfined", None, None, UNCONFINED, True, id="unconfined"),
        pytest.param(
            "runtime/default", UNCONFINED, None, {"type": "RuntimeDefault"}, True, id="not as the pod"
        ),
        pytest.param("unconfined", UNCONFINED, None, None, False, id="as the pod"),
        pytest.param("unconfined", None, UNCONFINED, UNCONFINED, False, id="in the field already"),
        pytest.param(
            "localhost/p", None, None, {"type": "Localhost", "localhostProfile": "p"}, True, id="a profile"
        ),
        pytest.param("localhost/", None, None, None, True, id="a profile without a name"),
        pytest.param("nonsense", None, None, None, True, id="nonsense"),
        pytest.param(None, None, None, None, False, id="none"),
    ],
)
def test_app_armor_annotations_become_fields(
    annotation: str | None, of_pod: Object | None, own: Object | None, filled: Object | None, is_told: bool
) -> None:
    given = pod(containers=[container(securityContext={"appArmorProfile": own} if own else None)])
    given["spec"]["securityContext"] = {"appArmorProfile": of_pod}
    given["metadata"]["annotations"] = {KEY: annotation} if annotation else {}
    assert app_armor_warnings(given) == ([f"metadata.annotations[{KEY}]: {APP_ARMOR}"] if is_told else [])
    fill_in_app_armor(given)
    context = given["spec"]["containers"][0]["securityContext"] or {}
    assert context.get("appArmorProfile") == filled
