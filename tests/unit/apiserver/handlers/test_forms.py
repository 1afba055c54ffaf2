"""Paths that lead somewhere or not, and the forms in which answers come."""

from __future__ import annotations

import pytest

from tests.fakes.api import Api
from tests.unit.apiserver.handlers.requests import MAPS, config_map


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/namespaces/default/gizmos", 404),
        ("GET", "/apis/nope.example.com/v1/things", 404),
        ("GET", f"{MAPS}/a/gizmo", 404),
        ("GET", "/api/v1/configmaps/a", 404),
        ("GET", "/api/v1/namespaces/default/nodes", 404),
        ("POST", "/api/v1/configmaps", 405),
        ("POST", "/api/v1/configmaps/a", 404),
        ("GET", f"{MAPS}/a/status/x", 404),
        ("GET", "/api/v1/namespaces/default/status/x", 404),
        ("GET", "/api/v1/namespaces/default/namespaces", 404),
        ("GET", "/api/v1/namespaces/default/namespaces/other", 404),
        ("GET", "/api/v1/namespaces/default/bindings/x", 404),
        ("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews/x", 404),
        ("GET", "/api/v1/bindings", 404),
        ("GET", "/apis/authorization.k8s.io/v1/localsubjectaccessreviews", 404),
        ("POST", "/api/v1/watch/pods", 405),
        ("DELETE", "/api/v1/watch/namespaces/default/pods/p", 405),
        ("GET", "/api/v1/watch/pods/p", 404),
        ("POST", "/api/v1/watch/pods/p", 404),
        ("GET", "/api/v1/watch/namespaces/default/pods/p/status", 404),
        ("GET", "/api/v1/watch/namespaces/default/services/s/proxy", 404),
        ("GET", "/api/v1/watch/componentstatuses", 404),
        ("POST", "/api/v1/watch/namespaces/default/nodes", 404),
        ("POST", f"{MAPS}/a", 405),
        ("PUT", MAPS, 405),
        ("DELETE", "/api/v1/namespaces", 405),
        ("HEAD", f"{MAPS}/a", 405),
        ("OPTIONS", f"{MAPS}/a", 405),
    ],
)
async def test_paths_that_lead_nowhere(api: Api, method: str, path: str, status: int) -> None:
    assert (await api.request(method, path)).status == status


DEPRECATED = '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"'


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""), ("GET", "/a"), ("POST", ""), ("PUT", "/a"), ("DELETE", "/a"), ("DELETE", ""),
    ],
)  # fmt: skip
async def test_endpoints_are_deprecated_whatever_is_done_with_them(api: Api, method: str, path: str) -> None:
    endpoints = "/api/v1/namespaces/default/endpoints"
    await api.request("POST", endpoints, {"metadata": {"name": "a"}})
    body = {"metadata": {"name": "b" if method == "POST" else "a"}} if method.startswith("P") else None
    answer = await api.request(method, endpoints + path, body)
    assert answer.headers["warning"] == DEPRECATED
    async with api.watch(f"{endpoints}?watch=1") as watching:
        assert watching.warning == DEPRECATED


@pytest.mark.parametrize(
    ("accept", "status", "kind"),
    [
        ("*/*", 200, "ConfigMapList"),
        ("application/vnd.kubernetes.protobuf;q=0.9, application/json", 200, "ConfigMapList"),
        ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", 200, "Table"),
        (
            "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
            200,
            "PartialObjectMetadataList",
        ),
        ("application/json;as=Poster;v=v1;g=meta.k8s.io,application/json", 200, "ConfigMapList"),
        ("application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io", 406, "Status"),
        ("text/html", 406, "Status"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", 200, "ConfigMapList"),
    ],
)
async def test_forms_of_a_list(api: Api, accept: str, status: int, kind: str) -> None:
    await api.request("POST", MAPS, config_map())
    answer = await api.request("GET", MAPS, headers={"accept": accept})
    assert (answer.status, answer.json["kind"]) == (status, kind)
    assert int(answer.headers["content-length"]) == len(answer.body)


def _as(kind: str) -> dict[str, str]:
    return {"accept": f"application/json;as={kind};v=v1;g=meta.k8s.io,application/json"}


NOT_A_LIST = "you requested PartialObjectMetadataList, but the requested object is not a list"
A_LIST = "you requested PartialObjectMetadata, but the requested object is a list"


@pytest.mark.parametrize(
    ("method", "path", "kind", "message"),
    [
        ("GET", MAPS, "PartialObjectMetadata", f"{A_LIST} (*core.ConfigMapList)"),
        ("DELETE", MAPS, "PartialObjectMetadata", f"{A_LIST} (*core.ConfigMapList)"),
        ("GET", f"{MAPS}/a", "PartialObjectMetadataList", f"{NOT_A_LIST} (*core.ConfigMap)"),
        (
            "GET",
            "/apis/events.k8s.io/v1/events",
            "PartialObjectMetadata",
            f"{A_LIST} (*core.EventList)",
        ),
        (
            "GET",
            "/apis/rbac.authorization.k8s.io/v1/roles",
            "PartialObjectMetadata",
            f"{A_LIST} (*rbac.RoleList)",
        ),
    ],
)
async def test_metadata_in_the_wrong_number_is_not_acceptable(
    api: Api, method: str, path: str, kind: str, message: str
) -> None:
    """Even where something else would be acceptable, too."""
    await api.request("POST", MAPS, config_map())
    answer = await api.request(method, path, headers=_as(kind))
    assert (answer.status, answer.json["reason"], answer.json["message"]) == (406, "NotAcceptable", message)


async def test_a_deleted_collection_is_told_in_the_form_of_a_list(api: Api) -> None:
    await api.request("POST", MAPS, config_map())
    answer = await api.request("DELETE", MAPS, headers=_as("Table"))
    assert [row["cells"][0] for row in answer.json["rows"]] == ["a"]


async def test_the_status_of_a_deletion_has_no_other_form(api: Api) -> None:
    await api.request("POST", MAPS, config_map())
    answer = await api.request("DELETE", f"{MAPS}/a", headers=_as("PartialObjectMetadataList"))
    assert (answer.status, answer.json["kind"]) == (200, "Status")


async def test_a_scale_has_columns_of_its_own(api: Api) -> None:
    path = "/apis/apps/v1/namespaces/default/deployments"
    labels = {"app": "a"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": 3, "selector": {"matchLabels": labels}, "template": pod}
    await api.request("POST", path, {"metadata": {"name": "d"}, "spec": spec})
    table = (await api.request("GET", f"{path}/d/scale", headers=_as("Table"))).json
    assert [each["name"] for each in table["columnDefinitions"]] == ["Name", "Desired", "Available", "Age"]
    assert table["rows"][0]["cells"][:3] == ["d", 3, 0]
    partial = (await api.request("GET", f"{path}/d/scale", headers=_as("PartialObjectMetadata"))).json
    assert (partial["kind"], partial["metadata"]["name"], "spec" in partial) == (
        "PartialObjectMetadata",
        "d",
        False,
    )


async def test_flow_schemas_are_shown_in_the_order_in_which_they_count(api: Api) -> None:
    path = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas"
    for name, precedence in (("a", 900), ("b", 8), ("c", 900)):
        spec = {"matchingPrecedence": precedence, "priorityLevelConfiguration": {"name": "p"}}
        assert (await api.request("POST", path, {"metadata": {"name": name}, "spec": spec})).status == 201
    table = (await api.request("GET", path, headers=_as("Table"))).json
    assert [row["cells"][0] for row in table["rows"]] == ["b", "a", "c"]


async def test_an_event_is_the_same_in_both_groups(api: Api) -> None:
    event = {
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Pod", "name": "p", "namespace": "default"},
        "reason": "R",
        "message": "hello",
        "type": "Normal",
    }
    created = await api.request("POST", "/api/v1/namespaces/default/events", event)
    assert created.status == 201
    other = (await api.request("GET", "/apis/events.k8s.io/v1/namespaces/default/events/e")).json
    assert (other["apiVersion"], other["note"], other["regarding"]["name"]) == (
        "events.k8s.io/v1",
        "hello",
        "p",
    )
    listed = (await api.request("GET", "/apis/events.k8s.io/v1/namespaces/default/events")).json
    assert [item["note"] for item in listed["items"]] == ["hello"]


@pytest.mark.parametrize(
    ("group", "selector", "expected"),
    [
        ("api/v1", "involvedObject.name=p,reportingComponent=c", ["e"]),
        ("api/v1", "regarding.name=p", "field label not supported: regarding.name"),
        ("apis/events.k8s.io/v1", "regarding.name=p,reportingController=c,metadata.name=e", ["e"]),
        ("apis/events.k8s.io/v1", "regarding.name!=p", []),
        ("apis/events.k8s.io/v1", "reportingComponent=c", "field label not supported: reportingComponent"),
    ],
)
async def test_events_are_selected_by_the_names_of_their_group(
    api: Api, group: str, selector: str, expected: object
) -> None:
    involved = {"kind": "Pod", "name": "p", "namespace": "default"}
    event = {"metadata": {"name": "e"}, "involvedObject": involved, "reportingComponent": "c"}
    assert (await api.request("POST", "/api/v1/namespaces/default/events", event)).status == 201
    answer = (await api.request("GET", f"/{group}/namespaces/default/events?fieldSelector={selector}")).json
    seen = [each["metadata"]["name"] for each in answer["items"]] if "items" in answer else answer["message"]
    assert seen == expected
