"""PersistentVolumes and the claims for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from posixpath import normpath
from typing import Any

from apimachinery import names
from apimachinery.field import ErrorList, Errors, Path, forbidden, invalid, not_supported, required
from apimachinery.objects import Object, annotations_of, get_path, is_terminating
from apimachinery.times import format_time
from apimachinery.volumes import BETA_STORAGE_CLASS, class_of, modes_text
from apiserver.registry.strategies.checks import (
    immutable,
    matches,
    one_of,
    positive_quantity,
    quantity_of,
    same,
)
from apiserver.registry.strategies.podspec.claims import (
    VOLUME_MODES,
    access_modes,
    default_claim_spec,
    validate_claim_spec,
)
from apiserver.registry.strategies.podspec.defaults import (
    canonical_amounts,
    default_volume,
    fill,
    fill_absent,
)
from apiserver.registry.strategies.podspec.scheduling import validate_node_selector
from apiserver.registry.strategies.podspec.volume_sources import PATH_NAMES, PERSISTENT_SOURCES
from apiserver.registry.strategies.tables import UNSET, age, columns
from apiserver.registry.strategies.warnings.claims import claim_warnings, volume_warnings
from apiserver.registry.strategy import Column, Rollback, Strategy, WriteContext, nothing_to_undo

_SPEC = Path("spec")
_OLD_SOURCES = (("", "PersistentVolumeClaim"), ("snapshot.storage.k8s.io", "VolumeSnapshot"))
_CLAIM_FIXED = (
    "spec is immutable after creation except resources.requests and volumeAttributesClassName "
    "for bound claims\n"
)


def _phase(obj: Object) -> str:
    return "Terminating" if is_terminating(obj) else get_path(obj, "status.phase", "")


class PersistentVolumeStrategy(Strategy):
    tracks_generation = False
    columns: Sequence[Column] = (
        *columns(
            "Capacity",
            "Access Modes",
            "Reclaim Policy",
            "Status",
            "Claim",
            "StorageClass",
            "VolumeAttributesClass",
            "Reason",
        ),
        Column("VolumeMode", priority=1),
    )

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        fill(spec, {"persistentVolumeReclaimPolicy": "Retain"})
        fill_absent(spec, {"volumeMode": "Filesystem"})
        canonical_amounts(spec, "capacity")
        default_volume({"name": "", "emptyDir": {}, **{k: spec[k] for k in PERSISTENT_SOURCES if k in spec}})
        fill(obj.setdefault("status", {}), {"phase": "Pending"})

    def prepare_for_create(self, obj: Object) -> None:
        obj["status"] = {"phase": "Pending"}

    async def begin_create(self, ctx: WriteContext, obj: Object) -> Rollback:
        obj["status"]["lastPhaseTransitionTime"] = format_time(ctx.now())
        return nothing_to_undo

    async def begin_update(self, ctx: WriteContext, new: Object, old: Object) -> Rollback:
        """Notes when the phase changed, unless whoever changed it says so."""
        status, before = new.get("status") or {}, old.get("status") or {}
        known, told = before.get("lastPhaseTransitionTime"), status.get("lastPhaseTransitionTime")
        if status.get("phase") != before.get("phase"):
            status["lastPhaseTransitionTime"] = told if told not in (None, known) else format_time(ctx.now())
        elif told is None and known is not None:
            status["lastPhaseTransitionTime"] = known
        return nothing_to_undo

    def validate(self, obj: Object) -> ErrorList:
        return list(_validate_volume(obj["spec"]))

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return [*_validate_volume(new["spec"]), *_volume_changes(new["spec"], old["spec"])]

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        return [*volume_warnings(obj)]

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        spec, claim = obj["spec"], obj["spec"].get("claimRef")
        return [
            obj["metadata"]["name"],
            str(quantity_of(get_path(spec, "capacity.storage", "0"))),
            modes_text(spec.get("accessModes") or ()),
            spec.get("persistentVolumeReclaimPolicy") or "",
            _phase(obj),
            f"{claim.get('namespace') or ''}/{claim.get('name') or ''}" if claim else "",
            class_of(obj),
            UNSET if spec.get("volumeAttributesClassName") is None else spec["volumeAttributesClassName"],
            get_path(obj, "status.reason", ""),
            age(obj, now),
            spec.get("volumeMode") or UNSET,
        ]


def _validate_volume(spec: Object) -> Errors:
    modes, capacity, at = spec.get("accessModes") or (), spec.get("capacity") or {}, _SPEC.child("capacity")
    if not modes:
        yield required(_SPEC.child("accessModes"))
    yield from access_modes(modes, _SPEC.child("accessModes"))
    if not capacity:
        yield required(at)
    if set(capacity) != {"storage"}:
        yield not_supported(at, capacity or None, ["storage"])
    for name, value in capacity.items():
        if quantity_of(value).value() < 0:
            yield invalid(at.key(name), quantity_of(value).value(), "must be a valid resource quantity")
        yield from positive_quantity(quantity_of(value), at.key(name))
    policy, where = spec.get("persistentVolumeReclaimPolicy"), _SPEC.child("persistentVolumeReclaimPolicy")
    yield from one_of(policy, where, ("Delete", "Recycle", "Retain"), optional=True)
    yield from _node_affinity(spec)
    yield from _source(spec)
    if normpath(get_path(spec, "hostPath.path", "") or ".") == "/" and policy == "Recycle":
        yield forbidden(where, "may not be 'recycle' for a hostPath mount of '/'")
    if spec.get("storageClassName"):
        at = _SPEC.child("storageClassName")
        yield from matches(spec["storageClassName"], at, names.is_dns1123_subdomain)
    yield from one_of(spec.get("volumeMode"), _SPEC.child("volumeMode"), VOLUME_MODES, optional=True)
    yield from _attributes_class(spec)


def _node_affinity(spec: Object) -> Errors:
    affinity, at = spec.get("nodeAffinity"), _SPEC.child("nodeAffinity")
    if affinity is not None:
        if affinity.get("required") is None:
            yield required(at.child("required"), "must specify required node constraints")
        else:
            yield from validate_node_selector(affinity["required"], at.child("required"))
    elif spec.get("local") is not None:
        yield required(at, "Local volume requires node affinity")


def _source(spec: Object) -> Errors:
    found = [name for name in PERSISTENT_SOURCES if spec.get(name) is not None]
    for position, name in enumerate(found):
        if position:
            yield forbidden(_SPEC.child(name), "may not specify more than 1 volume type")
        else:
            at = _SPEC.child(PATH_NAMES.get(name, name))
            yield from PERSISTENT_SOURCES[name](spec[name], at)
    if not found:
        yield required(_SPEC, "must specify a volume type")


def _attributes_class(spec: Object) -> Errors:
    name, at = spec.get("volumeAttributesClassName"), _SPEC.child("volumeAttributesClassName")
    if name is None:
        return
    if not name:
        yield required(at, "an empty string is disallowed")
    else:
        yield from matches(name, at, names.is_dns1123_subdomain)
    if spec.get("csi") is None:
        detail = "has to be specified when using volumeAttributesClassName"
        yield required(_SPEC.child("csi"), detail)


def _volume_changes(new: Object, old: Object) -> Errors:
    now = {name: new.get(name) for name in PERSISTENT_SOURCES}
    before = {name: old.get(name) for name in PERSISTENT_SOURCES}
    if (before["csi"] or {}).get("controllerExpandSecretRef") is None and now["csi"]:
        now["csi"] = {**now["csi"], "controllerExpandSecretRef": None}
    if not same(now, before):
        detail = "spec.persistentvolumesource is immutable after creation\n"
        yield forbidden(_SPEC.child("persistentvolumesource"), detail)
    yield from immutable(new.get("volumeMode"), old.get("volumeMode"), Path("volumeMode"))
    if old.get("nodeAffinity") is not None and not same(new.get("nodeAffinity"), old["nodeAffinity"]):
        detail = "field is immutable, except for updating from beta label to GA"
        yield invalid(Path("nodeAffinity"), new.get("nodeAffinity"), detail)


class PersistentVolumeClaimStrategy(Strategy):
    tracks_generation = False
    columns: Sequence[Column] = (
        *columns("Status", "Volume", "Capacity", "Access Modes", "StorageClass", "VolumeAttributesClass"),
        Column("VolumeMode", priority=1),
    )

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        default_claim_spec(spec)
        canonical_amounts(spec.setdefault("resources", {}), "limits", "requests")
        status = obj.setdefault("status", {})
        fill(status, {"phase": "Pending"})
        canonical_amounts(status, "capacity", "allocatedResources")

    def prepare_for_create(self, obj: Object) -> None:
        obj["status"] = {"phase": "Pending"}
        _settle_data_sources(obj["spec"], {})

    def prepare_for_update(self, new: Object, old: Object) -> None:
        _settle_data_sources(new["spec"], old["spec"])

    def validate(self, obj: Object) -> ErrorList:
        return list(validate_claim_spec(obj["spec"], _SPEC))

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return [*self.validate(new), *_claim_changes(new, old)]

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        return [*claim_warnings(obj)]

    def validate_status_update(self, new: Object, old: Object) -> ErrorList:
        at = Path("status", "capacity")
        return [
            invalid(at.key(name), quantity_of(value).value(), "must be a valid resource quantity")
            for name, value in get_path(new, "status.capacity", {}).items()
            if quantity_of(value).value() < 0
        ]

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        spec = obj["spec"]
        bound = bool(spec.get("volumeName"))
        attributes = spec.get("volumeAttributesClassName")
        return [
            obj["metadata"]["name"],
            _phase(obj),
            spec.get("volumeName") or "",
            str(quantity_of(get_path(obj, "status.capacity.storage", "0"))) if bound else "",
            modes_text(get_path(obj, "status.accessModes", ())) if bound else "",
            class_of(obj),
            UNSET if attributes is None else attributes,
            age(obj, now),
            spec.get("volumeMode") or UNSET,
        ]


def _settle_data_sources(spec: Object, old: Object) -> None:
    """dataSourceRef is the newer name of dataSource; within one namespace both say the same.

    A source of any other kind than ever had to be obeyed is forgotten, where only the old name tells of it,
    and so is one in another namespace (CrossNamespaceVolumeDataSource is off); an old claim keeps its own.
    """
    if get_path(spec, "dataSourceRef.namespace") and old.get("dataSourceRef") is None:
        del spec["dataSourceRef"]
    source, ref = spec.get("dataSource"), spec.get("dataSourceRef")
    had_any = any(old.get(name) is not None for name in ("dataSource", "dataSourceRef"))
    if source is not None and ref is None:
        if had_any or (source.get("apiGroup") or "", source.get("kind")) in _OLD_SOURCES:
            spec["dataSourceRef"] = dict(source)
        else:
            del spec["dataSource"]
    elif ref is not None and source is None and not ref.get("namespace"):
        spec["dataSource"] = {key: value for key, value in ref.items() if key != "namespace"}


def _claim_changes(new: Object, old: Object) -> Errors:
    spec, before = new["spec"], old["spec"]
    class_annotation = annotations_of(new).get(BETA_STORAGE_CLASS)
    at = Path("metadata", "annotations", BETA_STORAGE_CLASS)
    yield from immutable(class_annotation, annotations_of(old).get(BETA_STORAGE_CLASS), at)
    kept = {**spec, "resources": dict(spec.get("resources") or {})}
    if not before.get("volumeName"):
        kept["volumeName"] = before.get("volumeName")
    if before.get("storageClassName") is None:
        kept["storageClassName"] = None
    if get_path(new, "status.phase") == "Bound":
        requests = {**(kept["resources"].get("requests") or {})}
        requests["storage"] = get_path(before, "resources.requests.storage")
        kept["resources"]["requests"] = requests
        if spec.get("volumeAttributesClassName") is not None:
            kept["volumeAttributesClassName"] = before.get("volumeAttributesClassName")
    if not same(kept, before):
        yield forbidden(_SPEC, _CLAIM_FIXED)
    yield from _shrunk(new, old)
    yield from immutable(spec.get("volumeMode"), before.get("volumeMode"), Path("volumeMode"))


def _shrunk(new: Object, old: Object) -> Errors:
    path = "spec.resources.requests.storage"
    now, then = quantity_of(get_path(new, path, "0")), quantity_of(get_path(old, path, "0"))
    if now < then and now <= quantity_of(get_path(old, "status.capacity.storage", "0")):
        yield forbidden(Path(*path.split(".")), "field can not be less than status.capacity")
