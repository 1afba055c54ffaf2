"""The OpenAPI v2 document: one for everything. Source: what upstream serves at /openapi/v2."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from apimachinery.objects import Object
from apimachinery.schema import raw_definitions
from apimachinery.scheme import Resource
from apiserver.openapi.custom import Definitions, definition_to_v2
from apiserver.openapi.operations import PATCH, Operation, operations
from component_base.version import GIT_VERSION

CODES = {"post": ("200", "201", "202"), "put": ("200", "201"), "delete": ("200", "202")}
TEXTS = {"200": "OK", "201": "Created", "202": "Accepted"}


def document(resources: Iterable[Resource], custom: Definitions) -> Object:
    """The whole document as a dict; `custom` are the definitions of custom kinds."""
    paths: dict[str, Any] = {}
    for operation in operations(resources):
        item = paths.setdefault(operation.path, {"parameters": path_parameters(operation.path)})
        item[operation.method] = _operation(operation)
    definitions = raw_definitions() | {name: definition_to_v2(each) for name, each in custom.items()}
    definitions.setdefault(PATCH, {"description": "Patch is a change to an object.", "type": "object"})
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": GIT_VERSION},
        "paths": dict(sorted(paths.items())),
        "definitions": definitions,
    }


def path_parameters(path: str) -> list[Object]:
    """The parameters in the path, and `pretty`, which every path has."""
    found: list[Object] = [
        {"name": name, "in": "path", "required": True, "type": "string", "uniqueItems": True}
        for name in ("name", "namespace")
        if f"{{{name}}}" in path
    ]
    return [*found, {"name": "pretty", "in": "query", "type": "string", "uniqueItems": True}]


def _operation(operation: Operation) -> Object:
    group, version, kind = operation.gvk
    parameters: list[Object] = []
    if operation.body:
        required = operation.method != "delete"
        reference = {"$ref": f"#/definitions/{operation.body}"}
        body = {"name": "body", "in": "body", "schema": reference}
        parameters.append({**body, "required": True} if required else body)
    for parameter in operation.parameters:
        name, _, kind_of = parameter.partition(":")
        parameters.append({"name": name, "in": "query", "type": kind_of, "uniqueItems": True})
    return {
        "consumes": list(operation.patch_types) or ["*/*"],
        "operationId": operation.operation_id,
        "parameters": parameters,
        "produces": list(operation.answer_types),
        "responses": _responses(operation),
        "schemes": ["https"],
        "tags": [operation.tag],
        "x-kubernetes-action": operation.action,
        "x-kubernetes-group-version-kind": {"group": group, "kind": kind, "version": version},
    }


def _responses(operation: Operation) -> Object:
    schema: Object = {"type": "string"}
    if operation.answer:
        schema = {"$ref": f"#/definitions/{operation.answer}"}
    codes = CODES.get(operation.method, ("200",))
    found: Object = {code: {"description": TEXTS[code], "schema": schema} for code in codes}
    return found | {"401": {"description": "Unauthorized"}}
