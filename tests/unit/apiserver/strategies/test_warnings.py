"""What is told of objects other than Pods that are valid: one row a text of upstream's."""

from __future__ import annotations

import pytest

from apimachinery import scheme
from apimachinery.objects import Object
from tests.unit.apiserver.strategies.objects import make, strategy

ARCH = 'deprecated since v1.14; use "kubernetes.io/arch" instead'
ARCH_TERM = {"matchExpressions": [{"key": "beta.kubernetes.io/arch", "operator": "Exists"}]}
FUTURE = "will be considered invalid in a future Kubernetes release: use"
BAD_IP = f'non-standard IP address "1.02.3.4" {FUTURE} "1.2.3.4"'
HALF = 'fractional byte value "200m" is invalid, must be an integer'


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
