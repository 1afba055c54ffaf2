"""What is told of objects that are valid: one row a text of upstream's."""

from __future__ import annotations

import re
from time import perf_counter
from typing import Any

import pytest

from apimachinery import scheme
from apimachinery.objects import Object
from apiserver.registry.strategies.podspec.app_armor import app_armor_warnings, fill_in_app_armor
from apiserver.registry.strategies.warnings.addresses import cidr_warnings, ip_warnings
from apiserver.registry.strategies.warnings.pods import pod_warnings, template_warnings
from apiserver.warning_headers import MOST_WARNINGS
from tests.unit.apiserver.strategies.objects import make, pod, strategy

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


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("10.0.0.1", None),
        ("fe80::1", None),
        ("no address", None),
        ("", None),
        ("010.0.0.1", f'non-standard IP address "010.0.0.1" {FUTURE} "10.0.0.1"'),
        ("::ffff:1.2.3.4", f'non-standard IP address "::ffff:1.2.3.4" {FUTURE} "1.2.3.4"'),
        ("FE80:0::1", 'IPv6 address "FE80:0::1" should be in RFC 5952 canonical format ("fe80::1")'),
    ],
)
def test_odd_addresses(value: str, text: str | None) -> None:
    assert list(ip_warnings("at", value)) == ([f"at: {text}"] if text else [])


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("10.0.0.0/8", []),
        ("fd00::/8", []),
        ("10.0.0.0/33", []),
        ("10.0.0.0", []),
        (
            "10.0.0.1/8",
            ['CIDR value {} is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)'],
        ),
        ("10.0.0.0/08", [f'non-standard CIDR value {{}} {FUTURE} "10.0.0.0/8"']),
        ("::ffff:1.2.3.0/120", [f'non-standard CIDR value {{}} {FUTURE} "1.2.3.0/24"']),
        ("FD00::/8", ['IPv6 CIDR value {} should be in RFC 5952 canonical format ("fd00::/8")']),
        (
            "010.0.0.1/8",
            [
                'CIDR value {} is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)',
                f'non-standard CIDR value {{}} {FUTURE} "10.0.0.0/8"',
            ],
        ),
    ],
)
def test_odd_cidrs(value: str, texts: list[str]) -> None:
    assert list(cidr_warnings("at", value)) == [f"at: {text}".format(f'"{value}"') for text in texts]


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


def ports(ports: list[Object]) -> Object:
    return {"containers": [container(ports=[{"containerPort": 80, **each} for each in ports])]}


@pytest.mark.parametrize(
    ("spec", "most"),
    [
        pytest.param(files([f"p{index}" for index in range(MANY)]), 0, id="files"),
        pytest.param(files(["p"] * MANY), 100, id="files in one place"),
        pytest.param(ports([{"hostPort": index + 1} for index in range(MANY)]), 0, id="ports"),
        pytest.param(ports([{}] * MANY), MOST_WARNINGS, id="ports in one place"),
    ],
)
def test_not_everything_is_compared_with_everything(spec: Object, most: int) -> None:
    began = perf_counter()
    assert len(pod_warnings({"metadata": {"name": "a"}, "spec": spec})) == most
    assert perf_counter() - began < 1


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


NAME = (
    "metadata.name: this is used in Pod names and hostnames, which can result in "
    "surprising behavior; a DNS label "
    "is recommended: [must not contain dots]"
)
OLD_POD = {"nodeSelector": {"beta.kubernetes.io/arch": "x"}}
OLD_TEMPLATE = {"spec": OLD_POD}
IN_TEMPLATE = f"spec.template.spec.nodeSelector[beta.kubernetes.io/arch]: {ARCH}"
MANY = (
    "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, "
    "Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
)


@pytest.mark.parametrize(
    ("resource", "fields", "texts"),
    [
        pytest.param(
            scheme.DEPLOYMENTS, {"spec": {"template": OLD_TEMPLATE}}, [NAME, IN_TEMPLATE], id="deployment"
        ),
        pytest.param(
            scheme.REPLICA_SETS, {"spec": {"template": OLD_TEMPLATE}}, [NAME, IN_TEMPLATE], id="replicaset"
        ),
        pytest.param(scheme.DAEMON_SETS, {"spec": {"template": OLD_TEMPLATE}}, [IN_TEMPLATE], id="daemonset"),
        pytest.param(
            scheme.STATEFUL_SETS,
            {
                "spec": {
                    "template": OLD_TEMPLATE,
                    "revisionHistoryLimit": -1,
                    "volumeClaimTemplates": [{"spec": {"resources": {"limits": {"storage": "200m"}}}}],
                }
            },
            [
                IN_TEMPLATE,
                f"spec.volumeClaimTemplates[0].resources.limits[storage]: {HALF}",
                "spec.revisionHistoryLimit: a negative value retains all historical revisions; "
                "a value >= 0 is recommended",
            ],
            id="statefulset",
        ),
        pytest.param(
            scheme.JOBS,
            {
                "spec": {
                    "completionMode": "Indexed",
                    "completions": 100_001,
                    "parallelism": 10_001,
                    "template": OLD_TEMPLATE,
                }
            },
            [NAME, f"spec: {MANY}", IN_TEMPLATE],
            id="job",
        ),
        pytest.param(
            scheme.CRON_JOBS,
            {"spec": {"jobTemplate": {"spec": {"template": OLD_TEMPLATE}}}},
            [NAME, f"spec.jobTemplate.{IN_TEMPLATE}"],
            id="cronjob",
        ),
        pytest.param(
            scheme.POD_TEMPLATES,
            {"template": OLD_TEMPLATE},
            [IN_TEMPLATE.removeprefix("spec.")],
            id="podtemplate",
        ),
        pytest.param(
            scheme.SERVICE_ACCOUNTS,
            {"metadata": {"annotations": {"kubernetes.io/enforce-mountable-secrets": "true"}}},
            [
                "metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; "
                "prefer separate namespaces to isolate access to mounted secrets"
            ],
            id="serviceaccount",
        ),
    ],
)
def test_what_is_new_is_told_once(resource: scheme.Resource, fields: Object, texts: list[str]) -> None:
    obj = make(resource, "a.b", **fields)
    kind = strategy(resource)
    assert kind.warnings(obj, None) == texts
    of_claims = [text.replace("[0].", "[0].Spec.") for text in texts if ".volumeClaimTemplates" in text]
    always = [text for text in texts if "revisionHistoryLimit" in text]
    assert kind.warnings(obj, obj) == [*of_claims, *always]


def test_a_changed_template_is_told_again() -> None:
    old = make(scheme.DEPLOYMENTS, "a.b", spec={"template": OLD_TEMPLATE}, metadata={"generation": 1})
    new = {**old, "metadata": {**old["metadata"], "generation": 2}}
    assert strategy(scheme.DEPLOYMENTS).warnings(new, old) == [IN_TEMPLATE]


def test_a_zone_in_a_schedule_is_told_of_changes() -> None:
    obj = make(scheme.CRON_JOBS, spec={"schedule": "TZ=UTC 0 * * * *"})
    assert strategy(scheme.CRON_JOBS).warnings(obj, None) == []
    assert strategy(scheme.CRON_JOBS).warnings(obj, obj) == [
        "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see "
        "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
    ]


HEADLESS = {"type": "ClusterIP", "clusterIP": "None", "clusterIPs": ["None"]}
CIDR = 'CIDR value "10.0.0.1/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)'


@pytest.mark.parametrize(
    ("resource", "fields", "texts"),
    [
        pytest.param(
            scheme.SERVICES,
            {"metadata": {"annotations": {"service.kubernetes.io/topology-aware-hints": "Auto"}}},
            [
                "annotation service.kubernetes.io/topology-aware-hints is deprecated, "
                "please use service.kubernetes.io/topology-mode instead"
            ],
            id="hints",
        ),
        pytest.param(
            scheme.SERVICES,
            {
                "spec": {
                    **HEADLESS,
                    "loadBalancerIP": "1.2.3.4",
                    "externalIPs": ["1.2.3.4"],
                    "sessionAffinity": "ClientIP",
                }
            },
            [
                "spec.loadBalancerIP is ignored for headless services",
                "spec.externalIPs is ignored for headless services",
                "spec.SessionAffinity is ignored for headless services",
            ],
            id="headless",
        ),
        pytest.param(
            scheme.SERVICES,
            {
                "spec": {
                    "clusterIP": "1.02.3.4",
                    "clusterIPs": ["1.02.3.4"],
                    "externalIPs": ["1.02.3.4"],
                    "loadBalancerIP": "1.02.3.4",
                    "loadBalancerSourceRanges": ["10.0.0.1/8"],
                }
            },
            [
                f"spec.clusterIPs[0]: {BAD_IP}",
                f"spec.externalIPs[0]: {BAD_IP}",
                f"spec.loadBalancerIP: {BAD_IP}",
                f"spec.loadBalancerSourceRanges[0]: {CIDR}",
            ],
            id="addresses of a service",
        ),
        pytest.param(
            scheme.SERVICES,
            {"spec": {"type": "ExternalName", "externalName": "a", "externalIPs": ["1.2.3.4"]}},
            ['spec.externalIPs is ignored when spec.type is "ExternalName"'],
            id="an alias with addresses",
        ),
        pytest.param(
            scheme.SERVICES,
            {"spec": {"type": "ClusterIP", "externalName": "a"}},
            ['spec.externalName is ignored when spec.type is not "ExternalName"'],
            id="no alias",
        ),
        pytest.param(
            scheme.NODES, {"spec": {"podCIDRs": ["10.0.0.1/8"]}}, [f"spec.podCIDRs[0]: {CIDR}"], id="node"
        ),
        pytest.param(
            scheme.ENDPOINTS,
            {"subsets": [{"notReadyAddresses": [{"ip": "1.02.3.4"}]}]},
            [f"subsets[0].notReadyAddresses[0].ip: {BAD_IP}"],
            id="endpoints",
        ),
        pytest.param(
            scheme.ENDPOINT_SLICES,
            {"endpoints": [{"addresses": ["1.02.3.4"]}]},
            [f"endpoints[0].addresses[0]: {BAD_IP}"],
            id="slice",
        ),
        pytest.param(
            scheme.ENDPOINT_SLICES,
            {
                "endpoints": [{"addresses": ["1.02.3.4"]}],
                "metadata": {
                    "labels": {"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}
                },
            },
            [],
            id="slice of our own",
        ),
        pytest.param(
            scheme.ENDPOINT_SLICES,
            {"addressType": "FQDN"},
            ["spec.addressType: FQDN endpoints are deprecated"],
            id="slice of names",
        ),
        pytest.param(
            scheme.NETWORK_POLICIES,
            {
                "spec": {
                    "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.1/8"}}]}],
                    "egress": [{"to": [{}, {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.1/8"]}}]}],
                }
            },
            [
                f"spec.ingress[0].from[0].ipBlock.cidr: {CIDR}",
                f"spec.egress[0].to[1].ipBlock.except[0]: {CIDR}",
            ],
            id="network policy",
        ),
        pytest.param(
            scheme.PERSISTENT_VOLUME_CLAIMS,
            {
                "metadata": {"annotations": {"volume.beta.kubernetes.io/storage-class": "a"}},
                "spec": {"resources": {"requests": {"storage": "200m"}}},
            },
            [
                "metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; "
                'use "storageClassName" attribute instead',
                f"spec.resources.requests[storage]: {HALF}",
            ],
            id="claim",
        ),
        pytest.param(
            scheme.PERSISTENT_VOLUMES,
            {
                "spec": {
                    "persistentVolumeReclaimPolicy": "Recycle",
                    "rbd": {},
                    "nodeAffinity": {"required": {"nodeSelectorTerms": [ARCH_TERM]}},
                }
            },
            [
                "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. "
                "Instead, the recommended approach is to use dynamic provisioning.",
                "spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].key: "
                f"beta.kubernetes.io/arch is {ARCH}",
                "spec.rbd: deprecated in v1.28, non-functional in v1.31+",
            ],
            id="volume",
        ),
        pytest.param(
            scheme.STORAGE_CLASSES,
            {"allowedTopologies": [{"matchLabelExpressions": [{"key": "beta.kubernetes.io/arch"}]}]},
            [f"allowedTopologies[0].matchLabelExpressions[0].key: {ARCH}"],
            id="storage class",
        ),
        pytest.param(
            scheme.CSI_STORAGE_CAPACITIES,
            {"nodeTopology": {**ARCH_TERM, "matchLabels": {"beta.kubernetes.io/arch": "x"}}},
            [
                f"nodeTopology.matchExpressions[0].key: beta.kubernetes.io/arch is {ARCH}",
                f"nodeTopology.matchLabels.beta.kubernetes.io/arch: {ARCH}",
            ],
            id="storage capacity",
        ),
        pytest.param(
            scheme.RUNTIME_CLASSES,
            {"scheduling": {"nodeSelector": {"beta.kubernetes.io/arch": "x"}}},
            [f"scheduling.nodeSelector: {ARCH}"],
            id="runtime class",
        ),
    ],
)
def test_other_kinds_are_told_of_every_write(
    resource: scheme.Resource, fields: Object, texts: list[str]
) -> None:
    obj = make(resource, **{"spec": {}, **fields})
    kind = strategy(resource)
    assert (kind.warnings(obj, None), kind.warnings(obj, obj)) == (texts, texts)


@pytest.mark.parametrize(
    ("resource", "status", "texts"),
    [
        (scheme.PODS, {"podIPs": [{"ip": "1.02.3.4"}]}, [f"status.podIPs[0].ip: {BAD_IP}"]),
        (scheme.PODS, {"hostIPs": [{"ip": "1.02.3.4"}]}, [f"status.hostIPs[0].ip: {BAD_IP}"]),
        (
            scheme.SERVICES,
            {"loadBalancer": {"ingress": [{"hostname": "a"}, {"ip": "1.02.3.4"}]}},
            [f"status.loadBalancer.ingress[1]: {BAD_IP}"],
        ),
        (scheme.DEPLOYMENTS, {}, []),
    ],
)
def test_changes_of_a_status(resource: scheme.Resource, status: Object, texts: list[str]) -> None:
    obj = make(resource, "a.b", spec={"externalName": "a", "template": OLD_TEMPLATE}, status=status)
    assert strategy(resource).status_warnings(obj, obj) == texts
