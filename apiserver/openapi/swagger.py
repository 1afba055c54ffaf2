"""The OpenAPI v2 document: one for everything. Source: what upstream serves at /openapi/v2."""

from __future__ import annotations

from collections.abc import Iterable

from apimachinery.objects import Object
from apimachinery.schema import raw_definitions
from apimachinery.scheme import Resource
from apiserver.openapi.custom import Definitions, definition_to_v2
from apiserver.openapi.operations import PATCH, Operation
from apiserver.openapi.parameters import Parameter, to_v2
from apiserver.openapi.paths import paths_of
from component_base.version import GIT_VERSION

TEXTS = {"200": "OK", "201": "Created", "202": "Accepted"}


def document(resources: Iterable[Resource], custom: Definitions) -> Object:
    """The whole document as a dict; `custom` are the definitions of custom kinds."""
    paths = {
        each.path: _parameters(each.parameters)
        | {one.method: _operation(one, own) for one, own in each.operations}
        for each in paths_of(resources)
    }
    definitions = raw_definitions() | {name: definition_to_v2(each) for name, each in custom.items()}
    definitions.setdefault(PATCH, {"description": "Patch is a change to an object.", "type": "object"})
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": GIT_VERSION},
        "paths": paths,
        "definitions": definitions,
    }


def _parameters(found: Iterable[Parameter]) -> Object:
    """No field without any, since Go writes none."""
    listed = [to_v2(each) for each in found]
    return {"parameters": listed} if listed else {}


def _operation(operation: Operation, own: Iterable[Parameter]) -> Object:
    group, version, kind = operation.gvk
    parameters = [*_body(operation), *map(to_v2, own)]
    return {
        "consumes": list(operation.patch_types) or ["*/*"],
        "description": operation.description,
        "operationId": operation.operation_id,
        **({"parameters": parameters} if parameters else {}),
        "produces": list(operation.answer_types),
        "responses": _responses(operation),
        "schemes": ["https"],
        "tags": [operation.tag],
        "x-kubernetes-action": operation.action,
        "x-kubernetes-group-version-kind": {"group": group, "kind": kind, "version": version},
    }


def _body(operation: Operation) -> list[Object]:
    if not operation.body:
        return []
    required = {"required": True} if operation.method != "delete" else {}
    return [{"in": "body", "name": "body", **required, "schema": {"$ref": f"#/definitions/{operation.body}"}}]


def _responses(operation: Operation) -> Object:
    schema: Object = {"type": "string"}
    if operation.answer:
        schema = {"$ref": f"#/definitions/{operation.answer}"}
    found: Object = {code: {"description": TEXTS[code], "schema": schema} for code in operation.codes}
    return found | {"401": {"description": "Unauthorized"}}
