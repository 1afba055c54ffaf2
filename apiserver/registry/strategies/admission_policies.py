"""ValidatingAdmissionPolicies and their bindings.

Source: pkg/apis/admissionregistration/validation/validation.go of Kubernetes 1.34.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from apimachinery.field import ErrorList, Errors, Path, duplicate, forbidden, invalid, not_supported, required
from apimachinery.metadata import validate_label_selector
from apimachinery.names import is_dns1035_label, is_dns1123_subdomain, is_path_segment, is_qualified_name
from apimachinery.objects import Object
from apiserver.admission.expressions import BOOL, NULL, STRING, Names, Variable
from apiserver.admission.policies.policy import parse_variables, types_of
from apiserver.cel.names import RESERVED
from apiserver.registry.strategies.checks import enumerate_repeats, matches, one_of, required_match
from apiserver.registry.strategies.podspec.defaults import fill_absent
from apiserver.registry.strategies.tables import UNSET, age, columns
from apiserver.registry.strategies.webhooks import (
    default_rules,
    validate_expression,
    validate_match_conditions,
    validate_rule,
)
from apiserver.registry.strategy import Column, Strategy

_ACTIONS = ("Audit", "Deny", "Warn")
_REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge")
_MAX_ANNOTATIONS = 20
_MAX_VALUE_EXPRESSION = 5 * 1024
_IDENTIFIER = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")


class AdmissionPolicyStrategy(Strategy):
    allow_unconditional_update = False
    status_resets = ("spec", "metadata")
    columns: Sequence[Column] = columns(Column("Validations", "integer"), "ParamKind")

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        fill_absent(spec, {"failurePolicy": "Fail"})
        constraints = spec.get("matchConstraints")
        if constraints is not None:
            default_match_resources(constraints)

    def prepare_for_create(self, obj: Object) -> None:
        obj["status"] = {}

    def validate(self, obj: Object) -> ErrorList:
        return list(_policy(obj.get("spec") or {}, Path("spec"), obj["metadata"].get("name") or ""))

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        spec = obj.get("spec") or {}
        kind = spec.get("paramKind")
        shown = f"{kind.get('apiVersion')}/{kind.get('kind')}" if kind else "<unset>"
        return [obj["metadata"]["name"], len(spec.get("validations") or ()), shown, age(obj, now)]


def default_match_resources(resources: Object) -> None:
    fill_absent(resources, {"matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}})
    for field in ("resourceRules", "excludeResourceRules"):
        default_rules(resources.get(field) or ())


def _policy(spec: Object, path: Path, name: str) -> Errors:
    yield from one_of(spec.get("failurePolicy"), path.child("failurePolicy"), ("Fail", "Ignore"))
    has_params = spec.get("paramKind") is not None
    if has_params:
        yield from _param_kind(spec["paramKind"], path.child("paramKind"))
    constraints, at = spec.get("matchConstraints"), path.child("matchConstraints")
    if constraints is None:
        yield required(at)
    else:
        yield from _match_resources(constraints, at)
        if not constraints.get("resourceRules"):
            yield required(at.child("resourceRules"))
    yield from validate_match_conditions(spec, path.child("matchConditions"), Names(has_params))
    variables = parse_variables(spec)
    yield from _variables(variables, path.child("variables"))
    yield from _checks(spec, path, name, Names(has_params, True, types_of(variables)))


def _checks(spec: Object, path: Path, name: str, names: Names) -> Errors:
    if not spec.get("validations") and not spec.get("auditAnnotations"):
        detail = "validations or auditAnnotations must contain at least one item"
        yield required(path.child("validations"), detail)
        yield required(path.child("auditAnnotations"), detail)
    for index, validation in enumerate(spec.get("validations") or ()):
        yield from _validation(validation, path.child("validations").index(index), names)
    annotations, at, seen = spec.get("auditAnnotations") or [], path.child("auditAnnotations"), set[str]()
    if len(annotations) > _MAX_ANNOTATIONS:
        yield invalid(at, annotations, f"must not have more than {_MAX_ANNOTATIONS} auditAnnotations")
    for index, annotation in enumerate(annotations):
        yield from _annotation(annotation, at.index(index), name, names)
        key = annotation.get("key") or ""
        if key in seen:
            yield duplicate(at.index(index).child("key"), key)
        seen.add(key)


def _param_kind(kind: Object, path: Path) -> Errors:
    api_version, name = kind.get("apiVersion") or "", kind.get("kind") or ""
    at = path.child("apiVersion")
    if not api_version:
        yield required(at)
    elif api_version.count("/") > 1:
        yield invalid(at, api_version, f"unexpected GroupVersion string: {api_version}")
    else:
        group, _, version = api_version.rpartition("/")
        if group and (problems := is_dns1123_subdomain(group)):
            yield invalid(at, group, ",".join(problems))
        if not version:
            yield invalid(at, api_version, "version must be specified")
        elif problems := is_dns1035_label(version):
            yield invalid(at, version, ",".join(problems))
    if not name:
        yield required(path.child("kind"))
    elif problems := is_dns1035_label(name.lower()):
        detail = f"may have mixed case, but should otherwise match: {','.join(problems)}"
        yield invalid(path.child("kind"), name, detail)


def _match_resources(resources: Object, path: Path) -> Errors:
    yield from one_of(resources.get("matchPolicy"), path.child("matchPolicy"), ("Equivalent", "Exact"))
    for field in ("namespaceSelector", "objectSelector"):
        yield from validate_label_selector(resources.get(field) or {}, path.child(field))
    for field in ("resourceRules", "excludeResourceRules"):
        for index, rule in enumerate(resources.get(field) or ()):
            at = path.child(field).index(index)
            yield from _resource_names(rule.get("resourceNames") or (), at.child("resourceNames"))
            yield from validate_rule(rule, at)


def _resource_names(listed: Sequence[str], path: Path) -> Errors:
    for index, name, is_repeated in enumerate_repeats(listed):
        yield from matches(name, path.index(index), is_path_segment)
        if is_repeated:
            yield duplicate(path.index(index), name)


def _variables(variables: Sequence[Variable], path: Path) -> Errors:
    for index, variable in enumerate(variables):
        at, name, text = path.index(index), variable.name, variable.expression.text
        if not name.strip():
            yield required(at.child("name"), "name is not specified")
        elif not _IDENTIFIER.fullmatch(name) or name in RESERVED:
            yield invalid(at.child("name"), name, "name is not a valid CEL identifier")
        if not text.strip():
            yield required(at.child("expression"), "expression is not specified")
        elif variable.expression.error:
            yield invalid(at.child("expression"), text, variable.expression.error)


def _validation(validation: Object, path: Path, names: Names) -> Errors:
    text, message = validation.get("expression") or "", validation.get("message") or ""
    if not text.strip():
        yield required(path.child("expression"), "expression is not specified")
    else:
        yield from validate_expression(text, path.child("expression"), (BOOL,), names)
    computed, at = validation.get("messageExpression") or "", path.child("messageExpression")
    if computed and not computed.strip():
        yield invalid(at, computed, "must be non-empty if specified")
    elif computed:
        without_authorizer = replace(names, authorizer=False)
        yield from validate_expression(computed, at, (STRING,), without_authorizer)
    if message and not message.strip():
        yield invalid(path.child("message"), message, "message must be non-empty if specified")
    elif re.search(r"[\n\r]", message.strip()):
        yield invalid(path.child("message"), message, "message must not contain line breaks")
    yield from one_of(validation.get("reason"), path.child("reason"), _REASONS, optional=True)


def _annotation(annotation: Object, path: Path, name: str, names: Names) -> Errors:
    key, text = annotation.get("key") or "", annotation.get("valueExpression") or ""
    if not name:
        yield invalid(path.child("key"), key, "requires metadata.name be non-empty")
    else:
        yield from matches(f"{name}/{key}", path.child("key"), is_qualified_name)
    at, trimmed = path.child("valueExpression"), text.strip()
    if not trimmed:
        yield required(at, "valueExpression is not specified")
    elif len(trimmed.encode()) > _MAX_VALUE_EXPRESSION:
        yield required(at, f"must not exceed {_MAX_VALUE_EXPRESSION} bytes in length")
    else:
        yield from validate_expression(text, at, (STRING, NULL), names)


def _selector_as_go_prints_it(selector: Object) -> str:
    labels = sorted((selector.get("matchLabels") or {}).items())
    expressions = [
        f"LabelSelectorRequirement{{Key:{each.get('key')},Operator:{each.get('operator')},"
        f"Values:[{' '.join(each.get('values') or ())}],}},"
        for each in selector.get("matchExpressions") or ()
    ]
    return (
        f"&LabelSelector{{MatchLabels:map[string]string{{{''.join(f'{k}: {v},' for k, v in labels)}}},"
        f"MatchExpressions:[]LabelSelectorRequirement{{{''.join(expressions)}}},}}"
    )


class AdmissionPolicyBindingStrategy(Strategy):
    has_status = False
    allow_unconditional_update = False
    columns: Sequence[Column] = columns("PolicyName", "ParamRef")

    def default(self, obj: Object) -> None:
        spec = obj.get("spec") or {}
        if spec.get("matchResources") is not None:
            default_match_resources(spec["matchResources"])

    def validate(self, obj: Object) -> ErrorList:
        return list(_binding(obj.get("spec") or {}, Path("spec")))

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        spec = obj.get("spec") or {}
        ref = spec.get("paramRef")
        shown = UNSET
        if ref and ref.get("name"):
            shown = f"{ref.get('namespace') or '*'}/{ref['name']}"
        elif ref and ref.get("selector") is not None:
            shown = _selector_as_go_prints_it(ref["selector"])
        return [obj["metadata"]["name"], spec.get("policyName") or "", shown, age(obj, now)]


def _binding(spec: Object, path: Path) -> Errors:
    yield from required_match(spec.get("policyName"), path.child("policyName"), is_dns1123_subdomain)
    if spec.get("paramRef") is not None:
        yield from _param_ref(spec["paramRef"], path.child("paramRef"))
    if spec.get("matchResources") is not None:
        yield from _match_resources(spec["matchResources"], path.child("matchResources"))
    yield from _validation_actions(spec.get("validationActions") or [], path.child("validationActions"))


def _param_ref(reference: Object, path: Path) -> Errors:
    name, selector = reference.get("name") or "", reference.get("selector")
    exclusive = "name and selector are mutually exclusive"
    if name:
        yield from matches(name, path.child("name"), is_path_segment)
        if selector is not None:
            yield forbidden(path.child("name"), exclusive)
    if selector is not None:
        yield from validate_label_selector(selector, path.child("selector"))
        if name:
            yield forbidden(path.child("selector"), exclusive)
    if not name and selector is None:
        yield required(path, "one of name or selector must be specified")
    action, at = reference.get("parameterNotFoundAction"), path.child("parameterNotFoundAction")
    if not action:
        yield required(at)
    elif action not in ("Deny", "Allow"):
        yield not_supported(at, action, ("Deny", "Allow"))


def _validation_actions(actions: Sequence[str], path: Path) -> Errors:
    for index, action, is_repeated in enumerate_repeats(actions):
        yield from one_of(action, path.index(index), _ACTIONS)
        if is_repeated:
            yield duplicate(path.index(index), action)
    if "Deny" in actions and "Warn" in actions:
        detail = (
            "must not contain both Deny and Warn (repeating the same validation failure information in the "
            "API response and headers serves no purpose)"
        )
        yield invalid(path, actions, detail)
    if not actions:
        yield required(path, "at least one validation action is required")
