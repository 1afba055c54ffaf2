"""VolumeAttachments: that a volume is to be attached to a node."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apimachinery import names
from apimachinery.field import ErrorList, Errors, Path, forbidden, invalid, required
from apimachinery.metadata import IMMUTABLE
from apimachinery.objects import Object, get_path
from apiserver.registry.strategies.checks import matches, same
from apiserver.registry.strategies.podspec.volume_sources import csi_driver_name
from apiserver.registry.strategies.tables import age, columns
from apiserver.registry.strategy import Column, Strategy

_SPEC = Path("spec")


class VolumeAttachmentStrategy(Strategy):
    allow_unconditional_update = False
    status_resets = ("spec", "metadata")
    tracks_generation = False
    columns: Sequence[Column] = columns(
        Column("Attacher", format="name"), "PV", "Node", Column("Attached", "boolean")
    )

    def default(self, obj: Object) -> None:
        obj.setdefault("spec", {})

    def prepare_for_create(self, obj: Object) -> None:
        obj["status"] = {"attached": False}

    def validate(self, obj: Object) -> ErrorList:
        return list(_validate_attachment(obj["spec"]))

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        if same(new["spec"], old["spec"]):
            return self.validate(new)
        return [*self.validate(new), invalid(_SPEC, new["spec"], IMMUTABLE)]

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        spec = obj["spec"]
        return [
            obj["metadata"]["name"],
            spec.get("attacher") or "",
            get_path(spec, "source.persistentVolumeName", ""),
            spec.get("nodeName") or "",
            bool(get_path(obj, "status.attached")),
            age(obj, now),
        ]


def _validate_attachment(spec: Object) -> Errors:
    yield from csi_driver_name(spec.get("attacher") or "", _SPEC.child("attacher"))
    source, at = spec.get("source") or {}, _SPEC.child("source")
    name, inline = source.get("persistentVolumeName"), source.get("inlineVolumeSpec")
    if name is None and inline is None:
        yield required(at, "must specify exactly one of inlineVolumeSpec and persistentVolumeName")
    elif name is not None and inline is not None:
        detail = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
        yield forbidden(at, detail)
    elif name == "":
        yield required(at.child("persistentVolumeName"), "must specify non empty persistentVolumeName")
    elif inline is not None:
        yield from _inline_volume(inline, at.child("inlineVolumeSpec"))
    yield from matches(spec.get("nodeName") or "", _SPEC.child("nodeName"), names.is_dns1123_subdomain)


def _inline_volume(spec: Object, path: Path) -> Errors:
    """What a volume that nothing but its attachment tells of may not say."""
    never = "may not be specified in the context of inline volumes"
    for field in ("claimRef", "capacity"):
        if spec.get(field):
            yield forbidden(path.child(field), never)
    if spec.get("csi") is None:
        yield required(path.child("csi"), "has to be specified in the context of inline volumes")
    if not spec.get("accessModes"):
        yield required(path.child("accessModes"))
    if spec.get("persistentVolumeReclaimPolicy") not in (None, "", "Retain"):
        detail = "may only be Retain in the context of inline volumes"
        yield forbidden(path.child("persistentVolumeReclaimPolicy"), detail)
    for field in ("nodeAffinity", "storageClassName"):
        if spec.get(field):
            yield forbidden(path.child(field), never)
    if spec.get("volumeMode") not in (None, "Filesystem"):
        detail = "may not specify volumeMode other than Filesystem in the context of inline volumes"
        yield forbidden(path.child("volumeMode"), detail)
