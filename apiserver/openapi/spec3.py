"""The OpenAPI v3 documents: one for each group and version, with the schemas it reaches.

Source: k8s.io/kube-openapi/pkg/builder3; where a `$ref` has neighbours, it stands in an `allOf`, as there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from apimachinery.objects import Object
from apimachinery.scheme import Resource
from apiserver.openapi.fixed import EXTRA_DEFINITIONS, SECURITY_SCHEMES, Fixed
from apiserver.openapi.operations import Operation
from apiserver.openapi.parameters import Parameter, to_v2
from apiserver.openapi.paths import paths_of
from apiserver.openapi.swagger import TEXTS
from component_base.version import GIT_VERSION

OLD, NEW = "#/definitions/", "#/components/schemas/"


def document(resources: Sequence[Resource], fixed: Sequence[Fixed], definitions: Mapping[str, Any]) -> Object:
    """The document of one group and version, or of `fixed` paths; `definitions` are OpenAPI v2 ones."""
    found = paths_of(resources)
    named = {name for each in found for one, _ in each.operations for name in (one.body, one.answer) if name}
    paths = {
        each.path: _parameters(each.parameters)
        | {one.method: _operation(one, own) for one, own in each.operations}
        for each in found
    }
    paths |= {each.path: {"get": _fixed(each)} for each in fixed}
    named |= {each.answer for each in fixed if each.answer}
    schemas = _reachable(named, definitions)
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": GIT_VERSION},
        "paths": dict(sorted(paths.items())),
        "components": {**({"schemas": schemas} if schemas else {}), "securitySchemes": SECURITY_SCHEMES},
    }


def _reachable(names: Iterable[str], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """The named definitions and all they refer to, in v3's form."""
    found: dict[str, Any] = {}
    waiting = sorted(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        references: set[str] = set()
        found[name] = to_v3(definitions.get(name) or EXTRA_DEFINITIONS[name], references)
        waiting += sorted(references - found.keys())
    return dict(sorted(found.items()))


def to_v3(schema: Any, references: set[str]) -> Any:
    """A v2 schema in v3's form; adds the names it refers to to `references`."""
    if isinstance(schema, list):
        return [to_v3(each, references) for each in schema]
    if not isinstance(schema, dict):
        return schema
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return {key: to_v3(value, references) for key, value in schema.items()}
    name = reference.removeprefix(OLD)
    references.add(name)
    renamed = {"$ref": NEW + name}
    rest = {key: to_v3(value, references) for key, value in schema.items() if key != "$ref"}
    return {"allOf": [renamed], **rest} if rest else renamed


def _fixed(it: Fixed) -> Object:
    return {
        "tags": [it.tag],
        "description": it.description,
        "operationId": it.operation_id,
        "responses": _responses(("200",), it.answer, it.answer_types),
    }


def _parameters(found: Iterable[Parameter]) -> Object:
    """No field without any, since Go writes none."""
    listed = [_parameter(to_v2(each)) for each in found]
    return {"parameters": listed} if listed else {}


def _parameter(old: Object) -> Object:
    """v2's parameter with its type in a schema."""
    kept = {key: value for key, value in old.items() if key not in ("type", "uniqueItems")}
    return {**kept, "schema": {"type": old["type"], "uniqueItems": True}}


def _operation(operation: Operation, own: Iterable[Parameter]) -> Object:
    group, version, kind = operation.gvk
    body: Object = {"requestBody": _body(operation)} if operation.body else {}
    return {
        "tags": [operation.tag],
        "description": operation.description,
        "operationId": operation.operation_id,
        **_parameters(own),
        **body,
        "responses": _responses(operation.codes, operation.answer, operation.answer_types),
        "x-kubernetes-action": operation.action,
        "x-kubernetes-group-version-kind": {"group": group, "version": version, "kind": kind},
    }


def _body(operation: Operation) -> Object:
    types = operation.patch_types or ("*/*",)
    content = {each: {"schema": {"$ref": NEW + operation.body}} for each in types}
    return {"content": content} | ({"required": True} if operation.method != "delete" else {})


def _responses(codes: Iterable[str], answer: str, types: Iterable[str]) -> Object:
    schema: Object = {"$ref": NEW + answer} if answer else {"type": "string"}
    content = {each: {"schema": schema} for each in types}
    found: Object = {code: {"description": TEXTS[code], "content": content} for code in codes}
    return found | {"401": {"description": "Unauthorized"}}
