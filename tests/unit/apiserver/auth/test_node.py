"""What a kubelet may do."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from apimachinery.objects import Object
from apimachinery.scheme import Resource
from apiserver.auth.attributes import Attributes
from apiserver.auth.node import NodeAuthorizer, node_of
from apiserver.auth.rbac.rules import Rule
from apiserver.bootstrap.cluster_roles import node_rules
from apiserver.request import UserInfo

NODE = UserInfo("system:node:n1", groups=("system:nodes",))
POD: Object = {
    "metadata": {"namespace": "shop", "name": "web"},
    "spec": {
        "serviceAccountName": "robot",
        "imagePullSecrets": [{"name": "pull"}],
        "volumes": [
            {"name": "a", "secret": {"secretName": "tls"}},
            {"name": "b", "projected": {"sources": [{"configMap": {"name": "root"}}]}},
            {"name": "c", "persistentVolumeClaim": {"claimName": "disk"}},
        ],
        "containers": [
            {
                "name": "c",
                "env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "env", "key": "k"}}}],
                "envFrom": [{"configMapRef": {"name": "settings"}}],
            }
        ],
    },
}


def pods(node: str, mentioning: str) -> Iterable[Object]:
    return [POD] if node == "n1" else []


def lookup(resource: Resource, namespace: str, name: str) -> Object | None:
    return {"spec": {"claimRef": {"namespace": "shop", "name": "disk"}}} if name == "pv" else None


def may(verb: str, resource: str, name: str = "", namespace: str = "shop", group: str = "") -> bool:
    plural, _, subresource = resource.partition("/")
    asked = Attributes(NODE, verb, namespace, group, "v1", plural, subresource, name, is_resource=True)
    return NodeAuthorizer(pods, lookup, map(Rule.parse, node_rules())).authorize(asked).allowed


ASKED = {
    "a secret in a volume": (may("get", "secrets", "tls"), True),
    "a secret for pulling": (may("get", "secrets", "pull"), True),
    "a secret in the environment": (may("watch", "secrets", "env"), True),
    "a secret of nobody": (may("get", "secrets", "other"), False),
    "the secret of another namespace": (may("get", "secrets", "tls", "bank"), False),
    "all secrets": (may("list", "secrets"), False),
    "a projected ConfigMap": (may("get", "configmaps", "root"), True),
    "a ConfigMap of the environment": (may("get", "configmaps", "settings"), True),
    "a secret's name is no ConfigMap's": (may("get", "configmaps", "tls"), False),
    "changing a ConfigMap": (may("update", "configmaps", "root"), False),
    "a claim": (may("get", "persistentvolumeclaims", "disk"), True),
    "the volume of a claim": (may("get", "persistentvolumes", "pv", ""), True),
    "another volume": (may("get", "persistentvolumes", "pv2", ""), False),
    "a token for its pod's account": (may("create", "serviceaccounts/token", "robot"), True),
    "a token for another account": (may("create", "serviceaccounts/token", "root"), False),
    "its lease": (may("update", "leases", "n1", "kube-node-lease", "coordination.k8s.io"), True),
    "another's lease": (may("update", "leases", "n2", "kube-node-lease", "coordination.k8s.io"), False),
    "a leader's lease": (may("update", "leases", "n1", "kube-system", "coordination.k8s.io"), False),
    "services": (may("list", "services", namespace=""), True),
    "deployments": (may("list", "deployments", group="apps"), False),
}


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
