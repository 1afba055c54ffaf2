"""ResourceQuotas and LimitRanges: how much a namespace and what is in it may have."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from apimachinery.field import ErrorList, Errors, Path, duplicate, forbidden, invalid, required
from apimachinery.objects import Object, get_path
from apimachinery.quantity import Quantity
from apiserver.registry.strategies.checks import qualified_name, quantity_of
from apiserver.registry.strategies.podspec.defaults import canonical_amounts
from apiserver.registry.strategies.podspec.resources import (
    amounts,
    container_resource_name,
    is_overcommit_allowed,
    is_standard_quota,
    quota_resource_name,
    resource_name,
)
from apiserver.registry.strategies.tables import age, columns
from apiserver.registry.strategy import Column, Strategy

_SPEC, _STATUS = Path("spec"), Path("status")
_SCOPES = (
    "Terminating",
    "NotTerminating",
    "BestEffort",
    "NotBestEffort",
    "PriorityClass",
    "CrossNamespacePodAffinity",
    "VolumeAttributesClass",
)
_COMPUTE = {"cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"}
_CONFLICTS = ({"BestEffort", "NotBestEffort"}, {"Terminating", "NotTerminating"})
_ONLY_EXISTS = (
    "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
    "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or "
    "ResourceQuotaScopeCrossNamespacePodAffinity"
)
_LIMIT_FIELDS = ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")


class ResourceQuotaStrategy(Strategy):
    tracks_generation = False
    columns: Sequence[Column] = columns("Request", "Limit")

    def default(self, obj: Object) -> None:
        obj.setdefault("spec", {})
        obj.setdefault("status", {})
        canonical_amounts(obj["spec"], "hard")
        canonical_amounts(obj["status"], "hard", "used")

    def prepare_for_create(self, obj: Object) -> None:
        obj["status"] = {}

    def validate(self, obj: Object) -> ErrorList:
        return list(_validate_quota(obj.get("spec") or {}))

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        errors = self.validate(new)
        scopes = get_path(new, "spec.scopes", [])
        if set(scopes) != set(get_path(old, "spec.scopes", [])):
            errors.append(invalid(_SPEC.child("scopes"), scopes, "field is immutable"))
        return errors

    def validate_status_update(self, new: Object, old: Object) -> ErrorList:
        status = new.get("status") or {}
        return [
            error
            for field in ("hard", "used")
            for error in amounts(status.get(field), _STATUS.child(field), quota_resource_name)
        ]

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        hard, used = get_path(obj, "status.hard", {}), get_path(obj, "status.used", {})
        shown = {name: f"{name}: {used.get(name) or '0'}/{hard[name]}" for name in sorted(hard)}
        limits = [text for name, text in shown.items() if name.startswith("limits.")]
        requests = [text for name, text in shown.items() if not name.startswith("limits.")]
        return [obj["metadata"]["name"], ", ".join(requests), ", ".join(limits), age(obj, now)]


def _validate_quota(spec: Object) -> Errors:
    hard, scopes, at = spec.get("hard") or {}, spec.get("scopes") or [], _SPEC.child("scopes")
    yield from amounts(hard, _SPEC.child("hard"), quota_resource_name)
    standard = [name for name in hard if is_standard_quota(name)]
    for scope in scopes:
        if scope not in _SCOPES:
            yield invalid(at, scopes, "unsupported scope")
        for name in standard:
            if not _is_countable(scope, name):
                yield invalid(at, scopes, "unsupported scope applied to resource")
    yield from _conflicts(scopes, scopes, at)
    selector = spec.get("scopeSelector")
    if selector is not None:
        yield from _scope_selector(
            selector, standard, scopes, _SPEC.child("scopeSelector", "matchExpressions")
        )


def _is_countable(scope: str, name: str) -> bool:
    if scope == "BestEffort":
        return name == "pods"
    if scope == "VolumeAttributesClass":
        return name in ("persistentvolumeclaims", "requests.storage")
    return scope not in _SCOPES or name == "pods" or name in _COMPUTE


def _conflicts(scopes: Collection[str], shown: Sequence[str], path: Path) -> Errors:
    for pair in _CONFLICTS:
        if pair <= set(scopes):
            yield invalid(path, shown, "conflicting scopes")


def _scope_selector(selector: Object, standard: Sequence[str], scopes: Sequence[str], path: Path) -> Errors:
    """`standard` are the quotas that have names of their own."""
    named = []
    for requirement in selector.get("matchExpressions") or ():
        scope, operator = requirement.get("scopeName") or "", requirement.get("operator") or ""
        values = requirement.get("values") or []
        named.append(scope)
        if scope not in _SCOPES:
            yield invalid(path.child("scopeName"), scope, "unsupported scope")
        for name in standard:
            if not _is_countable(scope, name):
                yield invalid(path, selector, "unsupported scope applied to resource")
        only_exists = scope in _SCOPES and scope not in ("PriorityClass", "VolumeAttributesClass")
        if only_exists and operator != "Exists":
            yield invalid(path.child("operator"), operator, _ONLY_EXISTS)
        yield from _scope_operator(operator, values, path)
    yield from _conflicts(named, scopes, path)


def _scope_operator(operator: str, values: Sequence[str], path: Path) -> Errors:
    if operator in ("In", "NotIn"):
        if not values:
            detail = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
            yield required(path.child("values"), detail)
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
            yield invalid(path.child("values"), values, detail)
    else:
        yield invalid(path.child("operator"), operator, "not a valid selector operator")


class LimitRangeStrategy(Strategy):
    has_status = False
    allow_create_on_update = True
    tracks_generation = False

    def default(self, obj: Object) -> None:
        obj.setdefault("spec", {}).setdefault("limits", None)
        for limit in get_path(obj, "spec.limits", ()):
            canonical_amounts(limit, *_LIMIT_FIELDS)
            if limit.get("type") == "Container":
                _default_limit(limit)

    def prepare_for_create(self, obj: Object) -> None:
        """One without a name is called by a UID."""
        if not obj["metadata"].get("name"):
            obj["metadata"]["name"] = obj["metadata"]["uid"]

    def validate(self, obj: Object) -> ErrorList:
        seen: set[str] = set()
        errors: ErrorList = []
        for index, limit in enumerate(get_path(obj, "spec.limits", ())):
            at, sort = _SPEC.child("limits").index(index), limit.get("type") or ""
            errors += _limit_type(sort, at.child("type"))
            if sort in seen:
                errors.append(duplicate(at.child("type"), sort))
            seen.add(sort)
            errors += _validate_limit(limit, sort, at)
        return errors


def _default_limit(limit: Object) -> None:
    """The default limit is the maximum, the default request the default limit, else the minimum."""
    default = {**(limit.get("max") or {}), **(limit.get("default") or {})}
    request = {**(limit.get("min") or {}), **default, **(limit.get("defaultRequest") or {})}
    if default:
        limit["default"] = default
    if request:
        limit["defaultRequest"] = request


def _limit_type(sort: str, path: Path) -> Errors:
    wrong = list(qualified_name(sort, path))
    if not wrong and "/" not in sort and sort not in ("Pod", "Container", "PersistentVolumeClaim"):
        wrong = [invalid(path, sort, "must be a standard limit type or fully qualified")]
    return wrong


def _validate_limit(limit: Object, sort: str, path: Path) -> Errors:
    check = container_resource_name if sort in ("Pod", "Container") else resource_name
    parsed: dict[str, dict[str, Quantity]] = {}
    for field in _LIMIT_FIELDS:
        given = limit.get(field) or {}
        if sort == "Pod" and field in ("default", "defaultRequest"):
            if given:
                yield forbidden(path.child(field), "may not be specified when `type` is 'Pod'")
            continue
        for name in given:
            yield from check(name, path.child(field).key(name))
        parsed[field] = {name: quantity_of(value) for name, value in given.items()}
    if sort == "PersistentVolumeClaim" and not {"storage"} & (parsed["min"].keys() | parsed["max"].keys()):
        detail = "either minimum or maximum storage value is required, but neither was provided"
        yield required(path.child("limits"), detail)
    for name in sorted({name for values in parsed.values() for name in values}):
        yield from _agree(name, {field: values.get(name) for field, values in parsed.items()}, path)


_ORDER = (
    # lesser, greater, the field that is blamed, the value shown, the words
    ("min", "max", "min", "min", "min value {} is greater than max value {}"),
    ("min", "defaultRequest", "defaultRequest", "defaultRequest",
     "min value {} is greater than default request value {}"),
    ("defaultRequest", "max", "defaultRequest", "defaultRequest",
     "default request value {} is greater than max value {}"),
    ("defaultRequest", "default", "defaultRequest", "defaultRequest",
     "default request value {} is greater than default limit value {}"),
    ("min", "default", "default", "min", "min value {} is greater than default value {}"),
    ("default", "max", "default", "max", "default value {} is greater than max value {}"),
)  # fmt: skip


def _agree(name: str, values: Mapping[str, Quantity | None], path: Path) -> Errors:
    for lesser, greater, blamed, shown, words in _ORDER:
        low, high = values.get(lesser), values.get(greater)
        if low is not None and high is not None and low > high:
            yield invalid(path.child(blamed).key(name), str(values[shown]), words.format(low, high))
    yield from _ratio(values, path.child("maxLimitRequestRatio").key(name))
    default, request = values.get("default"), values.get("defaultRequest")
    if not is_overcommit_allowed(name) and default is not None and request not in (None, default):
        detail = f"default value {default} must equal to defaultRequest value {request} in {name}"
        yield invalid(path.child("defaultRequest").key(name), str(request), detail)


def _ratio(values: Mapping[str, Quantity | None], path: Path) -> Errors:
    ratio, low, high = values.get("maxLimitRequestRatio"), values.get("min"), values.get("max")
    if ratio is None:
        return
    if ratio < Quantity.parse(1):
        yield invalid(path, str(ratio), f"ratio {ratio} is less than 1")
    if low is not None and high is not None and low.milli_value():
        bound = high.milli_value() / low.milli_value()
        if ratio.milli_value() / 1000 > bound:
            yield invalid(path, str(ratio), f"ratio {ratio} is greater than max/min = {bound:f}")
