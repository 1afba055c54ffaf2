"""What a kubelet may do."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from apimachinery.local_path import NODE_LABEL
from apimachinery.objects import Object
from apimachinery.policy_rules import Rule
from apimachinery.scheme import RESOURCE, STORAGE, Resource
from apiserver.auth.attributes import Attributes
from apiserver.auth.node import NodeAuthorizer, node_of
from apiserver.auth.node_graph import Graph
from apiserver.bootstrap.cluster_roles import node_rules
from apiserver.request import UserInfo
from tests.unit.apiserver.auth.policy import Entry, at_once

NODE = UserInfo("system:node:n1", groups=("system:nodes",))
POD: Object = {
    "metadata": {"namespace": "shop", "name": "web"},
    "status": {"resourceClaimStatuses": [{"name": "gpu", "resourceClaimName": "web-gpu-x"}]},
    "spec": {
        "nodeName": "n1",
        "serviceAccountName": "robot",
        "imagePullSecrets": [{"name": "pull"}],
        "volumes": [
            {"name": "a", "secret": {"secretName": "tls"}},
            {"name": "b", "projected": {"sources": [{"configMap": {"name": "root"}}]}},
            {"name": "c", "persistentVolumeClaim": {"claimName": "disk"}},
            {"name": "d", "ephemeral": {"volumeClaimTemplate": {}}},
            {"name": "e", "azureFile": {"secretName": "share"}},
        ],
        "resourceClaims": [{"name": "gpu", "resourceClaimTemplateName": "gpus"}],
        "ephemeralContainers": [{"name": "x", "envFrom": [{"secretRef": {"name": "debug"}}]}],
        "containers": [
            {
                "name": "c",
                "env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "env", "key": "k"}}}],
                "envFrom": [{"configMapRef": {"name": "settings"}}],
            }
        ],
    },
}


MIRROR: Object = {
    "metadata": {"namespace": "shop", "name": "own-n1", "annotations": {"kubernetes.io/config.mirror": "x"}},
    "spec": {"volumes": [{"name": "a", "secret": {"secretName": "coveted"}}]},
}


def pods(node: str) -> Iterable[Entry]:
    return [Entry("shop", "web", POD), Entry("shop", "own-n1", MIRROR)] if node == "n1" else []


FOUND: dict[str, Object] = {
    "web": POD,
    "mail": {"metadata": {"name": "mail"}, "spec": {"nodeName": "n2"}},
    "disk": {"spec": {"volumeName": "pv"}},
    "pv": {
        "spec": {
            "claimRef": {"namespace": "shop", "name": "disk"},
            "csi": {"driver": "d", "nodeStageSecretRef": {"namespace": "storage", "name": "login"}},
        }
    },
    "attached": {"spec": {"nodeName": "n1"}},
    "pv-d": {"spec": {"claimRef": {"namespace": "shop", "name": "web-d"}}},
    "own": {"metadata": {"labels": {NODE_LABEL: "n1"}}, "spec": {}},
    "another's": {"metadata": {"labels": {NODE_LABEL: "n2"}}, "spec": {}},
}


def lookup(resource: Resource, namespace: str, name: str) -> Object | None:
    return FOUND.get(name)


def requirements(wanted: dict[str, str] | None) -> list[Object]:
    return [{"key": key, "operator": "In", "values": [value]} for key, value in (wanted or {}).items()]


def may(
    verb: str,
    resource: str,
    name: str = "",
    namespace: str = "shop",
    group: str = "",
    labels: dict[str, str] | None = None,
    fields: dict[str, str] | None = None,
) -> bool:
    plural, _, subresource = resource.partition("/")
    asked = Attributes(
        NODE, verb, namespace, group, "v1", plural, subresource, name, is_resource=True,
        label_selector=requirements(labels), field_selector=requirements(fields),
    )  # fmt: skip
    rules = map(Rule.parse, node_rules())
    return at_once(NodeAuthorizer(Graph(pods, lookup), lookup, rules).authorize(asked)).allowed


ASKED = {
    "a secret in a volume": (may("get", "secrets", "tls"), True),
    "a secret for pulling": (may("get", "secrets", "pull"), True),
    "a secret in the environment": (may("watch", "secrets", "env"), True),
    "a secret of nobody": (may("get", "secrets", "other"), False),
    "the secret of another namespace": (may("get", "secrets", "tls", "bank"), False),
    "all secrets": (may("list", "secrets"), False),
    "a secret that only a mirror pod mentions": (may("get", "secrets", "coveted"), False),
    "a secret that the driver of a claimed volume needs": (may("get", "secrets", "login", "storage"), True),
    "a secret of a driver in a volume of its pod": (may("get", "secrets", "share"), True),
    "a secret of an ephemeral container": (may("get", "secrets", "debug"), True),
    "a projected ConfigMap": (may("get", "configmaps", "root"), True),
    "a ConfigMap of the environment": (may("get", "configmaps", "settings"), True),
    "a secret's name is no ConfigMap's": (may("get", "configmaps", "tls"), False),
    "changing a ConfigMap": (may("update", "configmaps", "root"), False),
    "a claim": (may("get", "persistentvolumeclaims", "disk"), True),
    "the claim of an ephemeral volume": (may("get", "persistentvolumeclaims", "web-d"), True),
    "the volume of an ephemeral volume's claim": (may("get", "persistentvolumes", "pv-d", ""), True),
    "the claim of another pod's volume": (may("get", "persistentvolumeclaims", "mail-d"), False),
    "the volume of a claim": (may("get", "persistentvolumes", "pv", ""), True),
    "another volume": (may("get", "persistentvolumes", "pv2", ""), False),
    "the volumes on its own disk": (
        may("watch", "persistentvolumes", namespace="", labels={NODE_LABEL: "n1"}), True,
    ),
    "the volumes on another's disk": (
        may("watch", "persistentvolumes", namespace="", labels={NODE_LABEL: "n2"}), False,
    ),
    "all volumes": (may("list", "persistentvolumes", namespace=""), False),
    "changing a volume on its own disk": (may("patch", "persistentvolumes", "own", ""), True),
    "changing a volume on another's disk": (may("patch", "persistentvolumes", "another's", ""), False),
    "changing the volume of a claim": (may("patch", "persistentvolumes", "pv", ""), False),
    "deleting a volume on its own disk": (may("delete", "persistentvolumes", "own", ""), False),
    "a token for its pod's account": (may("create", "serviceaccounts/token", "robot"), True),
    "a token for another account": (may("create", "serviceaccounts/token", "root"), False),
    "its lease": (may("update", "leases", "n1", "kube-node-lease", "coordination.k8s.io"), True),
    "another's lease": (may("update", "leases", "n2", "kube-node-lease", "coordination.k8s.io"), False),
    "a leader's lease": (may("update", "leases", "n1", "kube-system", "coordination.k8s.io"), False),
    "the resource claim of its pod": (may("get", "resourceclaims", "web-gpu-x", group=RESOURCE), True),
    "another resource claim": (may("get", "resourceclaims", "other", group=RESOURCE), False),
    "what is attached to it": (may("get", "volumeattachments", "attached", "", STORAGE), True),
    "its pod": (may("get", "pods", "web"), True),
    "another's pod": (may("get", "pods", "mail"), False),
    "its pods": (may("watch", "pods", namespace="", fields={"spec.nodeName": "n1"}), True),
    "another's pods": (may("watch", "pods", namespace="", fields={"spec.nodeName": "n2"}), False),
    "all pods": (may("list", "pods", namespace=""), False),
    "the status of a pod": (may("patch", "pods/status", "web"), True),
    "a pod's spec": (may("patch", "pods", "web"), False),
    "its node": (may("get", "nodes", "n1", ""), True),
    "another node": (may("get", "nodes", "n2", ""), False),
    "all nodes": (may("list", "nodes", namespace=""), False),
    "the devices of its own": (
        may("list", "resourceslices", namespace="", group=RESOURCE, fields={"spec.nodeName": "n1"}), True,
    ),
    "all devices": (may("list", "resourceslices", namespace="", group=RESOURCE), False),
    "services": (may("list", "services", namespace=""), True),
    "deployments": (may("list", "deployments", group="apps"), False),
}  # fmt: skip


@pytest.mark.parametrize("row", ASKED.values(), ids=ASKED.keys())
def test_a_kubelet_may(row: tuple[bool, bool]) -> None:
    asked, expected = row
    assert asked is expected


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        (NODE, "n1"),
        (UserInfo("system:node:n1"), None),
        (UserInfo("jane", groups=("system:nodes",)), None),
        (UserInfo("system:node:", groups=("system:nodes",)), None),
    ],
)
def test_who_is_a_node(user: UserInfo, expected: str | None) -> None:
    assert node_of(user) == expected
