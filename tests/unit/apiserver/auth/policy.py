"""Roles and bindings in memory, and the authorizer over them."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from apimachinery.objects import Object
from apimachinery.policy_rules import Rule
from apimachinery.scheme import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES, Resource
from apiserver.auth.attributes import Attributes
from apiserver.auth.rbac.authorizer import RBACAuthorizer
from apiserver.auth.rbac.bindings import Index
from apiserver.request import UserInfo

T = TypeVar("T")


@dataclass(frozen=True)
class Entry:
    namespace: str
    name: str
    obj: Object
    revision: int = 1

    @property
    def key(self) -> str:
        return f"{self.obj.get('kind')}/{self.namespace}/{self.name}"


@dataclass
class View:
    """One resource's cache."""

    revision: int = 0
    found: list[Entry] = field(default_factory=list)

    def entries(self) -> list[Any]:
        return self.found

    def add(self, kind: str, name: str, namespace: str = "", **fields: Any) -> None:
        self.revision += 1
        self.found.append(Entry(namespace, name, {"kind": kind, **fields}))


class Policy:
    """Roles and bindings that are added one by one."""

    def __init__(self) -> None:
        self.views = {each: View() for each in (CLUSTER_ROLES, ROLES, CLUSTER_ROLE_BINDINGS, ROLE_BINDINGS)}
        self.authorizer = RBACAuthorizer(Index(self._view))

    def _view(self, resource: Resource) -> Any:
        return self.views[resource]

    def role(self, name: str, *rules: Rule, namespace: str = "") -> None:
        view = self.views[ROLES if namespace else CLUSTER_ROLES]
        view.add("Role", name, namespace, rules=[rule.to_object() for rule in rules])

    def bind(self, role: str, subject: Object, namespace: str = "", kind: str = "ClusterRole") -> None:
        view = self.views[ROLE_BINDINGS if namespace else CLUSTER_ROLE_BINDINGS]
        reference = {"kind": kind, "name": role}
        name = f"b-{role}-{view.revision}" if view.revision else f"b-{role}"
        view.add("Binding", name, namespace, subjects=[subject], roleRef=reference)

    def ask(self, user: UserInfo, verb: str, namespace: str = "", name: str = "", path: str = "") -> Any:
        resource = "" if path else "pods"
        asked = Attributes(user, verb, namespace, "", "v1", resource, "", name, path, is_resource=not path)
        return at_once(self.authorizer.authorize(asked))


def at_once(answer: Coroutine[Any, Any, T]) -> T:
    """The result of what has nothing to wait for."""
    try:
        answer.send(None)
    except StopIteration as end:
        return cast(T, end.value)
    raise AssertionError("it waits for something")
