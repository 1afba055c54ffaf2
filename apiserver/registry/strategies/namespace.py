"""Namespaces: they end only when their finalizers are gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from apimachinery import names
from apimachinery.field import ErrorList, Errors, Path, invalid
from apimachinery.objects import Object, get_path, is_terminating, labels_of, name_of
from apiserver.registry.rules import LEGACY_FINALIZERS
from apiserver.registry.strategies.checks import matches
from apiserver.registry.strategies.podspec.defaults import fill
from apiserver.registry.strategies.tables import age, columns
from apiserver.registry.strategy import Column, Strategy

_NAME_LABEL = "kubernetes.io/metadata.name"
_FINALIZER = "kubernetes"


class NamespaceStrategy(Strategy):
    name_check = staticmethod(names.is_dns1123_label)
    tracks_generation = False
    columns: Sequence[Column] = columns("Status")

    def default(self, obj: Object) -> None:
        _label_with_name(obj)
        obj.setdefault("spec", {})
        status = obj.setdefault("status", {})
        fill(status, {"phase": "Active"})

    def prepare_for_create(self, obj: Object) -> None:
        """The namespace controller's own finalizer is always there; without it nobody would tidy up."""
        _label_with_name(obj)
        obj["status"] = {"phase": "Active"}
        finalizers = obj["spec"].get("finalizers") or []
        if _FINALIZER not in finalizers:
            obj["spec"]["finalizers"] = [*finalizers, _FINALIZER]

    def prepare_for_update(self, new: Object, old: Object) -> None:
        new["spec"] = {**(new.get("spec") or {}), "finalizers": get_path(old, "spec.finalizers") or []}
        new["status"] = old.get("status") or {}

    def prepare_for_status_update(self, new: Object, old: Object) -> None:
        new["spec"] = old["spec"]

    def validate(self, obj: Object) -> ErrorList:
        at = Path("spec", "finalizers")
        return [error for each in get_path(obj, "spec.finalizers") or () for error in _finalizer(each, at)]

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return []

    def validate_status_update(self, new: Object, old: Object) -> ErrorList:
        phase, at = get_path(new, "status.phase", ""), Path("status", "Phase")
        if not is_terminating(new):
            detail = "may only be 'Active' if `deletionTimestamp` is empty"
            return [] if phase == "Active" else [invalid(at, phase, detail)]
        detail = "may only be 'Terminating' if `deletionTimestamp` is not empty"
        return [] if phase == "Terminating" else [invalid(at, phase, detail)]

    def for_subresource(self, subresource: str) -> Strategy:
        return _FINALIZE if subresource == "finalize" else self

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        return {"status.phase": get_path(obj, "status.phase", "")}

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        return [obj["metadata"]["name"], get_path(obj, "status.phase", ""), age(obj, now)]


class _FinalizeStrategy(NamespaceStrategy):
    """PUT of namespaces/finalize: the only way to take spec.finalizers away."""

    def prepare_for_update(self, new: Object, old: Object) -> None:
        new["status"] = old.get("status") or {}

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        at = Path("spec", "finalizers")
        given = get_path(new, "spec.finalizers") or ()
        return [error for index, each in enumerate(given) for error in _finalizer(each, at.index(index))]


_FINALIZE = _FinalizeStrategy()


def _label_with_name(namespace: Object) -> None:
    if name_of(namespace):
        namespace["metadata"]["labels"] = {
            **labels_of(namespace),
            _NAME_LABEL: name_of(namespace),
        }


def _finalizer(name: str, path: Path) -> Errors:
    yield from matches(name, path, names.is_qualified_name)
    if "/" not in name and name not in LEGACY_FINALIZERS:
        yield invalid(path, name, "name is neither a standard finalizer name nor is it fully qualified")
