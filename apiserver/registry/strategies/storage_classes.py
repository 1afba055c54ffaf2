"""How storage is had: classes, CSI drivers and what they say of nodes, attachments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apimachinery import names
from apimachinery.field import (
    ErrorList,
    Errors,
    Path,
    duplicate,
    forbidden,
    invalid,
    not_supported,
    required,
    too_long,
)
from apimachinery.metadata import IMMUTABLE, validate_label_selector
from apimachinery.objects import Object, annotations_of, get_path
from apimachinery.quantity import Quantity
from apimachinery.volumes import is_default_class
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
from apiserver.registry.strategies.warnings.nodes import old_label, selector_warnings
from apiserver.registry.strategy import NAME_COLUMN, Column, Strategy

_SPEC = Path("spec")
_MAX_NODE_ID = 256
_LONG_NODE_ID = f"must be {_MAX_NODE_ID} characters or less"
_LIFECYCLES = ("Persistent", "Ephemeral")
_DEFAULT_ATTRIBUTES_CLASS = "volumeattributesclass.alpha.kubernetes.io/is-default-class"
_FS_GROUP_POLICIES = ("File", "None", "ReadWriteOnceWithFSType")


class StorageClassStrategy(Strategy):
    has_status = False
    tracks_generation = False
    columns: Sequence[Column] = columns(
        "Provisioner", "ReclaimPolicy", "VolumeBindingMode", "AllowVolumeExpansion"
    )

    def default(self, obj: Object) -> None:
        fill_absent(obj, {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"})

    def validate(self, obj: Object) -> ErrorList:
        return list(_validate_class(obj))

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        errors = self.validate(new)
        for field, shown in (("parameters", "updates to parameters are forbidden."),
                             ("provisioner", "updates to provisioner are forbidden.")):  # fmt: skip
            if not same(new.get(field), old.get(field)):
                errors.append(forbidden(Path(field), shown))
        for field, shown in (("reclaimPolicy", "reclaimPolicy"), ("volumeBindingMode", "volumeBindingMode")):
            if not same(new.get(field), old.get(field)):
                if field == "reclaimPolicy":
                    errors.append(forbidden(Path(shown), "updates to reclaimPolicy are forbidden."))
                else:
                    errors += immutable(new.get(field), old.get(field), Path(shown))
        return errors

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        return [
            f"allowedTopologies[{index}].matchLabelExpressions[{place}].key: {text}"
            for index, term in enumerate(obj.get("allowedTopologies") or ())
            for place, expression in enumerate(term.get("matchLabelExpressions") or ())
            if (text := old_label(expression.get("key") or ""))
        ]

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        name = obj["metadata"]["name"]
        if is_default_class(obj):
            name += " (default)"
        return [
            name,
            obj.get("provisioner") or "",
            obj.get("reclaimPolicy") or "Delete",
            obj.get("volumeBindingMode") or "Immediate",
            bool(obj.get("allowVolumeExpansion")),
            age(obj, now),
        ]


def _validate_class(obj: Object) -> Errors:
    yield from _provisioner(obj.get("provisioner") or "", Path("provisioner"))
    yield from _parameters(obj.get("parameters") or {})
    at = Path("reclaimPolicy")
    yield from one_of(obj.get("reclaimPolicy"), at, ("Delete", "Retain"), optional=True)
    modes, at = ("Immediate", "WaitForFirstConsumer"), Path("volumeBindingMode")
    yield from one_of(obj.get("volumeBindingMode"), at, modes)
    terms = obj.get("allowedTopologies") or ()
    for index, _, is_repeated in enumerate_repeats(map(_meaning, terms)):
        at = Path("allowedTopologies").index(index)
        yield from _topology_term(terms[index], at)
        if is_repeated:
            yield duplicate(at.child("matchLabelExpressions"), "")


def _meaning(term: Object) -> frozenset[tuple[str, frozenset[str]]]:
    """What two terms that only look different have in common."""
    expressions = term.get("matchLabelExpressions") or ()
    values = {each.get("key") or "": frozenset(each.get("values") or ()) for each in expressions}
    return frozenset(values.items())


def _parameters(parameters: Object) -> Errors:
    at = Path("parameters")
    if len(parameters) > 512:
        yield too_long(at, parameters, 512)
    yield from (invalid(at, each, "field can not be empty.") for each in parameters if not each)


def _provisioner(name: str, path: Path) -> Errors:
    if not name:
        yield required(path)
    else:
        yield from qualified_name(name.lower(), path)


def _topology_term(term: Object, path: Path) -> Errors:
    seen: set[str] = set()
    for index, expression in enumerate(term.get("matchLabelExpressions") or ()):
        at = path.child("matchLabelExpressions").index(index)
        key, values = expression.get("key") or "", expression.get("values") or []
        if not values:
            yield required(at.child("values"))
        for place, value, is_repeated in enumerate_repeats(values):
            if is_repeated:
                yield duplicate(at.child("values").index(place), value)
        yield from qualified_name(key, at.child("key"))
        if key in seen:
            yield duplicate(at.child("key"), key)
        seen.add(key)


class VolumeAttributesClassStrategy(Strategy):
    has_status = False
    tracks_generation = False
    columns: Sequence[Column] = columns("DriverName")

    def validate(self, obj: Object) -> ErrorList:
        errors = [*_provisioner(obj.get("driverName") or "", Path("driverName"))]
        if not obj.get("parameters"):
            errors.append(required(Path("parameters"), "must contain at least one key/value pair"))
        return [*errors, *_parameters(obj.get("parameters") or {})]

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        changed = [
            forbidden(Path(field), f"updates to {field} are forbidden.")
            for field in ("driverName", "parameters")
            if not same(new.get(field), old.get(field))
        ]
        return [*self.validate(new), *changed, *self.validate(new)]  # upstream tells it twice

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        name = obj["metadata"]["name"]
        if annotations_of(obj).get(_DEFAULT_ATTRIBUTES_CLASS) == "true":
            name += " (default)"
        return [name, obj.get("driverName") or "", age(obj, now)]


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
        return [*self.validate(new), invalid(_SPEC, new["spec"], "field is immutable")]

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
