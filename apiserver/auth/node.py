"""The Node authorizer: a kubelet may read what the pods on its node need, and its own node's things.

A user is a node by being in system:nodes with a name of system:node:<node>.
Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/plugin/pkg/auth/authorizer/node/node_authorizer.go
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from apimachinery.local_path import NODE_LABEL
from apimachinery.objects import labels_of
from apimachinery.policy_rules import Rule
from apimachinery.scheme import COORDINATION, PERSISTENT_VOLUMES, RESOURCE, STORAGE
from apiserver.auth.attributes import Attributes, demanded
from apiserver.auth.authorizer import ALLOWED, NO_OPINION, Decision, UserRules
from apiserver.auth.node_graph import Graph
from apiserver.request import UserInfo
from apiserver.storage.cached import Lookup

_PREFIX = "system:node:"
_READS = frozenset(("get", "list", "watch"))
_CHANGES = frozenset(("update", "patch"))
_OWN_VERBS = frozenset(("get", "create", "update", "patch", "delete"))
_SLICE_VERBS = "get, watch, list, create, update, patch, delete, deletecollection"


def node_of(user: UserInfo) -> str | None:
    """The node that a user is, or None."""
    if not user.name.startswith(_PREFIX) or "system:nodes" not in user.groups:
        return None
    return user.name[len(_PREFIX) :] or None


class NodeAuthorizer:
    """`rules` are for what is not subdivided by node."""

    def __init__(self, graph: Graph, lookup: Lookup, rules: Iterable[Rule]) -> None:
        self._graph = graph
        self._lookup = lookup
        self._rules = tuple(rules)
        self._subdivided: dict[tuple[str, str], Callable[[str, Attributes], Decision]] = {
            ("", "secrets"): self._read,
            ("", "configmaps"): self._read,
            ("", "persistentvolumeclaims"): self._claim,
            ("", "persistentvolumes"): self._volume,
            ("", "serviceaccounts"): self._account,
            ("", "nodes"): _own_node,
            ("", "pods"): self._pod,
            (RESOURCE, "resourceclaims"): self._get,
            (RESOURCE, "resourceslices"): self._slice,
            (STORAGE, "volumeattachments"): self._get,
            (STORAGE, "csinodes"): _own_csi_node,
            (COORDINATION, "leases"): _own_lease,
        }

    async def authorize(self, attributes: Attributes) -> Decision:
        node = node_of(attributes.user)
        if node is None:
            return NO_OPINION
        if attributes.is_resource:
            judge = self._subdivided.get((attributes.group, attributes.resource))
            if judge is not None:
                return judge(node, attributes)
        return ALLOWED if any(_speaks_of(rule, attributes) for rule in self._rules) else NO_OPINION

    def rules_of(self, user: UserInfo, namespace: str) -> UserRules:
        is_node = node_of(user) is not None
        return UserRules(gaps=["node authorizer does not support user rule resolution"] if is_node else ())

    def _related(self, node: str, asked: Attributes) -> Decision:
        if not asked.name:
            return _no("No Object name found")
        if self._graph.leads(node, asked.resource, asked.namespace, asked.name):
            return ALLOWED
        return _no(f"no relationship found between node '{node}' and this object")

    def _get(self, node: str, asked: Attributes) -> Decision:
        if asked.verb != "get":
            return _no("can only get individual resources of this type")
        if asked.subresource:
            return _no("cannot get subresource")
        return self._related(node, asked)

    def _read(self, node: str, asked: Attributes) -> Decision:
        if asked.verb not in _READS:
            return _no("can only read resources of this type")
        if asked.subresource:
            return _no("cannot read subresource")
        if not asked.namespace:
            return _no("can only read namespaced object of this type")
        return self._related(node, asked)

    def _claim(self, node: str, asked: Attributes) -> Decision:
        if asked.subresource != "status":
            return self._get(node, asked)
        if asked.verb not in _CHANGES:
            return _no("can only get/update/patch this type")
        return self._related(node, asked)

    def _volume(self, node: str, asked: Attributes) -> Decision:
        """Those of its pods it may get. Those on its own disk are its to look after, which is ours alone."""
        if asked.verb in ("list", "watch") and demanded(asked.label_selector, NODE_LABEL) == node:
            return ALLOWED
        if asked.verb == "patch" and asked.name and not asked.subresource:
            volume = self._lookup(PERSISTENT_VOLUMES, "", asked.name)
            if volume is not None and labels_of(volume).get(NODE_LABEL) == node:
                return ALLOWED
        return self._get(node, asked)

    def _account(self, node: str, asked: Attributes) -> Decision:
        if asked.verb == "get" and not asked.subresource:
            return self._related(node, asked)
        if asked.verb != "create" or not asked.name:
            return _no("can only create tokens for individual service accounts")
        if asked.subresource != "token":
            return _no("can only create token subresource of serviceaccount")
        return self._related(node, asked)

    def _pod(self, node: str, asked: Attributes) -> Decision:
        match asked.subresource, asked.verb:
            case "", "get":
                return self._related(node, asked)
            case "", ("list" | "watch"):
                if demanded(asked.field_selector, "spec.nodeName") == node:
                    return ALLOWED
                if asked.name:
                    return self._related(node, asked)
                return _no("can only list/watch pods with spec.nodeName field selector")
            # NodeRestriction sees to it that they are its own.
            case ("", "create" | "delete") | ("status", "update" | "patch") | ("eviction", "create"):
                return ALLOWED
        return NO_OPINION

    def _slice(self, node: str, asked: Attributes) -> Decision:
        if asked.subresource:
            return _no("cannot authorize ResourceSlice subresources")
        match asked.verb:
            case "create":
                return ALLOWED
            case "get" | "update" | "patch" | "delete":
                return self._related(node, asked)
            case "watch" | "list" | "deletecollection":
                if demanded(asked.field_selector, "spec.nodeName") == node:
                    return ALLOWED
                return _no("can only list/watch/deletecollection resourceslices with nodeName field selector")
        return _no(f"only the following verbs are allowed for a ResourceSlice: {_SLICE_VERBS}")


def _no(reason: str) -> Decision:
    return Decision(reason=reason)


def _own_node(node: str, asked: Attributes) -> Decision:
    match asked.subresource, asked.verb:
        case ("", "create" | "update" | "patch") | ("status", "update" | "patch"):
            return ALLOWED
        case "", ("get" | "list" | "watch"):
            if asked.name == node:
                return ALLOWED
            what = f"'{asked.name}'" if asked.name else "all nodes"
            return _no(f"node '{node}' cannot read {what}, only its own Node object")
    return NO_OPINION


def _own_lease(node: str, asked: Attributes) -> Decision:
    if asked.verb not in _OWN_VERBS:
        return _no("can only get, create, update, patch, or delete a node lease")
    if asked.namespace != "kube-node-lease":
        return _no('can only access leases in the "kube-node-lease" system namespace')
    if asked.verb != "create" and asked.name != node:
        return _no("can only access node lease with the same name as the requesting node")
    return ALLOWED


def _own_csi_node(node: str, asked: Attributes) -> Decision:
    if asked.verb not in _OWN_VERBS:
        return _no("can only get, create, update, patch, or delete a CSINode")
    if asked.subresource:
        return _no("cannot authorize CSINode subresources")
    if asked.verb != "create" and asked.name != node:
        return _no("can only access CSINode with the same name as the requesting node")
    return ALLOWED


def _speaks_of(rule: Rule, attributes: Attributes) -> bool:
    if not attributes.is_resource:
        return rule.allows_path(attributes.verb, attributes.path)
    if rule.names and attributes.name not in rule.names:
        return False
    return rule.allows(attributes.verb, attributes.group, attributes.resource, attributes.subresource)
