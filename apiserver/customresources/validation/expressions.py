"""What the expressions of x-kubernetes-validations mean: whether they compile, and what they may cost.

Source: cel_validation.go of k8s.io/apiextensions-apiserver's pkg/apis/apiextensions/validation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from apimachinery.field import ErrorList, Errors, Path, forbidden, invalid
from apimachinery.objects import Object
from apiserver.cel.shapes import MAX_REQUEST
from apiserver.customresources.rules.compiling import Rule, RuleError, compile_rules
from apiserver.customresources.rules.places import smallest, type_of, with_type_and_metadata
from apiserver.customresources.schema.structural import VALIDATIONS, Structural

RULE_LIMIT = 10_000_000
SCHEMA_LIMIT = 100_000_000
_MOST_SHOWN = 4


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a schema rules stand."""

    path: Path
    times: int | None = 1
    """How often the place may be in an object; None if nothing above says."""
    uncorrelatable: Path | None = None
    """The list above whose items can't be told from those that were there before."""


class _Costs:
    """What all rules of a schema may cost together."""

    def __init__(self) -> None:
        self.total = 0
        self.of_rules: list[tuple[int, Path]] = []

    def add(self, cost: int, path: Path) -> None:
        self.total += cost
        if cost >= SCHEMA_LIMIT // 100:
            self.of_rules.append((cost, path))


def validate_expressions(schema: Structural, path: Path) -> ErrorList:
    """`schema` is a structural one that is good in all other respects, `path` its place."""
    costs = _Costs()
    errors = list(_validate(schema, _Place(path), costs))
    if costs.total > SCHEMA_LIMIT:
        detail = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema"
        dearest = sorted(costs.of_rules, key=lambda each: -each[0])[:_MOST_SHOWN]
        errors += [forbidden(at, detail) for _, at in dearest]
        what = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema"
        errors.append(forbidden(path, _too_expensive(what, costs.total, SCHEMA_LIMIT)))
    return errors


def _validate(schema: Structural, place: _Place, costs: _Costs) -> Errors:
    if not schema.has_rules or type_of(schema) is None:
        return
    seen = with_type_and_metadata(schema) if schema.is_resource else schema
    raw = schema.raw.get(VALIDATIONS) or []
    for index, rule in enumerate(compile_rules(raw, seen)):
        at = place.path.child(VALIDATIONS).index(index)
        yield from _validate_rule(raw[index], rule, place, at, schema, costs)
    if schema.additional is not None:
        times = _times(place, schema.raw.get("maxProperties"))
        inner = replace(place, path=place.path.child("additionalProperties"), times=times)
        yield from _validate(schema.additional, inner, costs)
    for name, each in schema.properties.items():
        yield from _validate(each, replace(place, path=place.path.child("properties").key(name)), costs)
    if schema.items is not None:
        forgets = place.path if schema.list_type != "map" else None
        inner = _Place(
            place.path.child("items"),
            _times(place, schema.raw.get("maxItems")),
            place.uncorrelatable or forgets,
        )
        yield from _validate(schema.items, inner, costs)


def _times(place: _Place, limit: int | None) -> int | None:
    return None if place.times is None or limit is None else place.times * max(0, int(limit))


def _validate_rule(
    raw: Object, rule: Rule | RuleError, place: _Place, path: Path, schema: Structural, costs: _Costs
) -> Errors:
    if isinstance(rule, RuleError):
        yield invalid(path.child("rule"), raw, rule.detail)
        return
    times = MAX_REQUEST // (smallest(schema) + 1) if place.times is None else place.times
    yield from _charge(costs, "rule", rule.condition.cost * times, path)
    if rule.message_problem:
        yield invalid(path.child("messageExpression"), raw, rule.message_problem)
    if rule.message is not None:
        # However often the rule may be broken: only the first messages are seen.
        yield from _charge(costs, "messageExpression", rule.message.cost, path)
    if rule.uses_old and place.uncorrelatable is not None:
        within = f"the uncorrelatable portion of the schema within {place.uncorrelatable}"
        detail = f"oldSelf cannot be used on {within}"
        yield invalid(path.child("rule"), raw["rule"], detail)
    if not rule.uses_old and raw.get("optionalOldSelf") is not None:
        detail = "may not be set if oldSelf is not used in rule"
        yield invalid(path.child("optionalOldSelf"), raw["optionalOldSelf"], detail)


def _charge(costs: _Costs, what: str, cost: int, path: Path) -> Errors:
    costs.add(cost, path.child(what))
    if cost > RULE_LIMIT:
        yield forbidden(path.child(what), _too_expensive(f"estimated {what} cost", cost, RULE_LIMIT))


def _too_expensive(what: str, cost: int, limit: int) -> str:
    times = cost / limit
    shown = "more than 100x" if times > 100 else f"{times:f}x" if times < 1.5 else f"{times:.1f}x"
    return (
        f"{what} exceeds budget by factor of {shown} (try simplifying the rule, or adding maxItems, "
        "maxProperties, and maxLength where arrays, maps, and strings are declared)"
    )
