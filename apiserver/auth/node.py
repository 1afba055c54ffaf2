"""The Node authorizer: a kubelet may read what the pods on its node need, and its own node's things.

Upstream keeps a graph; here the question is answered from the watch cache's index of pods by node. A user
is a node by being in system:nodes with a name of system:node:<node>.
Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/plugin/pkg/auth/authorizer/node/node_authorizer.go
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from apimachinery.local_path import NODE_LABEL
from apimachinery.objects import Object, get_path, labels_of
from apimachinery.scheme import COORDINATION, PERSISTENT_VOLUMES, RESOURCE, STORAGE
from apiserver.auth.attributes import Attributes
from apiserver.auth.authorizer import ALLOWED, NO_OPINION, Decision
from apiserver.auth.rbac.rules import Rule
from apiserver.request import UserInfo
from apiserver.storage.cached import Lookup

_PREFIX = "system:node:"
_READS = frozenset(("get", "list", "watch"))
_LEASE_VERBS = frozenset(("get", "create", "update", "patch", "delete"))

PodsOf = Callable[[str, str], Iterable[Object]]
"""pods(node, mentioning): the pods on a node whose JSON contains a text."""


def node_of(user: UserInfo) -> str | None:
    """The node that a user is, or None."""
    if not user.name.startswith(_PREFIX) or "system:nodes" not in user.groups:
        return None
    return user.name[len(_PREFIX) :] or None


class NodeAuthorizer:
    def __init__(self, pods: PodsOf, lookup: Lookup, rules: Iterable[Rule]) -> None:
        self._pods = pods
        self._lookup = lookup
        self._rules = tuple(rules)

    def authorize(self, attributes: Attributes) -> Decision:
        node = node_of(attributes.user)
        if node is None:
            return NO_OPINION
        if attributes.is_resource:
            special = self._special(node, attributes)
            if special is not None:
                return special
        return ALLOWED if any(_speaks_of(rule, attributes) for rule in self._rules) else NO_OPINION

    def _special(self, node: str, attributes: Attributes) -> Decision | None:
        """The resources whose single objects matter; None for others, where the general rules decide."""
        resource, group = attributes.resource, attributes.group
        if group == "":
            if resource in ("secrets", "configmaps"):
                return self._read(node, attributes, _mentions_config(resource))
            if resource == "persistentvolumeclaims":
                return self._claim(node, attributes)
            if resource == "persistentvolumes":
                return self._volume(node, attributes)
            if resource == "serviceaccounts":
                return self._account(node, attributes)
        if group == COORDINATION and resource == "leases":
            return _own_lease(node, attributes)
        if group == STORAGE and resource == "csinodes":
            return _own("csinodes", node, attributes)
        if group == RESOURCE and resource == "resourceslices":
            return ALLOWED
        return None

    def _read(self, node: str, attributes: Attributes, needs: Needs) -> Decision:
        if attributes.verb not in _READS or attributes.subresource:
            return Decision(reason="can only read resources of this type")
        if not attributes.name:
            return Decision(reason="can only read namespaced object of this type")
        return self._related(node, attributes, needs)

    def _claim(self, node: str, attributes: Attributes) -> Decision:
        resizes = attributes.subresource == "status" and attributes.verb in ("update", "patch")
        reads = not attributes.subresource and attributes.verb == "get" and attributes.name
        if not (resizes or reads):
            return Decision(reason="can only get individual resources of this type")
        return self._needs_claim(node, attributes.namespace, attributes.name)

    def _needs_claim(self, node: str, namespace: str, name: str) -> Decision:
        """The name of an ephemeral volume's claim stands nowhere in its pod."""
        pods = (*self._pods(node, name), *self._pods(node, "ephemeral")) if name else ()
        if any(_in(pod, namespace) and _mentions_claim(pod, name) for pod in pods):
            return ALLOWED
        return _unrelated(node)

    def _volume(self, node: str, attributes: Attributes) -> Decision:
        """Those of its pods it may get. Those on its own disk are its to look after."""
        if attributes.verb in ("list", "watch") and attributes.label_selector.get(NODE_LABEL) == node:
            return ALLOWED
        if attributes.subresource or attributes.verb not in ("get", "patch") or not attributes.name:
            return Decision(reason="can only get individual resources of this type")
        volume = self._lookup(PERSISTENT_VOLUMES, "", attributes.name)
        if volume is not None and labels_of(volume).get(NODE_LABEL) == node:
            return ALLOWED
        if attributes.verb != "get":
            return Decision(reason="can only get individual resources of this type")
        claim = get_path(volume, "spec.claimRef") or {}
        return self._needs_claim(node, claim.get("namespace", ""), claim.get("name", ""))

    def _account(self, node: str, attributes: Attributes) -> Decision:
        if attributes.subresource == "token" and attributes.verb == "create":
            if not attributes.name:
                return Decision(reason="can only create tokens for individual service accounts")
            return self._related(node, attributes, _runs_as)
        if attributes.subresource == "" and attributes.verb == "get" and attributes.name:
            return self._related(node, attributes, _runs_as)
        return Decision(reason="can only create tokens for individual service accounts")

    def _related(self, node: str, attributes: Attributes, needs: Needs) -> Decision:
        name, namespace = attributes.name, attributes.namespace
        pods = self._pods(node, name)
        related = any(_in(pod, namespace) and needs(pod, name) for pod in pods)
        return ALLOWED if related else _unrelated(node)


Needs = Callable[[Object, str], bool]


def _unrelated(node: str) -> Decision:
    return Decision(reason=f"no relationship found between node '{node}' and this object")


def _in(pod: Object, namespace: str) -> bool:
    return bool(pod["metadata"].get("namespace") == namespace)


def _runs_as(pod: Object, name: str) -> bool:
    return bool(pod["spec"].get("serviceAccountName") == name)


def _mentions_claim(pod: Object, name: str) -> bool:
    for volume in pod["spec"].get("volumes") or ():
        if get_path(volume, "persistentVolumeClaim.claimName") == name:
            return True
        if "ephemeral" in volume and f"{pod['metadata']['name']}-{volume['name']}" == name:
            return True
    return False


def _mentions_config(resource: str) -> Needs:
    """A test for a reference to a Secret or ConfigMap anywhere in a pod's spec."""
    wanted = "secret" if resource == "secrets" else "configMap"

    def mentions(pod: Object, name: str) -> bool:
        return _refers(pod["spec"], wanted, name)

    return mentions


def _refers(value: object, wanted: str, name: str) -> bool:
    """Finds `secretName`, `secretRef.name`, `secretKeyRef.name`, `imagePullSecrets[].name` and the like."""
    if isinstance(value, list):
        return any(_refers(item, wanted, name) for item in value)
    if not isinstance(value, dict):
        return False
    for key, child in value.items():
        if key.startswith(wanted) or (key == "imagePullSecrets" and wanted == "secret"):
            if child == name or _names(child, name):
                return True
        elif key == "nodePublishSecretRef" and wanted == "secret" and _names(child, name):
            return True
        if _refers(child, wanted, name):
            return True
    return False


def _names(reference: object, name: str) -> bool:
    if isinstance(reference, list):
        return any(_names(item, name) for item in reference)
    return isinstance(reference, dict) and name in (reference.get("name"), reference.get("secretName"))


def _own_lease(node: str, attributes: Attributes) -> Decision:
    if attributes.verb not in _LEASE_VERBS:
        return Decision(reason="can only get, create, update, patch, or delete a node lease")
    if attributes.namespace != "kube-node-lease":
        return Decision(reason='can only access leases in the "kube-node-lease" system namespace')
    if attributes.verb != "create" and attributes.name != node:
        return Decision(reason="can only access node lease with the same name as the requesting node")
    return ALLOWED


def _own(plural: str, node: str, attributes: Attributes) -> Decision:
    if attributes.verb not in _LEASE_VERBS or attributes.subresource:
        return Decision(reason=f"can only get, create, update, patch, or delete a {plural[:-1]}")
    if attributes.verb != "create" and attributes.name != node:
        return Decision(reason=f"can only access {plural[:-1]} with the same name as the requesting node")
    return ALLOWED


def _speaks_of(rule: Rule, attributes: Attributes) -> bool:
    if not attributes.is_resource:
        return rule.allows_path(attributes.verb, attributes.path)
    if rule.names and attributes.name not in rule.names:
        return False
    return rule.allows(attributes.verb, attributes.group, attributes.resource, attributes.subresource)
