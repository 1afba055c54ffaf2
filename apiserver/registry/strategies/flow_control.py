"""FlowSchemas and PriorityLevelConfigurations.

Source: pkg/apis/flowcontrol/validation of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apimachinery import names
from apimachinery.field import ErrorList, Errors, Path, forbidden, invalid, not_supported, required
from apimachinery.objects import Object, get_path, name_of
from apiserver.bootstrap.flow_control import mandatory
from apiserver.registry.strategies.checks import dns_label, matches
from apiserver.registry.strategies.podspec.defaults import fill, fill_absent
from apiserver.registry.strategies.tables import NONE, age, columns
from apiserver.registry.strategies.workloads import SPEC
from apiserver.registry.strategy import AGE_COLUMN, NAME_COLUMN, Column, Strategy

_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch")
_METHODS = ("ByNamespace", "ByUser")
_SUBJECTS = {"Group": "group", "ServiceAccount": "serviceAccount", "User": "user"}
_MOST_QUEUES = 10_000_000
_MOST_PRECEDENCE = 10_000
_ENTROPY_BITS = 60
_NAMESPACES = "each member of this list must be '*' or a DNS-1123 label; "
_FIXED = {(each.obj["kind"], name_of(each.obj)): each.obj["spec"] for each in mandatory()}


def _precedence(schema: Object) -> tuple[int, str]:
    """Of two that match, the first one counts."""
    return get_path(schema, "spec.matchingPrecedence", 0), name_of(schema)


class FlowSchemaStrategy(Strategy):
    status_resets = ("spec", "metadata")
    columns: Sequence[Column] = (
        NAME_COLUMN,
        Column("PriorityLevel"),
        Column("MatchingPrecedence"),
        Column("DistinguisherMethod"),
        AGE_COLUMN,
        Column("MissingPL"),
    )
    row_order = staticmethod(_precedence)

    def default(self, obj: Object) -> None:
        fill(obj.setdefault("spec", {}), {"matchingPrecedence": 1000})

    def prepare_for_create(self, obj: Object) -> None:
        obj["status"] = {}

    def validate(self, obj: Object) -> ErrorList:
        return [*_validate_schema(obj), *_must_stay(obj)]

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        spec = obj.get("spec") or {}
        conditions = get_path(obj, "status.conditions", ())
        dangling = next((each["status"] for each in conditions if each.get("type") == "Dangling"), "?")
        return [
            name_of(obj),
            get_path(spec, "priorityLevelConfiguration.name", ""),
            spec.get("matchingPrecedence") or 0,
            get_path(spec, "distinguisherMethod.type", NONE),
            age(obj, now),
            dangling,
        ]


class PriorityLevelStrategy(Strategy):
    status_resets = ("spec", "metadata")
    columns: Sequence[Column] = columns(
        "Type", "NominalConcurrencyShares", "Queues", "HandSize", "QueueLengthLimit"
    )

    def default(self, obj: Object) -> None:
        spec = obj.get("spec") or {}
        if spec.get("exempt") is not None:
            fill_absent(spec["exempt"], {"nominalConcurrencyShares": 0, "lendablePercent": 0})
        if spec.get("limited") is not None:
            limited = spec["limited"]
            fill_absent(limited, {"nominalConcurrencyShares": 30, "lendablePercent": 0})
            queuing = (limited.get("limitResponse") or {}).get("queuing")
            if queuing is not None:
                fill(queuing, {"queues": 64, "handSize": 8, "queueLengthLimit": 50})

    def prepare_for_create(self, obj: Object) -> None:
        obj["status"] = {}

    def validate(self, obj: Object) -> ErrorList:
        return [*_validate_level(obj), *_must_stay(obj)]

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        spec = obj.get("spec") or {}
        section = spec.get("limited") or {}
        queuing = get_path(section, "limitResponse.queuing", {})
        numbers = (queuing.get(name) for name in ("queues", "handSize", "queueLengthLimit"))
        return [
            name_of(obj),
            spec.get("type") or "",
            section.get("nominalConcurrencyShares", NONE),
            *(NONE if each is None else each for each in numbers),
            age(obj, now),
        ]


def _must_stay(obj: Object) -> Errors:
    """The mandatory objects' specs are what they are, shares and loans aside."""
    fixed = _FIXED.get((obj.get("kind") or "", name_of(obj)))
    if fixed is None:
        return
    spec = obj.get("spec") or {}
    aside = ""
    if fixed.get("type") == "Exempt":
        spec, aside = {**spec, "exempt": fixed["exempt"]}, " except the 'spec.exempt' field"
    if spec != fixed:
        yield invalid(SPEC, obj.get("spec"), f"spec of '{name_of(obj)}'{aside} must equal the fixed value")


def _validate_schema(obj: Object) -> Errors:
    spec = obj.get("spec") or {}
    precedence, at = spec.get("matchingPrecedence") or 0, SPEC.child("matchingPrecedence")
    if precedence <= 0:
        yield invalid(at, precedence, "must be a positive value")
    if precedence > _MOST_PRECEDENCE:
        yield invalid(at, precedence, f"must not be greater than {_MOST_PRECEDENCE}")
    if precedence == 1 and name_of(obj) != "exempt":
        yield invalid(at, precedence, "only the schema named 'exempt' may have matchingPrecedence 1")
    method = spec.get("distinguisherMethod")
    if method is not None and method.get("type") not in _METHODS:
        shown = {"Type": method.get("type") or ""}  # as upstream's internal type is written
        yield not_supported(SPEC.child("distinguisherMethod", "type"), shown, _METHODS)
    level, at = (
        get_path(spec, "priorityLevelConfiguration.name"),
        SPEC.child("priorityLevelConfiguration", "name"),
    )
    if level:
        yield from matches(level, at, names.is_dns1123_subdomain)
    else:
        yield required(at, "must reference a priority level")
    for index, rule in enumerate(spec.get("rules") or ()):
        yield from _validate_rule(rule, SPEC.child("rules").index(index))


def _validate_rule(rule: Object, path: Path) -> Errors:
    if not rule.get("subjects"):
        yield required(path.child("subjects"), "subjects must contain at least one value")
    for index, subject in enumerate(rule.get("subjects") or ()):
        yield from _validate_subject(subject, path.child("subjects").index(index))
    if not rule.get("resourceRules") and not rule.get("nonResourceRules"):
        yield required(path, "at least one of resourceRules and nonResourceRules has to be non-empty")
    for index, each in enumerate(rule.get("resourceRules") or ()):
        yield from _validate_resource_rule(each, path.child("resourceRules").index(index))
    for index, each in enumerate(rule.get("nonResourceRules") or ()):
        yield from _validate_path_rule(each, path.child("nonResourceRules").index(index))


def _validate_subject(subject: Object, path: Path) -> Errors:
    kind = subject.get("kind") or ""
    if kind not in _SUBJECTS:
        yield not_supported(path.child("kind"), kind, [*_SUBJECTS])
        return
    field = _SUBJECTS[kind]
    at, named = path.child(field), subject.get(field)
    if named is None:
        yield required(at, f"{field} is required when subject kind is '{kind}'")
    elif not named.get("name"):
        yield required(at.child("name"))
    if kind == "ServiceAccount" and named is not None:
        yield from _validate_account(named, at)
    for other, other_field in _SUBJECTS.items():
        if other != kind and subject.get(other_field) is not None:
            text = f"{other_field} is forbidden when subject kind is not '{other}'"
            yield forbidden(path.child(other_field), text)


def _validate_account(named: Object, path: Path) -> Errors:
    """The name may be `*`, the namespace may not."""
    name, namespace = named.get("name"), named.get("namespace")
    if name and name != "*":
        yield from matches(name, path.child("name"), names.is_dns1123_subdomain)
    if namespace:
        yield from dns_label(namespace, path.child("namespace"))
    else:
        yield required(path.child("namespace"), "must specify namespace for service account")


def _validate_verbs(rule: Object, path: Path) -> Errors:
    verbs, at = rule.get("verbs") or [], path.child("verbs")
    if not verbs:
        yield required(at, "verbs must contain at least one value")
    elif "*" in verbs:
        yield from _alone(verbs, at, "verbs")
    elif not set(verbs) <= set(_VERBS):
        yield not_supported(at, verbs, _VERBS)


def _alone(values: Sequence[str], path: Path, what: str) -> Errors:
    if "*" in values and len(values) > 1:
        yield invalid(path, values, f"if '*' is present, must not specify other {what}")


def _validate_resource_rule(rule: Object, path: Path) -> Errors:
    yield from _validate_verbs(rule, path)
    for field, one, many in (
        ("apiGroups", "api group", "api groups"),
        ("resources", "resource", "resources"),
    ):
        if not rule.get(field):
            yield required(path.child(field), f"resource rules must supply at least one {one}")
        yield from _alone(rule.get(field) or (), path.child(field), many)
    namespaces, at = rule.get("namespaces") or [], path.child("namespaces")
    if not namespaces and not rule.get("clusterScope"):
        text = "resource rules that are not cluster scoped must supply at least one namespace"
        yield required(at, text)
    elif "*" in namespaces:
        yield from _alone(namespaces, at, "namespaces")
    else:
        for index, namespace in enumerate(namespaces):
            for problem in names.is_dns1123_label(namespace):
                yield invalid(at.index(index), namespace, f"{_NAMESPACES}{problem}")


def _validate_path_rule(rule: Object, path: Path) -> Errors:
    yield from _validate_verbs(rule, path)
    urls, at = rule.get("nonResourceURLs") or [], path.child("nonResourceURLs")
    if not urls:
        yield required(at, "nonResourceURLs must contain at least one value")
    elif "*" in urls:
        yield from _alone(urls, at, "non-resource URLs")
    else:
        for index, url in enumerate(urls):
            if problem := _problem_of_url(url):
                yield invalid(at.index(index), url, problem)


def _problem_of_url(url: str) -> str:
    if not url:
        return "must not be empty"
    if not url.startswith("/"):
        return "must start with slash"
    if " " in url:
        return "must not contain white-space"
    if "//" in url:
        return "must not contain double slash"
    if "*" in url.removesuffix("/*"):
        return "wildcard can only do suffix matching"
    return ""


def _validate_level(obj: Object) -> Errors:
    spec = obj.get("spec") or {}
    kind, name = spec.get("type") or "", name_of(obj)
    if (kind == "Exempt") != (name == "exempt"):
        text = "must be 'Exempt' if and only if `name` is 'exempt'"
        yield invalid(SPEC.child("type"), kind, text)
    if kind == "Exempt":
        if spec.get("limited") is not None:
            yield forbidden(SPEC.child("limited"), "must be nil if the type is not Limited")
        for check in (_validate_shares, _validate_loan):
            yield from check(spec.get("exempt") or {}, SPEC.child("exempt"))
    elif kind == "Limited":
        if spec.get("exempt") is not None:
            yield forbidden(SPEC.child("exempt"), "must be nil if the type is Limited")
        if spec.get("limited") is None:
            yield required(SPEC.child("limited"), "must not be empty when type is Limited")
        else:
            yield from _validate_limited(spec["limited"], SPEC.child("limited"))
    else:
        yield not_supported(SPEC.child("type"), kind, ("Exempt", "Limited"))


def _validate_shares(section: Object, path: Path) -> Errors:
    shares = section.get("nominalConcurrencyShares")
    if shares is not None and shares < 0:
        text = "must be a non-negative integer"
        yield invalid(path.child("nominalConcurrencyShares"), shares, text)


def _validate_loan(section: Object, path: Path) -> Errors:
    lendable = section.get("lendablePercent")
    if lendable is not None and not 0 <= lendable <= 100:
        yield invalid(path.child("lendablePercent"), lendable, "must be between 0 and 100, inclusive")


def _validate_limited(limited: Object, path: Path) -> Errors:
    """In upstream's order."""
    yield from _validate_shares(limited, path)
    yield from _validate_response(limited.get("limitResponse") or {}, path.child("limitResponse"))
    yield from _validate_loan(limited, path)
    borrowing = limited.get("borrowingLimitPercent")
    if borrowing is not None and borrowing < 0:
        text = "if specified, must be a non-negative integer"
        yield invalid(path.child("borrowingLimitPercent"), borrowing, text)


def _validate_response(response: Object, at: Path) -> Errors:
    kind, queuing = response.get("type") or "", response.get("queuing")
    if kind == "Reject" and queuing is not None:
        yield forbidden(at.child("queuing"), "must be nil if limited.limitResponse.type is not Limited")
    elif kind == "Queue" and queuing is None:
        yield required(at.child("queuing"), "must not be empty if limited.limitResponse.type is Limited")
    elif kind == "Queue":
        yield from _validate_queuing(queuing or {}, at.child("queuing"))
    elif kind != "Reject":
        yield not_supported(at.child("type"), kind, ("Queue", "Reject"))


def _validate_queuing(queuing: Object, path: Path) -> Errors:
    length, queues, hand = (queuing.get(name) or 0 for name in ("queueLengthLimit", "queues", "handSize"))
    if length <= 0:
        yield invalid(path.child("queueLengthLimit"), length, "must be positive")
    if queues <= 0:
        yield invalid(path.child("queues"), queues, "must be positive")
    elif queues > _MOST_QUEUES:
        yield invalid(path.child("queues"), queues, f"must not be greater than {_MOST_QUEUES}")
    if hand <= 0:
        yield invalid(path.child("handSize"), hand, "must be positive")
    elif hand > queues:
        text = f"should not be greater than queues ({queues})"
        yield invalid(path.child("handSize"), hand, text)
    elif _entropy(queues, hand) > _ENTROPY_BITS:
        text = (
            f"required entropy bits of deckSize {queues} and handSize {hand} should not be greater than "
            f"{_ENTROPY_BITS}"
        )
        yield invalid(path.child("handSize"), hand, text)


def _entropy(queues: int, hand: int) -> int:
    """Bits of the number of hands that there are."""
    hands = 1
    for dealt in range(hand):
        hands *= queues - dealt
    return (hands - 1).bit_length()
