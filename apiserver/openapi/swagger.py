"""The OpenAPI v2 document: one for everything. Source: what upstream serves at /openapi/v2."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from apimachinery.objects import Object
from apimachinery.schema import raw_definitions
from apimachinery.scheme import Resource
from apiserver.openapi.custom import Definitions, definition_to_v2
from apiserver.openapi.fixed import EXTRA_DEFINITIONS, SECURITY_SCHEMES, Fixed, fixed_paths
from apiserver.openapi.operations import Operation
from apiserver.openapi.parameters import Parameter, to_v2
from apiserver.openapi.paths import paths_of
from component_base.version import GIT_VERSION

TEXTS = {"200": "OK", "201": "Created", "202": "Accepted"}


def document(resources: Sequence[Resource], custom: Definitions) -> Object:
    """The whole document as a dict; `custom` are the definitions of custom kinds."""
    paths = {
        each.path: _parameters(each.parameters)
        | {one.method: _operation(one, own) for one, own in each.operations}
        for each in paths_of(resources)
    }
    paths |= {each.path: {"get": _fixed(each)} for each in fixed_paths(resources)}
    of_custom_kinds = {name: definition_to_v2(each) for name, each in custom.items()}
    definitions = {**EXTRA_DEFINITIONS, **raw_definitions(), **of_custom_kinds}
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": GIT_VERSION},
        "paths": dict(sorted(paths.items())),
        "definitions": definitions,
        "securityDefinitions": SECURITY_SCHEMES,
        "security": [{name: []} for name in SECURITY_SCHEMES],
    }


def _fixed(it: Fixed) -> Object:
    return {
        **({"consumes": list(it.body_types)} if it.body_types else {}),
        "description": it.description,
        "operationId": it.operation_id,
        "produces": list(it.answer_types),
        "responses": _responses(("200",), it.answer),
        "schemes": ["https"],
        "tags": [it.tag],
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
        "responses": _responses(operation.codes, operation.answer),
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


def _responses(codes: Iterable[str], answer: str) -> Object:
    schema: Object = {"type": "string"}
    if answer:
        schema = {"$ref": f"#/definitions/{answer}"}
    found: Object = {code: {"description": TEXTS[code], "schema": schema} for code in codes}
    return found | {"401": {"description": "Unauthorized"}}
