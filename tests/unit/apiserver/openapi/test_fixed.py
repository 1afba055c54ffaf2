"""Paths without resources, and what v3 tells of Go's types: as in upstream's documents."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from apimachinery import scheme
from apiserver.openapi import OpenAPI
from apiserver.openapi.fixed import fixed_paths

META = "io.k8s.apimachinery.pkg.apis.meta.v1"


@pytest.fixture(scope="module")
def openapi() -> OpenAPI:
    return OpenAPI(lambda: scheme.BUILTIN)


@pytest.mark.parametrize(
    ("document", "path", "operation_id", "answer"),
    [
        ("api", "/api/", "getCoreAPIVersions", f"{META}.APIVersions"),
        ("apis", "/apis/", "getAPIVersions", f"{META}.APIGroupList"),
        ("apis/rbac.authorization.k8s.io", "/apis/rbac.authorization.k8s.io/",
         "getRbacAuthorizationAPIGroup", f"{META}.APIGroup"),
        ("api/v1", "/api/v1/", "getCoreV1APIResources", f"{META}.APIResourceList"),
        ("apis/batch/v1", "/apis/batch/v1/", "getBatchV1APIResources", f"{META}.APIResourceList"),
        ("version", "/version/", "getCodeVersion", "io.k8s.apimachinery.pkg.version.Info"),
        ("openid/v1/jwks", "/openid/v1/jwks/", "getServiceAccountIssuerOpenIDKeyset", ""),
    ],
)  # fmt: skip
def test_each_has_its_place_in_both_versions(
    openapi: OpenAPI, document: str, path: str, operation_id: str, answer: str
) -> None:
    assert document in json.loads(openapi.v3_index())["paths"]
    new = json.loads(openapi.v3(document) or b"")["paths"][path]["get"]
    old = json.loads(openapi.v2()())["paths"][path]["get"]
    assert new["operationId"] == old["operationId"] == operation_id
    schemas = [old["responses"]["200"]["schema"]]
    schemas += [each["schema"] for each in new["responses"]["200"]["content"].values()]
    names = {each.get("$ref", "/").rpartition("/")[2] for each in schemas}
    assert names == {answer}


def test_groups_of_custom_resources_have_none() -> None:
    custom = replace(scheme.PODS, group="example.com")
    assert not [each for each in fixed_paths([custom]) if "example.com" in each.path]


def test_tokens_are_how_one_says_who_one_is(openapi: OpenAPI) -> None:
    old, new = json.loads(openapi.v2()()), json.loads(openapi.v3("api/v1") or b"")
    assert old["security"] == [{"BearerToken": []}]
    assert old["securityDefinitions"] == new["components"]["securitySchemes"]


@pytest.mark.parametrize(
    ("definition", "field", "place", "expected"),
    [
        ("core.v1.Container", "args", "items", {"default": "", "type": "string"}),
        ("core.v1.Container", "env", "items", {"allOf": ["EnvVar"], "default": {}}),
        ("core.v1.ResourceRequirements", "limits", "additionalProperties", {"$ref": "Quantity"}),
        ("core.v1.ConfigMap", "binaryData", "additionalProperties", {"format": "byte", "type": "string"}),
        ("core.v1.ConfigMap", "data", "additionalProperties", {"default": "", "type": "string"}),
    ],
)
def test_what_lists_and_maps_hold(
    openapi: OpenAPI, definition: str, field: str, place: str, expected: Any
) -> None:
    schemas = json.loads(openapi.v3("api/v1") or b"")["components"]["schemas"]
    found = schemas[f"io.k8s.api.{definition}"]["properties"][field][place]
    if "allOf" in found:
        found["allOf"] = [each["$ref"].rpartition(".")[2] for each in found["allOf"]]
    if "$ref" in found:
        found["$ref"] = found["$ref"].rpartition(".")[2]
    assert found == expected


def test_types_that_are_one_of_two(openapi: OpenAPI) -> None:
    schemas = json.loads(openapi.v3("api/v1") or b"")["components"]["schemas"]
    quantity = schemas["io.k8s.apimachinery.pkg.api.resource.Quantity"]
    assert quantity["oneOf"] == [{"type": "string"}, {"type": "number"}]
    assert "type" not in quantity
