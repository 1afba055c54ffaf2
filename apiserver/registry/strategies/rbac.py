"""Roles and who has them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apimachinery import names
from apimachinery.field import ErrorList, Errors, Path, invalid, not_supported, required
from apimachinery.metadata import validate_label_selector
from apimachinery.objects import Object
from apiserver.registry.strategies.checks import matches, required_match, same
from apiserver.registry.strategies.podspec.defaults import fill
from apiserver.registry.strategies.tables import age, columns
from apiserver.registry.strategy import Column, Strategy

_GROUP = "rbac.authorization.k8s.io"
_SUBJECTS = ("ServiceAccount", "User", "Group")


class RoleStrategy(Strategy):
    """Roles, or ClusterRoles."""

    name_check = staticmethod(names.is_path_segment)
    has_status = False
    tracks_generation = False
    allow_create_on_update = True

    def __init__(self, *, namespaced: bool) -> None:
        self._namespaced = namespaced

    def default(self, obj: Object) -> None:
        obj.setdefault("rules", None)

    def validate(self, obj: Object) -> ErrorList:
        errors: ErrorList = []
        for index, rule in enumerate(obj.get("rules") or ()):
            errors += _rule(rule, Path("rules").index(index), namespaced=self._namespaced)
        if obj.get("aggregationRule") is not None:
            errors += _aggregation(obj["aggregationRule"], Path("aggregationRule"))
        return errors

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return 2 * self.validate(new)  # upstream tells everything twice here


def _rule(rule: Object, path: Path, *, namespaced: bool) -> Errors:
    urls = rule.get("nonResourceURLs") or []
    if not rule.get("verbs"):
        yield required(path.child("verbs"), "verbs must contain at least one value")
    if urls:
        at = path.child("nonResourceURLs")
        if namespaced:
            yield invalid(at, urls, "namespaced rules cannot apply to non-resource URLs")
        if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
            yield invalid(at, urls, "rules cannot apply to both regular resources and non-resource URLs")
        return
    if not rule.get("apiGroups"):
        yield required(path.child("apiGroups"), "resource rules must supply at least one api group")
    if not rule.get("resources"):
        yield required(path.child("resources"), "resource rules must supply at least one resource")


def _aggregation(rule: Object, path: Path) -> Errors:
    selectors, at = rule.get("clusterRoleSelectors") or (), path.child("clusterRoleSelectors")
    if not selectors:
        yield required(at, "at least one clusterRoleSelector required if aggregationRule is non-nil")
    for index, selector in enumerate(selectors):
        yield from validate_label_selector(selector, at.index(index))


class RoleBindingStrategy(Strategy):
    """RoleBindings, or ClusterRoleBindings."""

    name_check = staticmethod(names.is_path_segment)
    has_status = False
    tracks_generation = False
    allow_create_on_update = True
    columns: Sequence[Column] = (
        *columns("Role"),
        *(Column(name, priority=1) for name in ("Users", "Groups", "ServiceAccounts")),
    )

    def __init__(self, *, namespaced: bool) -> None:
        self._namespaced = namespaced

    def default(self, obj: Object) -> None:
        fill(obj.setdefault("roleRef", {}), {"apiGroup": _GROUP})
        for subject in obj.get("subjects") or ():
            if subject.get("kind") in ("User", "Group"):
                fill(subject, {"apiGroup": _GROUP})

    def validate(self, obj: Object) -> ErrorList:
        errors = list(_role_ref(obj["roleRef"], namespaced=self._namespaced))
        for index, subject in enumerate(obj.get("subjects") or ()):
            errors += _subject(subject, Path("subjects").index(index), namespaced=self._namespaced)
        return errors

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        errors = 2 * self.validate(new)  # upstream tells everything twice here
        if not same(new.get("roleRef"), old.get("roleRef")):
            errors.append(invalid(Path("roleRef"), new.get("roleRef"), "cannot change roleRef"))
        return errors

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        ref, subjects = obj.get("roleRef") or {}, obj.get("subjects") or ()
        by_kind = {
            kind: ", ".join(_subject_text(each) for each in subjects if each.get("kind") == kind)
            for kind in _SUBJECTS
        }
        return [
            obj["metadata"]["name"],
            f"{ref.get('kind') or ''}/{ref.get('name') or ''}",
            age(obj, now),
            by_kind["User"],
            by_kind["Group"],
            by_kind["ServiceAccount"],
        ]


def _subject_text(subject: Object) -> str:
    name = subject.get("name") or ""
    return f"{subject['namespace']}/{name}" if subject.get("namespace") else name


def _role_ref(ref: Object, *, namespaced: bool) -> Errors:
    at = Path("roleRef")
    kinds = ("Role", "ClusterRole") if namespaced else ("ClusterRole",)
    if ref.get("apiGroup") != _GROUP:
        yield not_supported(at.child("apiGroup"), ref.get("apiGroup") or "", [_GROUP])
    if ref.get("kind") not in kinds:
        yield not_supported(at.child("kind"), ref.get("kind") or "", kinds)
    yield from required_match(ref.get("name"), at.child("name"), names.is_path_segment)


def _subject(subject: Object, path: Path, *, namespaced: bool) -> Errors:
    kind, name, group = subject.get("kind") or "", subject.get("name") or "", subject.get("apiGroup") or ""
    if not name:
        yield required(path.child("name"))
    if kind == "ServiceAccount":
        if name:
            yield from matches(name, path.child("name"), names.is_dns1123_subdomain)
        if group:
            yield not_supported(path.child("apiGroup"), group, [""])
        if not namespaced and not subject.get("namespace"):
            yield required(path.child("namespace"))
    elif kind in ("User", "Group"):
        if group != _GROUP:
            yield not_supported(path.child("apiGroup"), group, [_GROUP])
    else:
        yield not_supported(path.child("kind"), kind, _SUBJECTS)
