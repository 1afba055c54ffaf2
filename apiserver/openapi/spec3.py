"""The OpenAPI v3 documents: one for each group and version, with the schemas it reaches.

Source: k8s.io/kube-openapi/pkg/builder3; where a `$ref` has neighbours, it stands in an `allOf`, as there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from apimachinery.objects import Object
from apimachinery.scheme import Resource
from apiserver.openapi.operations import PATCH, Operation, operations
from apiserver.openapi.swagger import CODES, TEXTS, path_parameters
from component_base.version import GIT_VERSION

OLD, NEW = "#/definitions/", "#/components/schemas/"


def document(resources: Sequence[Resource], definitions: Mapping[str, Any]) -> Object:
    """The document of one group and version; `definitions` are OpenAPI v2 ones."""
    paths: dict[str, Any] = {}
    named: set[str] = set()
    for operation in operations(resources):
        item = paths.setdefault(operation.path, _parameters(path_parameters(operation.path)))
        item[operation.method] = _operation(operation)
        named |= {operation.body, operation.answer} - {""}
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": GIT_VERSION},
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": _reachable(named, definitions)},
    }


def _reachable(names: Iterable[str], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """The named definitions and all they refer to, in v3's form."""
    found: dict[str, Any] = {}
    waiting = sorted(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        if name not in definitions and name == PATCH:
            found[name] = {"description": "Patch is a change to an object.", "type": "object"}
            continue
        references: set[str] = set()
        found[name] = to_v3(definitions[name], references)
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


def _parameters(old: Iterable[Object]) -> Object:
    """v2's parameters with their type in a schema; no field without any, since Go writes none."""
    found = [_parameter(each) for each in old]
    return {"parameters": found} if found else {}


def _parameter(old: Object) -> Object:
    kept = {key: value for key, value in old.items() if key in ("name", "in", "required", "description")}
    return {**kept, "schema": {"type": old["type"], "uniqueItems": True}}


def _operation(operation: Operation) -> Object:
    group, version, kind = operation.gvk
    parts = [parameter.partition(":") for parameter in operation.parameters]
    query = [{"name": name, "in": "query", "type": kind_of} for name, _, kind_of in parts]
    body: Object = {"requestBody": _body(operation)} if operation.body else {}
    return {
        "tags": [operation.tag],
        "operationId": operation.operation_id,
        **_parameters(query),
        **body,
        "responses": _responses(operation),
        "x-kubernetes-action": operation.action,
        "x-kubernetes-group-version-kind": {"group": group, "version": version, "kind": kind},
    }


def _body(operation: Operation) -> Object:
    types = operation.patch_types or ("*/*",)
    content = {each: {"schema": {"$ref": NEW + operation.body}} for each in types}
    return {"content": content} | ({"required": True} if operation.method != "delete" else {})


def _responses(operation: Operation) -> Object:
    schema: Object = {"$ref": NEW + operation.answer} if operation.answer else {"type": "string"}
    content = {each: {"schema": schema} for each in operation.answer_types}
    codes = CODES.get(operation.method, ("200",))
    found: Object = {code: {"description": TEXTS[code], "content": content} for code in codes}
    return found | {"401": {"description": "Unauthorized"}}
