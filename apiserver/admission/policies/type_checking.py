"""What policies' expressions name that their kinds do not have: warnings for status.typeChecking.

Fields are looked for in the schemas of built-in kinds; types are not compared.
Source: typechecking.go of k8s.io/apiserver/pkg/admission/plugin/policy/validating in Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

from apimachinery.objects import Object
from apimachinery.schema import SchemaNode, builtin
from apimachinery.scheme import lookup
from apiserver.admission.expressions import Expression
from apiserver.admission.policies.policy import Policy, parse_policy
from apiserver.cel.cost import estimate_cost
from apiserver.cel.shapes import ANYTHING, Shape, UndefinedFieldError
from apiserver.cel.syntax import undefined_field

_MAX_KINDS = 10


class SchemaShape(Shape):
    """What may stand at a place of a built-in kind."""

    def __init__(self, node: SchemaNode) -> None:
        self._node = node

    def field(self, name: str) -> Shape:
        if not self._node.fields and self._node.values is None:
            return ANYTHING
        child = self._node.child(name)
        if child is None:
            raise UndefinedFieldError(name)
        return SchemaShape(child)

    def item(self) -> Shape:
        inner = self._node.items or self._node.values
        return SchemaShape(inner) if inner is not None else ANYTHING

    def iterated(self) -> Shape:
        return self.item() if self._node.items is not None else ANYTHING


def expression_warnings(policy: Object) -> list[Object]:
    """ExpressionWarnings: where in the policy, and what is wrong there for which kind."""
    parsed, shapes = parse_policy(policy), shapes_of(policy)
    params = _shape(*parsed.param_kind) if parsed.param_kind else None
    warnings = []
    for place, expression in _expressions(parsed):
        found = [
            f"{kind}: {problem}\n"
            for kind, shape in shapes.items()
            if (problem := _problem(expression, shape, params or ANYTHING))
        ]
        if found:
            warnings.append({"fieldRef": place, "warning": "\n".join(found)})
    return warnings


def _expressions(policy: Policy) -> Iterator[tuple[str, Expression]]:
    for index, validation in enumerate(policy.validations):
        yield f"spec.validations[{index}].expression", validation.expression
        if validation.message_expression is not None:
            yield f"spec.validations[{index}].messageExpression", validation.message_expression


def shapes_of(policy: Object) -> Mapping[str, Shape]:
    """Of the built-in kinds that the rules name, by `apps/v1, Kind=Deployment`."""
    rules = (policy["spec"].get("matchConstraints") or {}).get("resourceRules") or ()
    names = ("apiGroups", "apiVersions", "resources")
    triples = {triple for rule in rules for triple in product(*(rule.get(name) or () for name in names))}
    found = [resource for triple in sorted(triples) if (resource := lookup(*triple)) is not None]
    kinds = [(each.api_version, each.kind) for each in found[:_MAX_KINDS]]
    shapes = {f"{api_version}, Kind={kind}": _shape(api_version, kind) for api_version, kind in kinds}
    return {kind: shape for kind, shape in shapes.items() if shape is not None}


def _shape(api_version: str, kind: str) -> Shape | None:
    node = builtin().find(api_version, kind)
    return SchemaShape(node) if node is not None else None


def _problem(expression: Expression, shape: Shape, params: Shape) -> str:
    if expression.program is None:
        return ""
    try:
        estimate_cost(expression.program.tree, {"object": shape, "oldObject": shape, "params": params})
    except UndefinedFieldError as error:
        return undefined_field(error.args[0], expression.text)
    return ""
