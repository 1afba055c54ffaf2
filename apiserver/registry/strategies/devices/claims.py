"""ResourceClaims and the templates that the controller makes them of.

Source: pkg/registry/resource/resourceclaim/strategy.go and pkg/apis/resource/validation of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from apimachinery import scheme
from apimachinery.field import ErrorList, Errors, Path, forbidden, invalid, not_supported, required
from apimachinery.metadata import validate_annotations, validate_labels
from apimachinery.objects import Object, get_path, is_terminating, name_of, namespace_of
from apiserver.registry import rules
from apiserver.registry.strategies.checks import dns_label, immutable, present
from apiserver.registry.strategies.devices.checks import MAX_ENTRIES, each, each_once, pool_name
from apiserver.registry.strategies.devices.requests import (
    default_devices,
    drop_gated,
    named_configuration,
    request_names,
    request_reference,
    validate_devices,
    why_no_admin,
)
from apiserver.registry.strategies.podspec.scheduling import validate_node_selector
from apiserver.registry.strategies.podspec.volume_sources import csi_driver_name
from apiserver.registry.strategies.tables import age, columns
from apiserver.registry.strategy import Column, Rollback, Strategy, WriteContext, nothing_to_undo

_SPEC, _STATUS = Path("spec"), Path("status")
MAX_USERS = 256
_UNKNOWN = "must be an allocated device in the claim"
_GONE = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set"


class ResourceClaimStrategy(Strategy):
    status_resets = ("spec", "metadata")
    tracks_generation = False
    columns: Sequence[Column] = columns("State")

    def default(self, obj: Object) -> None:
        default_devices(get_path(obj, "spec.devices", {}))

    def prepare_for_create(self, obj: Object) -> None:
        obj["status"] = {}
        drop_gated(get_path(obj, "spec.devices", {}))

    async def begin_create(self, ctx: WriteContext, obj: Object) -> Rollback:
        namespace = ctx.get(scheme.NAMESPACES, "", namespace_of(obj))
        if wrong := why_no_admin(get_path(obj, "spec.devices", {}), namespace):
            rules.refuse(scheme.RESOURCE_CLAIMS, name_of(obj), [*wrong, *self.validate(obj)])
        return nothing_to_undo

    def validate(self, obj: Object) -> ErrorList:
        return list(validate_devices(get_path(obj, "spec.devices", {}), _SPEC.child("devices")))

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return list(immutable(new.get("spec"), old.get("spec"), _SPEC))

    def prepare_for_status_update(self, new: Object, old: Object) -> None:
        """What a driver says of a device goes with the device."""
        status: Object = new.get("status") or {}
        lost = _allocated(old) - _allocated(new)
        if left := [each for each in status.get("devices") or () if _identity(each) not in lost]:
            status["devices"] = left
        else:
            status.pop("devices", None)

    def validate_status_update(self, new: Object, old: Object) -> ErrorList:
        return list(_validate_status(new, old))

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        deleted = bool(obj["metadata"].get("deletionTimestamp"))
        states = ["deleted"] if deleted else []
        if get_path(obj, "status.allocation") is not None:
            states.append("allocated")
            states += ["reserved"] if get_path(obj, "status.reservedFor") else []
        elif not deleted:
            states.append("pending")
        return [obj["metadata"]["name"], ",".join(states), age(obj, now)]


def _identity(device: Object) -> str:
    return "/".join(device.get(field) or "" for field in ("driver", "pool", "device"))


def _allocated(claim: Object) -> set[str]:
    return {_identity(each) for each in get_path(claim, "status.allocation.devices.results", [])}


def _validate_status(new: Object, old: Object) -> Errors:
    status, before = new.get("status") or {}, old.get("status") or {}
    users = status.get("reservedFor") or []
    at = _STATUS.child("reservedFor")
    yield from each_once(users, MAX_USERS, _user, at, lambda user: user.get("uid") or "")
    check = partial(_device_status, allocated=_allocated(new))
    devices = status.get("devices") or []
    yield from each_once(devices, len(devices), check, _STATUS.child("devices"), _identity)
    allocation, had = status.get("allocation"), before.get("allocation")
    if users and allocation is None:
        yield forbidden(at, "may not be specified when `allocated` is not set")
    elif is_terminating(new) and any(user not in (before.get("reservedFor") or ()) for user in users):
        yield forbidden(at, _GONE)
    if allocation is not None and had is not None:
        yield from immutable(allocation, had, _STATUS.child("allocation"))
    elif allocation is not None:
        names = request_names(get_path(new, "spec.devices", {}))
        yield from _allocation(allocation, _STATUS.child("allocation"), names)


def _user(user: Object, path: Path) -> Errors:
    return present(user, path, "resource", "name", "uid")


def _device_status(device: Object, path: Path, *, allocated: set[str]) -> Errors:
    yield from _device(device, path)
    if _identity(device) not in allocated:
        yield invalid(path, _identity(device), _UNKNOWN)


def _device(device: Object, path: Path) -> Errors:
    yield from csi_driver_name(device.get("driver") or "", path.child("driver"))
    yield from pool_name(device.get("pool") or "", path.child("pool"))
    yield from dns_label(device.get("device") or "", path.child("device"))


def _allocation(allocation: Object, path: Path, names: frozenset[str]) -> Errors:
    devices, at = allocation.get("devices") or {}, path.child("devices")

    def result(entry: Object, path: Path) -> Errors:
        yield from request_reference(entry.get("request") or "", path.child("request"), names=names)
        yield from _device(entry, path)

    def config(entry: Object, path: Path) -> Errors:
        yield from _source(entry.get("source") or "", path.child("source"))
        yield from named_configuration(entry, path, names=names)

    yield from each(devices.get("results") or (), MAX_ENTRIES, result, at.child("results"))
    yield from each(devices.get("config") or (), 2 * MAX_ENTRIES, config, at.child("config"))
    if allocation.get("nodeSelector") is not None:
        yield from validate_node_selector(allocation["nodeSelector"], path.child("nodeSelector"))


def _source(source: str, path: Path) -> Errors:
    if not source:
        yield required(path)
    elif source not in ("FromClaim", "FromClass"):
        yield not_supported(path, source, ("FromClaim", "FromClass"))


class ResourceClaimTemplateStrategy(Strategy):
    has_status = False
    tracks_generation = False
    columns: Sequence[Column] = columns()

    def default(self, obj: Object) -> None:
        default_devices(get_path(obj, "spec.spec.devices", {}))

    def prepare_for_create(self, obj: Object) -> None:
        drop_gated(get_path(obj, "spec.spec.devices", {}))

    async def begin_create(self, ctx: WriteContext, obj: Object) -> Rollback:
        namespace = ctx.get(scheme.NAMESPACES, "", namespace_of(obj))
        if wrong := why_no_admin(get_path(obj, "spec.spec.devices", {}), namespace):
            rules.refuse(scheme.RESOURCE_CLAIM_TEMPLATES, name_of(obj), [*wrong, *self.validate(obj)])
        return nothing_to_undo

    def validate(self, obj: Object) -> ErrorList:
        return list(_validate_template(obj.get("spec") or {}))

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return list(immutable(new.get("spec"), old.get("spec"), _SPEC))

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        return [obj["metadata"]["name"], age(obj, now)]


def _validate_template(spec: Object) -> Errors:
    metadata, at = spec.get("metadata") or {}, _SPEC.child("metadata")
    yield from validate_annotations(metadata.get("annotations") or {}, at.child("annotations"))
    yield from validate_labels(metadata.get("labels") or {}, at.child("labels"))
    for name, value in metadata.items():
        if value and name not in ("annotations", "labels"):
            yield forbidden(at.child(name), "cannot be set")
    yield from validate_devices(get_path(spec, "spec.devices", {}), _SPEC.child("spec", "devices"))
