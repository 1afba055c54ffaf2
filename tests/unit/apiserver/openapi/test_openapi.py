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
from apiserver.openapi.routes import openapi_router


@pytest.fixture(scope="module")
def openapi() -> OpenAPI:
    return OpenAPI(lambda: scheme.BUILTIN)


JSON, YAML = "application/json", "application/yaml"
POD, WATCH = "/api/v1/namespaces/{namespace}/pods", "/api/v1/watch"


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
        (f"{POD}/{{name}}/exec", "post", "connect", "connectCoreV1PostNamespacedPodExec"),
        (f"{POD}/{{name}}/proxy/{{path}}", "put", "connect", "connectCoreV1PutNamespacedPodProxyWithPath"),
        ("/api/v1/nodes/{name}/proxy", "delete", "connect", "connectCoreV1DeleteNodeProxy"),
        (f"{WATCH}/namespaces/{{namespace}}/pods", "get", "watchlist", "watchCoreV1NamespacedPodList"),
        (f"{WATCH}/namespaces/{{namespace}}/pods/{{name}}", "get", "watch", "watchCoreV1NamespacedPod"),
        (f"{WATCH}/pods", "get", "watchlist", "watchCoreV1PodListForAllNamespaces"),
        (f"{WATCH}/nodes/{{name}}", "get", "watch", "watchCoreV1Node"),
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


@pytest.mark.parametrize(
    ("path", "method", "description"),
    [
        (POD, "get", "list or watch objects of kind Pod"),
        ("/api/v1/componentstatuses", "get", "list objects of kind ComponentStatus"),
        (POD, "post", "create a Pod"),
        ("/apis/networking.k8s.io/v1/ingressclasses", "post", "create an IngressClass"),
        ("/api/v1/namespaces/{namespace}/endpoints/{name}", "delete", "delete Endpoints"),
        (f"{POD}/{{name}}/eviction", "post", "create eviction of a Pod"),
        (f"{POD}/{{name}}/status", "patch", "partially update status of the specified Pod"),
        (f"{POD}/{{name}}/attach", "get", "connect GET requests to attach of Pod"),
    ],
)
def test_operations_say_what_they_do(path: str, method: str, description: str) -> None:
    found = {(each.path, each.method): each for each in operations(scheme.BUILTIN)}[path, method]
    assert found.description == description


def named(parameters: list[Any]) -> list[str]:
    return [each["name"] for each in parameters]


def test_parameters_are_explained_and_those_of_all_methods_said_once(openapi: OpenAPI) -> None:
    paths = json.loads(openapi.v2()())["paths"]
    assert named(paths[POD]["parameters"]) == ["namespace", "pretty"]
    assert named(paths[POD]["post"]["parameters"]) == ["body", "dryRun", "fieldManager", "fieldValidation"]
    log = paths[f"{POD}/{{name}}/log"]
    assert "parameters" not in log["get"]
    assert {"container", "tailLines", "name", "pretty"} <= set(named(log["parameters"]))
    assert "pretty" not in named(paths[f"{POD}/{{name}}/exec"]["parameters"])
    every = [each for item in paths.values() for each in item.get("parameters", ())]
    every += [
        each
        for item in paths.values()
        for one in item.values()
        if isinstance(one, dict)
        for each in one.get("parameters", ())
        if each["in"] != "body"
    ]
    assert all(each["description"] for each in every)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        (f"{POD}/{{name}}", "io.k8s.api.core.v1.Pod"),
        ("/api/v1/namespaces/{namespace}/configmaps/{name}", "io.k8s.apimachinery.pkg.apis.meta.v1.Status"),
        ("/apis/resource.k8s.io/v1/deviceclasses/{name}", "io.k8s.api.resource.v1.DeviceClass"),
    ],
)
def test_what_a_deletion_answers(openapi: OpenAPI, path: str, answer: str) -> None:
    responses = json.loads(openapi.v2()())["paths"][path]["delete"]["responses"]
    assert responses["200"]["schema"]["$ref"] == f"#/definitions/{answer}"


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
        schemas = document["components"].get("schemas", {})
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
    app.include_router(openapi_router(OpenAPI(lambda: scheme.BUILTIN), settled))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        answers = await asyncio.gather(*(client.get("/openapi/v2") for _ in range(3)))
    assert [each.status_code for each in answers] == [200] * 3
    assert made == ["v2"]
