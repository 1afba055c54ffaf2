"""Which roles are bound to whom: an index by subject over the cached roles and bindings.

It is made anew when one of the four resources has changed, re-reading only objects that did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from apimachinery.objects import Object
from apimachinery.policy_rules import Rule
from apimachinery.scheme import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES, Resource
from apiserver.auth.service_accounts import username
from apiserver.request import UserInfo

T = TypeVar("T")


class CachedEntry(Protocol):
    """One object of the watch cache."""

    @property
    def key(self) -> str: ...
    @property
    def namespace(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def revision(self) -> int: ...
    @property
    def obj(self) -> Object: ...


@dataclass(frozen=True, slots=True)
class Binding:
    """One subject's hold on one role. An empty namespace: in the whole cluster."""

    namespace: str
    role_kind: str
    role_name: str
    description: str


@dataclass(slots=True)
class Snapshot:
    """Everything RBAC says as of some revisions."""

    revisions: tuple[int, ...] = ()
    users: dict[str, list[Binding]] = field(default_factory=dict)
    groups: dict[str, list[Binding]] = field(default_factory=dict)
    roles: dict[tuple[str, str], tuple[Rule, ...]] = field(default_factory=dict)
    """By (namespace, name); a ClusterRole's namespace is empty."""

    def bindings_of(self, user: UserInfo) -> Iterable[Binding]:
        yield from self.users.get(user.name, ())
        for group in user.groups:
            yield from self.groups.get(group, ())

    def rules_of(self, binding: Binding) -> tuple[Rule, ...] | None:
        """The rules of a binding's role, or None if there is no such role."""
        namespace = binding.namespace if binding.role_kind == "Role" else ""
        return self.roles.get((namespace, binding.role_name))


class Index:
    """Keeps the Snapshot current. `cached(resource)` is the watch cache's view of a resource."""

    def __init__(self, cached: Callable[[Resource], ResourceView]) -> None:
        self._views = tuple(
            cached(each) for each in (CLUSTER_ROLES, ROLES, CLUSTER_ROLE_BINDINGS, ROLE_BINDINGS)
        )
        self._snapshot = Snapshot()
        self._rules: dict[str, tuple[int, tuple[Rule, ...]]] = {}
        self._subjects: dict[str, tuple[int, tuple[tuple[str, str, Binding], ...]]] = {}

    def snapshot(self) -> Snapshot:
        """The same object as long as nothing has changed."""
        first, second, third, fourth = self._views
        revisions = (first.revision, second.revision, third.revision, fourth.revision)
        if revisions != self._snapshot.revisions:
            self._snapshot = self._build(revisions)
        return self._snapshot

    def _build(self, revisions: tuple[int, ...]) -> Snapshot:
        cluster_roles, roles, cluster_bindings, bindings = (view.entries() for view in self._views)
        self._rules = _reread(self._rules, [*cluster_roles, *roles], _rules_of)
        self._subjects = _reread(self._subjects, [*cluster_bindings, *bindings], _subjects_of)
        snapshot = Snapshot(revisions)
        for entry in (*cluster_roles, *roles):
            snapshot.roles[entry.namespace, entry.name] = self._rules[entry.key][1]
        for _, subjects in self._subjects.values():
            for kind, name, binding in subjects:
                holders = snapshot.groups if kind == "Group" else snapshot.users
                holders.setdefault(name, []).append(binding)
        return snapshot


class ResourceView(Protocol):
    """What the index needs of a resource's cache."""

    @property
    def revision(self) -> int: ...
    def entries(self) -> Sequence[CachedEntry]: ...


def _reread(
    known: dict[str, tuple[int, T]], entries: Iterable[CachedEntry], parse: Callable[[CachedEntry], T]
) -> dict[str, tuple[int, T]]:
    result: dict[str, tuple[int, T]] = {}
    for entry in entries:
        before = known.get(entry.key)
        current = before is not None and before[0] == entry.revision
        result[entry.key] = before if current and before else (entry.revision, parse(entry))
    return result


def _rules_of(entry: CachedEntry) -> tuple[Rule, ...]:
    return tuple(Rule.parse(raw) for raw in entry.obj.get("rules") or ())


def _subjects_of(entry: CachedEntry) -> tuple[tuple[str, str, Binding], ...]:
    """(Group or User, its name, the binding) for each subject."""
    obj = entry.obj
    role = obj.get("roleRef") or {}
    result = []
    for subject in obj.get("subjects") or ():
        kind, name = subject.get("kind", ""), subject.get("name", "")
        namespace = subject.get("namespace") or entry.namespace
        shown = f'{kind} "{name}/{namespace}"' if kind == "ServiceAccount" else f'{kind} "{name}"'
        if kind == "ServiceAccount":
            kind, name = "User", username(namespace, name)
        if kind in ("User", "Group"):
            binding = Binding(
                entry.namespace, role.get("kind", ""), role.get("name", ""), _describe(entry, role, shown)
            )
            result.append((kind, name, binding))
    return tuple(result)


def _describe(entry: CachedEntry, role: Object, subject: str) -> str:
    of = f'of {role.get("kind")} "{role.get("name")}" to {subject}'
    if entry.namespace:
        return f'RoleBinding "{entry.name}/{entry.namespace}" {of}'
    return f'ClusterRoleBinding "{entry.name}" {of}'
