"""The few resources that are served in two API versions: how one form becomes the other.

The stored version is the one a storage prefix belongs to; everything else converts on its way in and out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from apimachinery import scheme
from apimachinery.objects import Object
from apimachinery.scheme import Resource
from apiserver.registry import autoscaler_versions

Convert = Callable[[Object], Object]


@dataclass(frozen=True, slots=True)
class Conversion:
    """Between the version a client speaks and the one that is stored. Objects passed in are used up."""

    stored: Resource
    to_stored: Convert
    from_stored: Convert


_EVENT_FIELDS = {
    "note": "message",
    "regarding": "involvedObject",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
    "reportingController": "reportingComponent",
}
_CORE_EVENT_FIELDS = {core: name for name, core in _EVENT_FIELDS.items()}


def _renamed(obj: Object, names: dict[str, str], api_version: str) -> Object:
    return {names.get(key, key): value for key, value in obj.items()} | {"apiVersion": api_version}


def _event_to_core(obj: Object) -> Object:
    return _renamed(obj, _EVENT_FIELDS, scheme.EVENTS.api_version)


def _event_from_core(obj: Object) -> Object:
    return _renamed(obj, _CORE_EVENT_FIELDS, scheme.EVENTS_V1.api_version)


_CONVERSIONS: dict[Resource, Conversion] = {
    scheme.EVENTS_V1: Conversion(scheme.EVENTS, _event_to_core, _event_from_core),
    scheme.HORIZONTAL_POD_AUTOSCALERS_V1: Conversion(
        scheme.HORIZONTAL_POD_AUTOSCALERS, autoscaler_versions.to_v2, autoscaler_versions.from_v2
    ),
}


def versions_of(stored: Resource) -> list[tuple[Resource, Conversion | None]]:
    """The resource as it is stored, and the versions that are converted to it."""
    others = [(resource, each) for resource, each in _CONVERSIONS.items() if each.stored == stored]
    return [(stored, None), *others]


def conversion_of(resource: Resource) -> Conversion | None:
    """How a resource is stored, if not in the version it is served in."""
    return _CONVERSIONS.get(resource)
