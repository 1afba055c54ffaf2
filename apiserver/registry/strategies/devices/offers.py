"""DeviceClasses, which say what kinds of devices there are, and ResourceSlices, in which drivers offer them.

Source: pkg/apis/resource/validation/validation.go and pkg/registry/resource of Kubernetes 1.34.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from apimachinery import names
from apimachinery.field import ErrorList, Errors, Path, invalid, required, too_long
from apimachinery.objects import Object, get_path
from apiserver.registry.strategies.checks import NEGATIVE, NOT_POSITIVE, dns_label, immutable, matches, same
from apiserver.registry.strategies.devices.checks import (
    MAX_ENTRIES,
    configuration,
    each,
    each_once,
    name_of_entry,
    pool_name,
    qualified_name,
    selector,
)
from apiserver.registry.strategies.podspec.scheduling import validate_node_selector
from apiserver.registry.strategies.podspec.volume_sources import csi_driver_name
from apiserver.registry.strategies.tables import UNSET, age, columns
from apiserver.registry.strategy import Column, Strategy

_SPEC = Path("spec")
MAX_DEVICES = 128
MAX_PROPERTIES = 32
"""Of one device, attributes and capacities together."""
MAX_VALUE = 64
_VALUES = ("bool", "int", "string", "version")
_NUMBER = r"(0|[1-9]\d*)"
_PRERELEASE = r"(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_SEMVER = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-{_PRERELEASE}(\.{_PRERELEASE})*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?"
)
_PLACES = ("nodeName", "nodeSelector", "allNodes")
_ONE_PLACE = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"
_GATED = ("sharedCounters", "perDeviceNodeSelection")
_GATED_IN_DEVICES = (
    "taints", "consumesCounters", *_PLACES, "bindingConditions", "bindingFailureConditions", "bindsToNode",
    "allowMultipleAllocations",
)  # fmt: skip
"""Fields behind gates that are closed in 1.34."""


class DeviceClassStrategy(Strategy):
    has_status = False
    columns: Sequence[Column] = columns()

    def prepare_for_create(self, obj: Object) -> None:
        obj.get("spec", {}).pop("extendedResourceName", None)  # behind a gate that is closed in 1.34

    def prepare_for_update(self, new: Object, old: Object) -> None:
        self.prepare_for_create(new)

    def validate(self, obj: Object) -> ErrorList:
        return list(_validate_class(obj.get("spec") or {}, {}))

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return 2 * list(_validate_class(new.get("spec") or {}, old.get("spec") or {}))  # as upstream

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        return [obj["metadata"]["name"], age(obj, now)]


def _validate_class(spec: Object, old: Object) -> Errors:
    """What was good when it was stored is not judged again."""
    selectors, configs = spec.get("selectors") or (), spec.get("config") or ()
    if not same(selectors, old.get("selectors")):
        yield from each(selectors, MAX_ENTRIES, selector, _SPEC.child("selectors"))
    yield from each(configs, MAX_ENTRIES, configuration, _SPEC.child("config"))


class ResourceSliceStrategy(Strategy):
    has_status = False
    columns: Sequence[Column] = columns("Node", "Driver", "Pool")
    unselectable = "field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: {}"

    def prepare_for_create(self, obj: Object) -> None:
        spec: Object = obj.get("spec") or {}
        for field in _GATED:
            spec.pop(field, None)
        for device in spec.get("devices") or ():
            for field in _GATED_IN_DEVICES:
                device.pop(field, None)
            for capacity in (device.get("capacity") or {}).values():
                capacity.pop("requestPolicy", None)

    def prepare_for_update(self, new: Object, old: Object) -> None:
        self.prepare_for_create(new)

    def validate(self, obj: Object) -> ErrorList:
        return list(_validate_slice(obj.get("spec") or {}))

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        errors = self.validate(new)
        for field in ("pool.name", "driver", "nodeName"):
            at = _SPEC.child(*field.split("."))
            now, before = (get_path(obj, ["spec", *field.split(".")]) for obj in (new, old))
            errors += immutable(now, before, at)
        return errors

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        driver = get_path(obj, "spec.driver", "")
        if driver == driver.lower():
            return []
        text = f'driver names should be lowercase; "{driver}" contains uppercase characters'
        return [f"spec.driver: {text}"]

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        return {
            "spec.nodeName": get_path(obj, "spec.nodeName", ""),
            "spec.driver": get_path(obj, "spec.driver", ""),
        }

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        spec = obj.get("spec") or {}
        return [
            obj["metadata"]["name"],
            spec.get("nodeName") or UNSET,
            spec.get("driver") or "",
            get_path(spec, "pool.name", ""),
            age(obj, now),
        ]


def _validate_slice(spec: Object) -> Errors:
    pool, at = spec.get("pool") or {}, _SPEC.child("pool")
    yield from csi_driver_name(spec.get("driver") or "", _SPEC.child("driver"))
    yield from pool_name(pool.get("name") or "", at.child("name"))
    count, generation = pool.get("resourceSliceCount") or 0, pool.get("generation") or 0
    if count <= 0:
        yield invalid(at.child("resourceSliceCount"), count, NOT_POSITIVE)
    if generation < 0:
        yield invalid(at.child("generation"), generation, NEGATIVE)
    yield from _place(spec)
    devices = spec.get("devices") or ()
    yield from each_once(devices, MAX_DEVICES, _device, _SPEC.child("devices"), name_of_entry)


def _place(spec: Object) -> Errors:
    node, selector, everywhere = (spec.get(field) for field in _PLACES)
    given = [f"`{field}`" for field in _PLACES if spec.get(field)]
    if node:
        yield from matches(node, _SPEC.child("nodeName"), names.is_dns1123_subdomain)
    elif node is not None:
        yield invalid(_SPEC.child("nodeName"), node, "must be either unset or set to a non-empty string")
    if selector is not None:
        at, terms = _SPEC.child("nodeSelector"), selector.get("nodeSelectorTerms") or []
        yield from validate_node_selector(selector, at)
        if len(terms) != 1:
            yield invalid(at.child("nodeSelectorTerms"), terms, "must have exactly one node selector term")
    if everywhere is False:
        yield invalid(_SPEC.child("allNodes"), everywhere, "must be either unset or set to true")
    if not given:
        yield required(_SPEC, _ONE_PLACE)
    elif len(given) > 1:
        yield invalid(_SPEC, f"{{{', '.join(given)}}}", f"{_ONE_PLACE}, but multiple fields are set")


def _device(device: Object, path: Path) -> Errors:
    yield from dns_label(name_of_entry(device), path.child("name"))
    attributes, capacity = device.get("attributes") or {}, device.get("capacity") or {}
    if len(attributes) + len(capacity) > MAX_PROPERTIES:
        detail = f"the total number of attributes and capacities must not exceed {MAX_PROPERTIES}"
        yield invalid(path, len(attributes) + len(capacity), detail)
    for name, attribute in sorted(attributes.items()):
        at = path.child("attributes").key(name)
        yield from qualified_name(name, at)
        yield from _attribute(attribute, at)
    for name in sorted(capacity):
        yield from qualified_name(name, path.child("capacity").key(name))


def _attribute(attribute: Object, path: Path) -> Errors:
    given = [field for field in _VALUES if attribute.get(field) is not None]
    for field in ("string", "version"):
        value, at = attribute.get(field), path.child(field)
        if value is None:
            continue
        if field == "version" and not _SEMVER.fullmatch(value):
            yield invalid(at, value, "must be a string compatible with semver.org spec 2.0.0")
        if len(value.encode()) > MAX_VALUE:
            yield too_long(at, value, MAX_VALUE)
    if not given:
        yield required(path, "exactly one value must be specified")
    elif len(given) > 1:
        yield invalid(path, attribute, "exactly one value must be specified")
