"""CSI drivers, what they say of nodes, and how much room they have."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apimachinery import names
from apimachinery.field import ErrorList, Errors, Path, duplicate, invalid, not_supported, required
from apimachinery.metadata import IMMUTABLE, validate_label_selector
from apimachinery.objects import Object, get_path
from apimachinery.quantity import Quantity
from apiserver.registry.strategies.checks import (
    NEGATIVE,
    enumerate_repeats,
    immutable,
    matches,
    non_negative,
    one_of,
    qualified_name,
    quantity_of,
    same,
)
from apiserver.registry.strategies.podspec.defaults import fill_absent
from apiserver.registry.strategies.podspec.volume_sources import csi_driver_name
from apiserver.registry.strategies.tables import UNSET, age, columns
from apiserver.registry.strategies.warnings.nodes import selector_warnings
from apiserver.registry.strategy import NAME_COLUMN, Column, Strategy

_SPEC = Path("spec")
_MAX_NODE_ID = 256
_LONG_NODE_ID = f"must be {_MAX_NODE_ID} characters or less"
_LIFECYCLES = ("Persistent", "Ephemeral")
_FS_GROUP_POLICIES = ("File", "None", "ReadWriteOnceWithFSType")


class CSIDriverStrategy(Strategy):
    has_status = False
    first_generation = 0
    allow_unconditional_update = False
    columns: Sequence[Column] = columns(
        Column("AttachRequired", "boolean"),
        Column("PodInfoOnMount", "boolean"),
        Column("StorageCapacity", "boolean"),
        "TokenRequests",
        Column("RequiresRepublish", "boolean"),
        "Modes",
    )

    def default(self, obj: Object) -> None:
        fill_absent(
            obj.setdefault("spec", {}),
            {
                "attachRequired": True,
                "podInfoOnMount": False,
                "storageCapacity": False,
                "fsGroupPolicy": "ReadWriteOnceWithFSType",
                "requiresRepublish": False,
                "seLinuxMount": False,
            },
        )
        if not obj["spec"].get("volumeLifecycleModes"):
            obj["spec"]["volumeLifecycleModes"] = ["Persistent"]

    def validate(self, obj: Object) -> ErrorList:
        return list(_validate_driver(obj))

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        errors = list(_validate_driver(new))
        for field, shown in (("attachRequired", "attachedRequired"), ("volumeLifecycleModes",) * 2):
            errors += immutable(new["spec"].get(field), old["spec"].get(field), _SPEC.child(shown))
        return errors

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        spec = obj["spec"]
        audiences = [each.get("audience") or "" for each in spec.get("tokenRequests") or ()]
        return [
            obj["metadata"]["name"],
            spec.get("attachRequired") is not False,
            bool(spec.get("podInfoOnMount")),
            bool(spec.get("storageCapacity")),
            ",".join(audiences) or UNSET,
            bool(spec.get("requiresRepublish")),
            ",".join(spec.get("volumeLifecycleModes") or ()) or "<none>",
            age(obj, now),
        ]


def _validate_driver(driver: Object) -> Errors:
    spec = driver["spec"]
    at = _SPEC.child("fsGroupPolicy")
    yield from one_of(spec.get("fsGroupPolicy"), at, _FS_GROUP_POLICIES)
    seen: set[str] = set()
    for index, request in enumerate(spec.get("tokenRequests") or ()):
        audience, at = request.get("audience") or "", _SPEC.child("tokenRequests").index(index)
        if audience in seen:
            yield duplicate(at.child("audience"), audience)
            continue
        seen.add(audience)
        seconds, at = request.get("expirationSeconds"), at.child("expirationSeconds")
        if seconds is not None and seconds < 600:
            yield invalid(at, seconds, "may not specify a duration less than 10 minutes")
        if seconds is not None and seconds > 1 << 32:
            yield invalid(at, seconds, "may not specify a duration larger than 2^32 seconds")
    for mode in spec.get("volumeLifecycleModes") or ():
        if mode not in _LIFECYCLES:
            yield not_supported(_SPEC.child("volumeLifecycleModes"), mode, _LIFECYCLES)


class CSINodeStrategy(Strategy):
    has_status = False
    allow_unconditional_update = False
    tracks_generation = False
    columns: Sequence[Column] = columns(Column("Drivers", "integer"))

    def validate(self, obj: Object) -> ErrorList:
        return [*_validate_node_drivers(get_path(obj, "spec.drivers") or ())]

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        before = {each.get("name"): each for each in get_path(old, "spec.drivers") or ()}
        drivers = get_path(new, "spec.drivers") or ()
        changed = [each for each in drivers if not same(before.get(each.get("name"), each), each)]
        frozen = [invalid(_SPEC.child("drivers"), each, IMMUTABLE) for each in changed]
        return [*self.validate(new), *self.validate(new), *frozen]

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        return [obj["metadata"]["name"], len(get_path(obj, "spec.drivers", ())), age(obj, now)]


def _validate_node_drivers(drivers: Sequence[Object]) -> Errors:
    seen: set[str] = set()
    for index, driver in enumerate(drivers):
        at, name = _SPEC.child("drivers").index(index), driver.get("name") or ""
        yield from csi_driver_name(name, at.child("name"))
        if not driver.get("nodeID"):
            yield required(at.child("nodeID"))
        elif len(driver["nodeID"].encode()) > _MAX_NODE_ID:
            yield invalid(at.child("nodeID"), driver["nodeID"], _LONG_NODE_ID)
        yield from non_negative(get_path(driver, "allocatable.count"), at.child("allocatable", "count"))
        if name in seen:
            yield duplicate(at.child("name"), name)
        seen.add(name)
        for _, key, is_repeated in enumerate_repeats(driver.get("topologyKeys") or ()):
            if not key:
                yield required(at, key)
            if is_repeated:
                yield duplicate(at, key)
            yield from qualified_name(key, at)


class CSIStorageCapacityStrategy(Strategy):
    has_status = False
    allow_unconditional_update = False
    tracks_generation = False
    columns: Sequence[Column] = (NAME_COLUMN, Column("StorageClassName"), Column("Capacity"))

    def validate(self, obj: Object) -> ErrorList:
        name, at = obj.get("storageClassName") or "", Path("storageClassName")
        errors = validate_label_selector(obj.get("nodeTopology"), Path("nodeTopology"))
        errors += matches(name, at, names.is_dns1123_subdomain)
        if obj.get("capacity") is not None and quantity_of(obj["capacity"]) < Quantity.parse(0):
            errors.append(invalid(Path("capacity"), str(quantity_of(obj["capacity"])), NEGATIVE))
        return errors

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        errors = self.validate(new)
        for field, nothing in (("nodeTopology", None), ("storageClassName", "")):
            now, before = (obj.get(field) or nothing for obj in (new, old))
            errors += immutable(now, before, Path(field))
        return errors

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        return [*selector_warnings("nodeTopology", obj.get("nodeTopology"))]

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        return [
            obj["metadata"]["name"],
            obj.get("storageClassName") or "",
            str(obj.get("capacity") or UNSET),
        ]
