"""Events, in core/v1's form and in that of events.k8s.io/v1: one stored object with two sets of names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from apimachinery import names
from apimachinery.field import ErrorList, Errors, Path, invalid, required
from apimachinery.metadata import IMMUTABLE
from apimachinery.objects import Object, get_path, name_of, namespace_of
from apiserver.registry.strategies.checks import matches, same
from apiserver.registry.strategies.podspec.defaults import fill_absent
from apiserver.registry.strategies.tables import UNKNOWN, since
from apiserver.registry.strategy import Column, Strategy

_LIMITS = {"reportingInstance": 128, "action": 128, "reason": 128, "message": 1024}
"""In bytes, though upstream calls them characters."""
_TIMES = ("firstTimestamp", "lastTimestamp", "eventTime")
_INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
_NEW_FIELD_NAMES = {
    **{f"regarding.{field}": f"involvedObject.{field}" for field in _INVOLVED},
    "reason": "reason",
    "reportingController": "reportingComponent",
    "source": "source",
    "type": "type",
}
_REPORTER = "reportingController"
_FIXED_AFTER_CREATE = {
    "involvedObject": None,
    "reason": "",
    "message": "",
    "source": None,
    "firstTimestamp": None,
    "lastTimestamp": None,
    "count": 0,
    "type": "",
    "eventTime": None,
    "action": "",
    "related": None,
    "reportingComponent": "",
    "reportingInstance": "",
}
"""In upstream's order, each with what it is told as when it is not there."""


class EventStrategy(Strategy):
    """The store keeps core/v1's form; `is_new` tells that a request spoke events.k8s.io/v1."""

    name_check = staticmethod(names.is_path_segment)
    error_kind = "Event"
    has_status = False
    tracks_generation = False
    allow_create_on_update = True
    columns: Sequence[Column] = (
        *(Column(name) for name in ("Last Seen", "Type", "Reason", "Object")),
        Column("Subobject", priority=1),
        Column("Source", priority=1),
        Column("Message"),
        Column("First Seen", priority=1),
        Column("Count", priority=1),
        Column("Name", format="name", priority=1),
    )

    def __init__(self, *, is_new: bool = False) -> None:
        self._is_new = is_new
        self.field_names = _NEW_FIELD_NAMES if is_new else {}

    def default(self, obj: Object) -> None:
        fill_absent(
            obj, {"involvedObject": {}, "source": {}, "reportingComponent": "", "reportingInstance": ""}
        )
        for field in _TIMES:
            obj.setdefault(field, None)

    def validate(self, obj: Object) -> ErrorList:
        errors = self._validate_always(obj)
        return [*errors, *_validate_new(obj)] if self._is_new else errors

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        errors = self._validate_always(new)
        if not self._is_new:
            return errors
        if not same(new.get("series"), old.get("series")):
            errors += _validate_series(new)
        for field, nothing in _FIXED_AFTER_CREATE.items():
            now, before = (obj.get(field) or nothing for obj in (new, old))
            if not same(now, before):
                shown = _REPORTER if field == "reportingComponent" else field
                errors.append(invalid(Path(shown), now, IMMUTABLE))
        return errors

    def _validate_always(self, obj: Object) -> ErrorList:
        if not obj.get("eventTime"):
            return [*_validate_namespace(obj)]
        return [*_validate_timed(obj, _REPORTER if self._is_new else "reportingComponent")]

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        involved = obj.get("involvedObject") or {}
        source = (obj.get("source") or {}).get("component") or obj.get("reportingComponent") or ""
        return {
            **{f"involvedObject.{field}": involved.get(field) or "" for field in _INVOLVED},
            "reason": obj.get("reason") or "",
            "reportingComponent": obj.get("reportingComponent") or "",
            "source": source,
            "type": obj.get("type") or "",
        }

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        involved = obj.get("involvedObject") or {}
        kind, series = (involved.get("kind") or "").lower(), obj.get("series") or {}
        first = obj.get("firstTimestamp") or obj.get("eventTime")
        last = series.get("lastObservedTime") or obj.get("lastTimestamp") or first
        return [
            since(last, now) if last else UNKNOWN,
            obj.get("type") or "",
            obj.get("reason") or "",
            f"{kind}/{involved['name']}" if involved.get("name") else kind,
            involved.get("fieldPath") or "",
            _source_text(obj),
            (obj.get("message") or "").strip(),
            since(first, now) if first else UNKNOWN,
            series.get("count") or obj.get("count") or 1,
            name_of(obj),
        ]


def _source_text(event: Object) -> str:
    source = event.get("source") or {}
    component = source.get("component") or event.get("reportingComponent") or ""
    host = source.get("host") or event.get("reportingInstance") or ""
    return f"{component}, {host}" if host else component


def _validate_namespace(event: Object) -> Errors:
    namespace, involved = namespace_of(event), get_path(event, "involvedObject.namespace", "")
    agrees = namespace == involved if involved else namespace in ("", "default")
    if not agrees:
        detail = "does not match event.namespace"
        yield invalid(Path("involvedObject", "namespace"), involved, detail)


def _validate_timed(event: Object, reporter: str) -> Errors:
    """What is demanded of an event with an eventTime, in whatever form."""
    involved = get_path(event, "involvedObject.namespace", "")
    if not involved and namespace_of(event) not in ("default", "kube-system"):
        yield invalid(Path("involvedObject", "namespace"), involved, "does not match event.namespace")
    name = event.get("reportingComponent") or ""
    if not name:
        yield required(Path(reporter))
    yield from matches(name, Path(reporter), names.is_qualified_name)
    for field, limit in _LIMITS.items():
        value, at = event.get(field) or "", Path(field)
        if not value and field != "message":
            yield required(at)
        if len(value.encode()) > limit:
            yield invalid(at, "", f"can have at most {limit} characters")


def _validate_new(event: Object) -> Errors:
    """What events.k8s.io/v1 demands of a new event, beyond that."""
    yield from _validate_series(event)
    if not event.get("eventTime"):
        yield required(Path("eventTime"))
    if event.get("type") not in ("Normal", "Warning"):
        yield invalid(Path("type"), "", f"has invalid value: {event.get('type') or ''}")
    for field in ("firstTimestamp", "lastTimestamp", "count", "source"):
        if event.get(field):
            yield invalid(Path(field), "", "needs to be unset")


def _validate_series(event: Object) -> Errors:
    series = event.get("series")
    if series is None:
        return
    if (series.get("count") or 0) < 2:
        yield invalid(Path("series", "count"), "", "should be at least 2")
    if not series.get("lastObservedTime"):
        yield required(Path("series", "lastObservedTime"))
