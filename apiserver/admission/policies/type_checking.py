"""What policies' expressions do with objects that their kinds do not allow: warnings for status.typeChecking.

Source: typechecking.go of k8s.io/apiserver/pkg/admission/plugin/policy/validating in Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from apimachinery.objects import Object
from apimachinery.resource import Resource
from apimachinery.schema import SchemaNode, SchemaSet
from apimachinery.scheme import lookup
from apiserver.admission.expressions import Names, compile_for_admission
from apiserver.admission.policies.policy import parse_variables, types_of
from apiserver.cel.names import sayings
from apiserver.cel.types import DYN, STRING, ObjectType, Type, list_of, map_of, parse_type
from apiserver.customresources.rules.places import TEXT_TYPES

_MAX_KINDS = 10
_PLAIN = {"boolean": "bool", "number": "double", "integer": "int"}


@dataclass(frozen=True, eq=False, kw_only=True)
class KindType(ObjectType):
    """An object with declared fields."""

    node: SchemaNode

    @cached_property
    def _fields(self) -> Mapping[str, str]:
        """By what expressions call them."""
        return {said: name for name in self.node.fields for said in sayings(name)}

    @cached_property
    def _known(self) -> dict[str, Type | None]:
        """Fields that were asked for: each must have the same type whenever it is."""
        return {}

    def field(self, name: str) -> Type | None:
        if name not in self._known:
            node = self.node.child(self._fields[name]) if name in self._fields else None
            self._known[name] = type_of(node, f"{self.name}.{name}") if node is not None else None
        return self._known[name]


def type_of(node: SchemaNode, name: str) -> Type | None:
    """What the checker knows of a place, under that name; None for what cannot be seen."""
    if node.format == "int-or-string" or node.extension("int-or-string"):
        return DYN
    match node.type:
        case "object" if node.values is not None:
            inner = type_of(node.values, f"{name}.@elem")
            return map_of(STRING, inner) if inner is not None else None
        case "object":
            return KindType(name, node=node)
        case "array":
            inner = type_of(node.items, f"{name}.@idx") if node.items is not None else None
            return list_of(inner) if inner is not None else None
        case "string":
            return parse_type(TEXT_TYPES.get(node.format, "string"))
    plain = _PLAIN.get(node.type)
    return parse_type(plain) if plain is not None else None


@dataclass(frozen=True, slots=True)
class Kinds:
    """What is served now."""

    custom: Sequence[Resource]
    schemas: SchemaSet
    """Of built-in kinds, and of custom resources as OpenAPI tells of them."""

    def type_of(self, api_version: str, kind: str) -> Type | None:
        node = self.schemas.find(api_version, kind)
        return type_of(node, kind) if node is not None else None

    def resource(self, group: str, version: str, plural: str) -> Resource | None:
        wanted = (group, version, plural)
        custom = (each for each in self.custom if (each.group, each.version, each.plural) == wanted)
        return lookup(*wanted) or next(custom, None)


def expression_warnings(policy: Object, kinds: Kinds) -> list[Object]:
    """ExpressionWarnings: where in the policy, and what is wrong there for which kind."""
    spec = policy["spec"]
    param_kind = spec.get("paramKind")
    params = kinds.type_of(param_kind["apiVersion"], param_kind["kind"]) if param_kind else None
    found_kinds = kinds_of(policy, kinds)
    scopes = {kind: _names(spec, found, params) for kind, found in found_kinds.items()}
    warnings = []
    for place, text in _expressions(spec):
        found = [
            f"{kind}: {error.removeprefix('compilation failed: ')}\n"
            for kind, names in scopes.items()
            if (error := compile_for_admission(text, (), names).error)
        ]
        if found:
            warnings.append({"fieldRef": place, "warning": "\n".join(found)})
    return warnings


def _names(spec: Object, kind: Type, params: Type | None) -> Names:
    objects = {"object": kind, "oldObject": kind, **({"params": params} if params is not None else {})}
    variables = parse_variables({"variables": spec.get("variables")}, objects)
    return Names(variables=types_of(variables), objects=objects)


def _expressions(spec: Object) -> Iterator[tuple[str, str]]:
    for index, validation in enumerate(spec.get("validations") or ()):
        yield f"spec.validations[{index}].expression", validation["expression"]
        if validation.get("messageExpression"):
            yield f"spec.validations[{index}].messageExpression", validation["messageExpression"]


def kinds_of(policy: Object, kinds: Kinds) -> Mapping[str, Type]:
    """Those that the rules name, by `apps/v1, Kind=Deployment`."""
    rules = (policy["spec"].get("matchConstraints") or {}).get("resourceRules") or ()
    names = ("apiGroups", "apiVersions", "resources")
    triples = {triple for rule in rules for triple in product(*(rule.get(name) or () for name in names))}
    resources = [found for triple in sorted(triples) if (found := kinds.resource(*triple)) is not None]
    types = {
        f"{each.api_version}, Kind={each.kind}": kinds.type_of(each.api_version, each.kind)
        for each in resources[:_MAX_KINDS]
    }
    return {kind: found for kind, found in types.items() if found is not None}
