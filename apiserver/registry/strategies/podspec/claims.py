"""PersistentVolumeClaimSpec: in claims, in templates of StatefulSets and in ephemeral volumes."""

from __future__ import annotations

from collections.abc import Sequence

from apimachinery import names
from apimachinery.field import Errors, Path, forbidden, invalid, not_supported, required
from apimachinery.metadata import validate_annotations, validate_label_selector, validate_labels
from apimachinery.objects import Object
from apiserver.registry.strategies.checks import (
    dns_label,
    matches,
    one_of,
    positive_quantity,
    present,
    quantity_of,
)
from apiserver.registry.strategies.podspec.resources import resource_amount

ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
VOLUME_MODES = ("Block", "Filesystem")
_ELSEWHERE = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"


def default_claim_spec(spec: Object) -> None:
    spec.setdefault("volumeMode", "Filesystem")


def access_modes(modes: Sequence[str], path: Path) -> Errors:
    for mode in modes:
        if mode not in ACCESS_MODES:
            yield not_supported(path, mode, ACCESS_MODES)
    known = set(modes) & set(ACCESS_MODES)
    if "ReadWriteOncePod" in known and len(known) > 1:
        yield forbidden(path, "may not use ReadWriteOncePod with other access modes")


def validate_claim_spec(spec: Object, path: Path) -> Errors:
    modes = spec.get("accessModes") or ()
    if not modes:
        yield required(path.child("accessModes"), "at least 1 access mode is required")
    if spec.get("selector") is not None:
        yield from validate_label_selector(spec["selector"], path.child("selector"))
    yield from access_modes(modes, path.child("accessModes"))
    yield from _storage_request(spec, path.child("resources").key("storage"))
    if spec.get("storageClassName"):
        at = path.child("storageClassName")
        yield from matches(spec["storageClassName"], at, names.is_dns1123_subdomain)
    yield from one_of(spec.get("volumeMode"), path.child("volumeMode"), VOLUME_MODES, optional=True)
    yield from _data_sources(spec, path)
    if spec.get("volumeAttributesClassName"):
        at = path.child("volumeAttributesClassName")
        yield from matches(spec["volumeAttributesClassName"], at, names.is_dns1123_subdomain)


def _storage_request(spec: Object, path: Path) -> Errors:
    storage = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if storage is None:
        yield required(path)
        return
    amount = quantity_of(storage)
    wrong = list(positive_quantity(amount, path))
    yield from wrong or resource_amount("storage", amount, path)


def _data_sources(spec: Object, path: Path) -> Errors:
    source, ref = spec.get("dataSource"), spec.get("dataSourceRef")
    for name, value in (("dataSource", source), ("dataSourceRef", ref)):
        if value is not None:
            yield from _data_source(value, path.child(name))
    if source is None or ref is None:
        return
    if ref.get("namespace"):
        detail = "may not be specified when dataSourceRef.namespace is specified"
        yield invalid(path, str(path.child("dataSource")), detail)
    elif any((source.get(key) or "") != (ref.get(key) or "") for key in ("apiGroup", "kind", "name")):
        yield invalid(path, str(path.child("dataSource")), "must match dataSourceRef")


def _data_source(source: Object, path: Path) -> Errors:
    yield from present(source, path, "name", "kind")
    group, kind = source.get("apiGroup") or "", source.get("kind") or ""
    if not group and kind != "PersistentVolumeClaim":
        yield invalid(path, kind, _ELSEWHERE)
    if group:
        yield from matches(group, path.child("apiGroup"), names.is_dns1123_subdomain)
    if source.get("namespace"):
        yield from dns_label(source["namespace"], path.child("namespace"))


def validate_claim_template(template: Object, path: Path) -> Errors:
    """The template of an ephemeral volume; of its metadata only labels and annotations are used."""
    metadata, at = template.get("metadata") or {}, path.child("metadata")
    yield from validate_annotations(metadata.get("annotations") or {}, at.child("annotations"))
    yield from validate_labels(metadata.get("labels") or {}, at.child("labels"))
    for name, value in metadata.items():
        if value and name not in ("annotations", "labels"):
            yield forbidden(at.child(name), "cannot be set")
    yield from validate_claim_spec(template.get("spec") or {}, path.child("spec"))
