"""APIServices: who serves a version of a group.

Source: pkg/apis/apiregistration/validation and pkg/registry/apiservice of k8s.io/kube-aggregator 1.34.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apimachinery import names
from apimachinery.conditions import condition_of
from apimachinery.field import ErrorList, Errors, Path, invalid, not_supported, required
from apimachinery.objects import Object
from apimachinery.times import format_time
from apiserver.registry.strategies.podspec.defaults import fill_absent
from apiserver.registry.strategies.tables import age, columns
from apiserver.registry.strategy import Column, Rollback, Strategy, WriteContext, nothing_to_undo

_SPEC = Path("spec")
_STATUSES = ("False", "True", "Unknown")
LOCAL: Object = {
    "type": "Available",
    "status": "True",
    "reason": "Local",
    "message": "Local APIServices are always available",
}
"""The condition of what this server serves itself."""


class APIServiceStrategy(Strategy):
    name_check = staticmethod(names.is_path_segment)
    tracks_generation = False
    allow_unconditional_update = False
    status_resets = ("spec", "metadata")
    columns: Sequence[Column] = columns(
        Column("Service", description="The reference to the service that hosts this API endpoint."),
        Column("Available", description="Whether this service is available."),
    )

    def default(self, obj: Object) -> None:
        service = obj.setdefault("spec", {}).get("service")
        if service:
            fill_absent(service, {"port": 443})

    def prepare_for_create(self, obj: Object) -> None:
        obj["status"] = {}

    async def begin_create(self, ctx: WriteContext, obj: Object) -> Rollback:
        """Nobody need ask whether this server itself is there."""
        if not (obj.get("spec") or {}).get("service"):
            obj["status"] = {"conditions": [{**LOCAL, "lastTransitionTime": format_time(ctx.now())}]}
        return nothing_to_undo

    def validate(self, obj: Object) -> ErrorList:
        spec = obj.get("spec") or {}
        return [*_validate_name(obj, spec), *_validate_spec(spec)]

    def validate_status_update(self, new: Object, old: Object) -> ErrorList:
        conditions = (new.get("status") or {}).get("conditions") or ()
        at = Path("status", "conditions")
        return [
            not_supported(at.index(index).child("status"), each.get("status") or "", _STATUSES)
            for index, each in enumerate(conditions)
            if each.get("status") not in _STATUSES
        ]

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        service = (obj.get("spec") or {}).get("service")
        shown = f"{service['namespace']}/{service['name']}" if service else "Local"
        return [obj["metadata"]["name"], shown, _availability(obj), age(obj, now)]


def _availability(obj: Object) -> str:
    condition = condition_of(obj, "Available")
    if condition is None:
        return "Unknown"
    status, reason = str(condition["status"]), condition.get("reason")
    return f"{status} ({reason})" if reason and status != "True" else status


def _validate_name(obj: Object, spec: Object) -> Errors:
    name = obj["metadata"].get("name") or ""
    wanted = f"{spec.get('version') or ''}.{spec.get('group') or ''}"
    if name != wanted:
        text = f'must be `spec.version+"."+spec.group`: "{wanted}"'
        yield invalid(Path("metadata", "name"), name, text)


def _validate_spec(spec: Object) -> Errors:
    group, version = spec.get("group") or "", spec.get("version") or ""
    if not group and version != "v1":
        text = "only v1 may have an empty group and it better be legacy kube"
        yield required(_SPEC.child("group"), text)
    if group:
        for text in names.is_dns1123_subdomain(group):
            yield invalid(_SPEC.child("group"), group, text)
    for text in names.is_dns1035_label(version):
        yield invalid(_SPEC.child("version"), version, text)
    for field, most in (("groupPriorityMinimum", 20000), ("versionPriority", 1000)):
        value = spec.get(field) or 0
        if not 0 < value <= most:
            yield invalid(_SPEC.child(field), value, f"must be positive and less than {most}")
    if spec.get("service") is None:
        yield from _validate_local(spec)
    else:
        yield from _validate_remote(spec, spec["service"])


def _validate_local(spec: Object) -> Errors:
    bundle = spec.get("caBundle")
    if bundle:
        shown = f"{len(bundle)} bytes"
        yield invalid(_SPEC.child("caBundle"), shown, "local APIServices may not have a caBundle")
    if spec.get("insecureSkipTLSVerify"):
        text = "local APIServices may not have insecureSkipTLSVerify"
        yield invalid(_SPEC.child("insecureSkipTLSVerify"), value=True, detail=text)


def _validate_remote(spec: Object, service: Object) -> Errors:
    at = _SPEC.child("service")
    for field in ("namespace", "name"):
        if not service.get(field):
            yield required(at.child(field))
    wrong = names.is_valid_port_num(service.get("port") or 0)
    if wrong:
        yield invalid(at.child("port"), service.get("port") or 0, f"port is not valid: {', '.join(wrong)}")
    if spec.get("insecureSkipTLSVerify") and spec.get("caBundle"):
        where = _SPEC.child("insecureSkipTLSVerify")
        yield invalid(where, value=True, detail="may not be true if caBundle is present")
