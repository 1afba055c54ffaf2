"""podFailurePolicy and successPolicy of a Job.

Source: upstream's pkg/apis/batch/validation/validation.go, and v1/defaults.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from apimachinery.field import OMITTED, Errors, Path, duplicate, invalid, required, too_long, too_many
from apimachinery.objects import Object
from apiserver.registry.strategies.checks import non_negative, one_of, qualified_name
from apiserver.registry.strategies.podspec.defaults import fill

_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
_OPERATORS = ("In", "NotIn")
_STATUSES = ("False", "True", "Unknown")
_MAX_RULES = 20
_MAX_CODES = 255
_MAX_INDEXES_TEXT = 64 * 1024
_TWO_PARTS = "violates the requirement that an index interval can have at most two parts separated by '-'"


def default_failure_policy(spec: Object) -> None:
    for rule in (spec.get("podFailurePolicy") or {}).get("rules") or ():
        for pattern in rule.get("onPodConditions") or ():
            fill(pattern, {"status": "True"})


def validate_failure_policy(spec: Object, path: Path) -> Errors:
    rules, at = spec["podFailurePolicy"].get("rules") or [], path.child("rules")
    if len(rules) > _MAX_RULES:
        yield too_many(at, len(rules), _MAX_RULES)
    for number, rule in enumerate(rules):
        yield from _failure_rule(spec, rule, at.index(number))


def _failure_rule(spec: Object, rule: Object, path: Path) -> Errors:
    action, at = rule.get("action") or "", path.child("action")
    if action == "FailIndex" and spec.get("backoffLimitPerIndex") is None:
        yield invalid(at, action, "requires the backoffLimitPerIndex to be set")
    yield from _choice(action, at, _ACTIONS)
    codes, conditions = rule.get("onExitCodes"), rule.get("onPodConditions") or []
    if codes is not None:
        yield from _exit_codes(codes, path.child("onExitCodes"), _container_names(spec))
    yield from _pod_conditions(conditions, path.child("onPodConditions"))
    if codes is not None and conditions:
        detail = "specifying both OnExitCodes and OnPodConditions is not supported"
        yield invalid(path, OMITTED, detail)
    if codes is None and not conditions:
        yield invalid(path, OMITTED, "specifying one of OnExitCodes and OnPodConditions is required")


def _choice(value: str, path: Path, allowed: Sequence[str]) -> Errors:
    """As one_of; what is missing is told along with what there could be."""
    if value:
        yield from one_of(value, path, allowed)
    else:
        listed = " ".join(f'"{each}"' for each in allowed)
        yield required(path, f"valid values: [{listed}]")


def _container_names(spec: Object) -> set[str]:
    template = (spec.get("template") or {}).get("spec") or {}
    containers = [*(template.get("containers") or ()), *(template.get("initContainers") or ())]
    return {each.get("name") or "" for each in containers}


def _exit_codes(requirement: Object, path: Path, containers: set[str]) -> Errors:
    operator = requirement.get("operator") or ""
    yield from _choice(operator, path.child("operator"), _OPERATORS)
    name = requirement.get("containerName")
    if name is not None and name not in containers:
        detail = "must be one of the container or initContainer names in the pod template"
        yield invalid(path.child("containerName"), name, detail)
    yield from _codes(requirement.get("values") or [], operator, path.child("values"))


def _codes(codes: Sequence[int], operator: str, path: Path) -> Errors:
    if not codes:
        yield invalid(path, codes, "at least one value is required")
    elif len(codes) > _MAX_CODES:
        yield too_many(path, len(codes), _MAX_CODES)
    for number, code in enumerate(codes):
        if operator == "In" and code == 0:
            yield invalid(path.index(number), code, "must not be 0 for the In operator")
        if code in codes[:number]:
            yield duplicate(path.index(number), code)
    if list(codes) != sorted(codes):
        yield invalid(path, codes, "must be ordered")


def _pod_conditions(patterns: Sequence[Object], path: Path) -> Errors:
    if len(patterns) > _MAX_RULES:
        yield too_many(path, len(patterns), _MAX_RULES)
    for number, pattern in enumerate(patterns):
        at = path.index(number)
        yield from qualified_name(pattern.get("type") or "", at.child("type"))
        yield from _choice(pattern.get("status") or "", at.child("status"), _STATUSES)


def validate_success_policy(spec: Object, path: Path) -> Errors:
    rules, at = spec["successPolicy"].get("rules") or [], path.child("rules")
    if not rules:
        yield required(at, "at least one rules must be specified when the successPolicy is specified")
    if len(rules) > _MAX_RULES:
        yield too_many(at, len(rules), _MAX_RULES)
    for number, rule in enumerate(rules):
        yield from _success_rule(rule, spec.get("completions") or 0, at.index(number))


def _success_rule(rule: Object, completions: int, path: Path) -> Errors:
    indexes, count = rule.get("succeededIndexes"), rule.get("succeededCount")
    if indexes is None and count is None:
        yield required(path, "at least one of succeededCount or succeededIndexes must be specified")
    total = completions
    if indexes is not None:
        at = path.child("succeededIndexes")
        if len(indexes) > _MAX_INDEXES_TEXT:
            yield too_long(at, indexes, _MAX_INDEXES_TEXT)
        total, wrong = _count_indexes(indexes, completions)
        if wrong:
            yield invalid(at, indexes, f"error parsing succeededIndexes: {wrong}")
    at = path.child("succeededCount")
    yield from non_negative(count, at)
    for limit, what in (
        (completions, "the number of specified completions"),
        (total, "the number of indexes in the specified succeededIndexes field"),
    ):
        if count is not None and count > limit and (indexes is not None or limit is completions):
            yield invalid(at, count, f"must be less than or equal to {limit} ({what})")


def _count_indexes(text: str, completions: int) -> tuple[int, str]:
    """How many indexes `0,3-5` names, and what is wrong with it."""
    total, last = 0, -1
    for part in text.split(",") if text else ():
        bounds = part.split("-")
        if len(bounds) > 2:
            return 0, f'the fragment "{part}" {_TWO_PARTS}'
        for bound in bounds:
            if not bound.isdigit():
                return 0, f'cannot convert string to integer for index: "{bound}"'
            if int(bound) >= completions:
                return 0, f'too large index: "{bound}"'
            if int(bound) <= last:
                return 0, f"non-increasing order, previous: {last}, current: {int(bound)}"
            last = int(bound)
        total += int(bounds[-1]) - int(bounds[0]) + 1
    return total, ""
