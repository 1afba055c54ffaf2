"""The API's description of itself: names and actions as upstream's, references that lead somewhere."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from apimachinery import scheme
from apimachinery.protobuf import CONTENT_TYPE
from apiserver.openapi import OpenAPI, swagger
from apiserver.openapi.gnostic import encode
from apiserver.openapi.operations import operations
from apiserver.openapi.routes import router


@pytest.fixture(scope="module")
def openapi() -> OpenAPI:
    return OpenAPI(lambda: scheme.BUILTIN)


JSON, YAML = "application/json", "application/yaml"
POD = "/api/v1/namespaces/{namespace}/pods"


@pytest.mark.parametrize(
    ("path", "method", "action", "operation_id"),
    [
        (POD, "get", "list", "listCoreV1NamespacedPod"),
        (POD, "post", "post", "createCoreV1NamespacedPod"),
        (POD, "delete", "deletecollection", "deleteCoreV1CollectionNamespacedPod"),
        (f"{POD}/{{name}}", "patch", "patch", "patchCoreV1NamespacedPod"),
        (f"{POD}/{{name}}/log", "get", "get", "readCoreV1NamespacedPodLog"),
        (f"{POD}/{{name}}/binding", "post", "post", "createCoreV1NamespacedPodBinding"),
        (f"{POD}/{{name}}/exec", "get", "connect", "connectCoreV1GetNamespacedPodExec"),
        ("/api/v1/pods", "get", "list", "listCoreV1PodForAllNamespaces"),
        ("/api/v1/nodes/{name}", "get", "get", "readCoreV1Node"),
        (
            "/apis/rbac.authorization.k8s.io/v1/clusterroles",
            "get",
            "list",
            "listRbacAuthorizationV1ClusterRole",
        ),
    ],
)
def test_operations_bear_upstreams_names(path: str, method: str, action: str, operation_id: str) -> None:
    found = {(each.path, each.method): each for each in operations(scheme.BUILTIN)}[path, method]
    assert (found.action, found.operation_id) == (action, operation_id)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_every_reference_of_the_v2_document_leads_somewhere(openapi: OpenAPI) -> None:
    document = json.loads(openapi.v2()())
    assert {ref.removeprefix("#/definitions/") for ref in references(document)} <= document[
        "definitions"
    ].keys()


def test_every_v3_document_is_listed_is_there_and_holds_what_it_refers_to(openapi: OpenAPI) -> None:
    index = json.loads(openapi.v3_index())["paths"]
    assert {"api/v1", "apis/apps/v1"} <= index.keys()
    for path, entry in index.items():
        assert entry["serverRelativeURL"] == f"/openapi/v3/{path}?hash={openapi.v3_hash(path)}"
        document = json.loads(openapi.v3(path) or b"")
        schemas = document["components"]["schemas"]
        assert {ref.removeprefix("#/components/schemas/") for ref in references(document)} <= schemas.keys()


def test_a_document_that_is_not_there_is_none(openapi: OpenAPI) -> None:
    assert openapi.v3("apis/none/v1") is None


def test_a_document_says_what_go_would_write(openapi: OpenAPI) -> None:
    """Go leaves out what is empty: clients that read a document and write it get the same."""
    document = json.loads(openapi.v3("apis/apps/v1") or b"")
    for item in document["paths"].values():
        actions = [each for each in item.values() if isinstance(each, dict)]
        assert all(each.get("parameters") != [] for each in [item, *actions])


def test_patches_say_that_they_validate_fields(openapi: OpenAPI) -> None:
    document = json.loads(openapi.v3("apis/apps/v1") or b"")
    patch = document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
    assert "fieldValidation" in {each["name"] for each in patch["parameters"]}
    assert patch["x-kubernetes-group-version-kind"] == {
        "group": "apps",
        "version": "v1",
        "kind": "Deployment",
    }


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            POD,
            [JSON, YAML, CONTENT_TYPE, f"{JSON};stream=watch", f"{CONTENT_TYPE};stream=watch"],
        ),
        (f"{POD}/{{name}}", [JSON, YAML, CONTENT_TYPE]),
        (f"{POD}/{{name}}/log", ["text/plain", JSON, YAML, CONTENT_TYPE]),
        (f"{POD}/{{name}}/exec", ["*/*"]),
    ],
)
def test_answers_say_in_which_forms_they_come(openapi: OpenAPI, path: str, expected: list[str]) -> None:
    assert json.loads(openapi.v2()())["paths"][path]["get"]["produces"] == expected
    document = json.loads(openapi.v3("api/v1") or b"")
    assert list(document["paths"][path]["get"]["responses"]["200"]["content"]) == expected


def test_only_v3_tells_defaults(openapi: OpenAPI) -> None:
    name = "io.k8s.api.core.v1.ContainerPort"
    new = json.loads(openapi.v3("api/v1") or b"")["components"]["schemas"][name]["properties"]
    old = json.loads(openapi.v2()())["definitions"][name]["properties"]
    assert (new["protocol"]["default"], new["containerPort"]["default"]) == ("TCP", 0)
    assert "default" not in old["protocol"]


def test_new_resources_change_the_documents() -> None:
    served = list(scheme.BUILTIN[:3])
    openapi = OpenAPI(lambda: served)
    before = openapi.v3_hash("api/v1")
    served.append(scheme.PODS)
    assert openapi.v3_hash("api/v1") != before
    assert re.search(rb"createCoreV1NamespacedPod", openapi.v2()())


def test_the_protobuf_form_nests_and_names_its_fields() -> None:
    document = {
        "swagger": "2.0",
        "info": {"title": "t", "version": "v"},
        "paths": {},
        "definitions": {"A": {"type": "string", "x-y": 1}},
    }
    schema = b"\xb2\x01\x08" + b"\x0a\x06string" + b"\xfa\x01\x0a" + b"\x0a\x03x-y" + b"\x12\x03\x12\x011"
    named = b"\x0a\x01A" + b"\x12" + bytes([len(schema)]) + schema
    definitions = b"\x0a" + bytes([len(named)]) + named
    expected = (
        b"\x0a\x032.0" + b"\x12\x06\x0a\x01t\x12\x01v" + b"\x42\x00" + b"\x4a" + bytes([len(definitions)])
    )
    assert encode(document) == expected + definitions


def test_a_document_is_of_what_was_served_when_it_was_asked_for() -> None:
    """It may be made in a thread, while definitions come and go."""
    served = [*scheme.BUILTIN]
    openapi = OpenAPI(lambda: served)
    make = openapi.v2()
    served.remove(scheme.PODS)
    assert "/api/v1/pods" in json.loads(make())["paths"]
    assert "/api/v1/pods" not in json.loads(openapi.v2()())["paths"]


async def test_who_asks_at_the_same_time_gets_one_document(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made side by side in threads, it would take them all so many times as long."""
    made: list[str] = []

    def document(*args: Any) -> Any:
        made.append("v2")
        time.sleep(0.05)
        return {"paths": {}, "definitions": {}}

    async def settled() -> None:
        return None

    monkeypatch.setattr(swagger, "document", document)
    app = FastAPI(openapi_url=None)
    app.include_router(router(OpenAPI(lambda: scheme.BUILTIN), settled))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        answers = await asyncio.gather(*(client.get("/openapi/v2") for _ in range(3)))
    assert [each.status_code for each in answers] == [200] * 3
    assert made == ["v2"]
