"""Policies and bindings, parsed and compiled once for each change of theirs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from apimachinery.objects import Object, name_of
from apiserver.admission.conditions import parse_conditions
from apiserver.admission.expressions import (
    BOOL,
    NULL,
    STRING,
    Expression,
    Names,
    Variable,
    compile_for_admission,
)
from apiserver.admission.matching import Criteria
from apiserver.cel.types import Type
from apiserver.storage.resource_cache import ResourceCache


@dataclass(frozen=True, slots=True)
class Validation:
    """An expression that has to be true."""

    expression: Expression
    message: str
    message_expression: Expression | None
    reason: str


@dataclass(frozen=True, slots=True)
class Policy:
    name: str
    criteria: Criteria
    param_kind: tuple[str, str] | None
    """(apiVersion, kind)"""
    ignores_failures: bool
    conditions: tuple[Expression, ...]
    variables: tuple[Variable, ...]
    validations: tuple[Validation, ...]
    annotations: tuple[tuple[str, Expression], ...]
    """Keys, and what is noted under them."""


@dataclass(frozen=True, slots=True)
class Binding:
    name: str
    policy: str
    criteria: Criteria
    param_ref: Object | None
    actions: tuple[str, ...]


def parse_policy(policy: Object, objects: Mapping[str, Type] | None = None) -> Policy:
    """`objects` as in Names."""
    spec = policy["spec"]
    kind = spec.get("paramKind")
    variables = parse_variables(spec, objects)
    names = Names(kind is not None, True, types_of(variables), objects or {})
    return Policy(
        name=name_of(policy),
        criteria=Criteria.parse(spec.get("matchConstraints") or {}),
        param_kind=(kind["apiVersion"], kind["kind"]) if kind else None,
        ignores_failures=spec.get("failurePolicy") == "Ignore",
        conditions=parse_conditions(spec, Names(kind is not None, objects=objects or {})),
        variables=variables,
        validations=tuple(_validation(each, names) for each in spec.get("validations") or ()),
        annotations=tuple(
            (each["key"], compile_for_admission(each["valueExpression"], (STRING, NULL), names))
            for each in spec.get("auditAnnotations") or ()
        ),
    )


def parse_variables(spec: Object, objects: Mapping[str, Type] | None = None) -> tuple[Variable, ...]:
    """In their order: each may name those before it."""
    found: list[Variable] = []
    for each in spec.get("variables") or ():
        names = Names(spec.get("paramKind") is not None, True, types_of(found), objects or {})
        expression = compile_for_admission(each.get("expression") or "", (), names)
        found.append(Variable(each.get("name") or "", expression))
    return tuple(found)


def types_of(variables: Iterable[Variable]) -> Mapping[str, Type]:
    return {each.name: each.type for each in variables}


def _validation(validation: Object, names: Names) -> Validation:
    text = validation.get("messageExpression")
    without_authorizer = replace(names, authorizer=False)
    return Validation(
        compile_for_admission(validation["expression"], (BOOL,), names),
        (validation.get("message") or "").strip(),
        compile_for_admission(text, (STRING,), without_authorizer) if text else None,
        validation.get("reason") or "Invalid",
    )


def parse_binding(binding: Object) -> Binding:
    spec = binding["spec"]
    return Binding(
        name_of(binding),
        spec["policyName"],
        Criteria.parse(spec.get("matchResources") or {}),
        spec.get("paramRef"),
        tuple(spec.get("validationActions") or ()),
    )


class Policies:
    """Those that are bound, each with its bindings, as the watch cache has them now."""

    def __init__(self, policies: ResourceCache, bindings: ResourceCache) -> None:
        self._policies = policies
        self._bindings = bindings
        self._seen = (-1, -1)
        self._compiled: dict[str, tuple[int, Policy]] = {}
        self._bound: Sequence[tuple[Policy, Sequence[Binding]]] = ()

    def now(self) -> Sequence[tuple[Policy, Sequence[Binding]]]:
        revisions = (self._policies.revision, self._bindings.revision)
        if revisions != self._seen:
            self._refresh()
            self._seen = revisions
        return self._bound

    def _refresh(self) -> None:
        compiled = {}
        for entry in self._policies.entries():
            known = self._compiled.get(entry.name)
            is_same = known is not None and known[0] == entry.revision
            compiled[entry.name] = known if known and is_same else (entry.revision, parse_policy(entry.obj))
        self._compiled = compiled
        bindings = [parse_binding(entry.obj) for entry in self._bindings.entries()]
        self._bound = [
            (policy, found) for _, policy in compiled.values() if (found := _of_policy(bindings, policy.name))
        ]


def _of_policy(bindings: Iterable[Binding], name: str) -> list[Binding]:
    return [each for each in bindings if each.policy == name]
