"""Managed fields and server-side apply as clients see them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.api import Answer, Api
from tests.unit.apiserver.handlers.requests import DEPLOYMENTS, MAPS, MERGE

APPLY = {"content-type": "application/apply-patch+yaml"}


def config_map(**change: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "v"}} | change


def deployment(**spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template} | spec
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}


def managers(answer: Answer) -> list[tuple[str, str]]:
    entries = answer.json["metadata"].get("managedFields", ())
    return [(each["manager"], each["operation"]) for each in entries]


async def apply(api: Api, path: str, body: Any, query: str = "fieldManager=me") -> Answer:
    return await api.request("PATCH", f"{path}?{query}", body, APPLY)


async def test_an_apply_creates_then_changes_then_does_nothing(api: Api) -> None:
    first = await apply(api, f"{MAPS}/a", config_map())
    assert (first.status, managers(first)) == (201, [("me", "Apply")])
    second = await apply(api, f"{MAPS}/a", config_map(data={"k": "w"}))
    assert (second.status, second.json["data"]) == (200, {"k": "w"})
    third = await apply(api, f"{MAPS}/a", config_map(data={"k": "w"}))
    assert (third.status, third.json) == (200, second.json)


async def test_a_dry_run_stores_nothing(api: Api) -> None:
    tried = await apply(api, f"{MAPS}/a", config_map(), "fieldManager=me&dryRun=All")
    assert tried.status == 201
    assert (await api.request("GET", f"{MAPS}/a")).status == 404


@pytest.mark.parametrize(
    ("query", "body", "code", "message"),
    [
        (
            "",
            config_map(),
            422,
            'PatchOptions.meta.k8s.io "" is invalid: fieldManager: '
            "Required value: is required for apply patch",
        ),
        (
            "fieldManager=me",
            {"kind": "Secret", "apiVersion": "v1"},
            400,
            "invalid object type: /v1, Kind=Secret",
        ),
        ("fieldManager=me", {}, 400, "invalid object type: /, Kind="),
        ("fieldManager=me", {"apiVersion": 1, "kind": "Pod"}, 400, "invalid object type: /, Kind=Pod"),
        (
            "fieldManager=me",
            config_map(metadata="a"),
            500,
            "failed to create typed patch object (/; /v1, Kind=ConfigMap): .metadata: expected map, got &{a}",
        ),
        (
            "fieldManager=me",
            config_map(metadata=None),
            400,
            "the name of the object (a based on URL) was undeterminable: name must be provided",
        ),
        (
            "fieldManager=me",
            config_map(metadata={"name": "b"}),
            400,
            "the name of the object (b) does not match the name on the URL (a)",
        ),
        (
            "fieldManager=me",
            config_map(metadata={"name": "a", "uid": "7"}),
            409,
            'Operation cannot be fulfilled on configmaps "a": '
            "uid mismatch: the provided object specified uid 7, and no existing object was found",
        ),
        (
            "fieldManager=me",
            config_map(odd=1),
            500,
            "failed to create typed patch object (/a; /v1, Kind=ConfigMap): "
            ".odd: field not declared in schema",
        ),
        (
            "fieldManager=me",
            config_map(metadata={"name": "a", "generation": 1.5}),
            500,
            "failed to convert new object (/a; /v1, Kind=ConfigMap) to proper version: "
            "unable to convert unstructured object to /v1, Kind=ConfigMap: json: cannot unmarshal number 1.5 "
            "into Go struct field ObjectMeta.metadata.generation of type int64",
        ),
        (
            "fieldManager=me",
            b"[1]",
            400,
            "error decoding YAML: error unmarshaling JSON: while decoding JSON: "
            "json: cannot unmarshal array into Go value of type map[string]interface {}",
        ),
    ],
)
async def test_an_apply_is_refused(api: Api, query: str, body: Any, code: int, message: str) -> None:
    answer = await apply(api, f"{MAPS}/a", body, query)
    assert (answer.status, answer.json["message"]) == (code, message)


async def test_force_is_for_applies(api: Api) -> None:
    answer = await api.request("PATCH", f"{MAPS}/a?force=true", {}, MERGE)
    assert (
        answer.json["details"]["causes"][0]["message"]
        == "Forbidden: may not be specified for non-apply patch"
    )


async def test_repeated_keys_are_warned_about_or_refused(api: Api) -> None:
    body = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\ndata: {k: w}\n"
    warned = await apply(api, f"{MAPS}/a", body)
    assert warned.status == 201
    assert 'line 5: key \\"data\\" already set in map' in warned.headers["warning"]
    refused = await apply(api, f"{MAPS}/a", body, "fieldManager=me&fieldValidation=Strict")
    assert refused.status == 400
    assert (
        refused.json["message"] == "error strict decoding YAML: error converting YAML to JSON: "
        'yaml: unmarshal errors:\n  line 5: key "data" already set in map'
    )


async def test_every_write_is_somebodys(api: Api) -> None:
    agent = {"user-agent": "kubelet/v1.34.0 (linux)"}
    created = await api.request("POST", MAPS, config_map(), agent)
    assert managers(created) == [("kubelet", "Update")]
    patched = await api.request("PATCH", f"{MAPS}/a?fieldManager=me", {"data": {"x": "y"}}, MERGE)
    assert managers(patched) == [("kubelet", "Update"), ("me", "Update")]
    replaced = await api.request("PUT", f"{MAPS}/a", config_map(data={"k": "v"}))
    assert managers(replaced) == [("kubelet", "Update")]


async def test_applying_a_status_creates_nothing(api: Api) -> None:
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d"},
        "status": {"replicas": 1},
    }
    assert (await apply(api, f"{DEPLOYMENTS}/d/status", body)).status == 404
    await api.request("POST", DEPLOYMENTS, deployment())
    answer = await apply(api, f"{DEPLOYMENTS}/d/status", body)
    assert answer.json["status"]["replicas"] == 1
    entry = answer.json["metadata"]["managedFields"][0]
    assert (entry["subresource"], entry["fieldsV1"]) == ("status", {"f:status": {"f:replicas": {}}})


async def test_scaling_takes_the_replicas_from_who_applied_them(api: Api) -> None:
    await apply(api, f"{DEPLOYMENTS}/d", deployment(replicas=1))
    scaled = await api.request(
        "PATCH", f"{DEPLOYMENTS}/d/scale?fieldManager=scaler", {"spec": {"replicas": 2}}, MERGE
    )
    assert scaled.status == 200
    assert "managedFields" not in scaled.json["metadata"]
    read = await api.request("GET", f"{DEPLOYMENTS}/d")
    applier, scaler = read.json["metadata"]["managedFields"]
    assert "f:replicas" not in applier["fieldsV1"]["f:spec"]
    assert (scaler["manager"], scaler["apiVersion"], scaler["subresource"]) == ("scaler", "apps/v1", "scale")
    assert scaler["fieldsV1"] == {"f:spec": {"f:replicas": {}}}
    conflict = await apply(api, f"{DEPLOYMENTS}/d", deployment(replicas=3))
    owner = '"scaler" with subresource "scale" using apps/v1'
    message = f"Apply failed with 1 conflict: conflict with {owner}: .spec.replicas"
    assert (conflict.status, conflict.json["message"]) == (409, message)


async def test_a_scale_can_be_applied(api: Api) -> None:
    await api.request("POST", DEPLOYMENTS, deployment(replicas=1))
    body = {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {"name": "d"},
        "spec": {"replicas": 2},
    }
    refused = await apply(api, f"{DEPLOYMENTS}/d/scale", body)
    assert refused.status == 409
    forced = await apply(api, f"{DEPLOYMENTS}/d/scale", body, "fieldManager=me&force=true")
    assert (forced.status, forced.json["spec"]) == (200, {"replicas": 2})
    assert ("me", "Apply") in managers(await api.request("GET", f"{DEPLOYMENTS}/d"))


async def test_an_update_of_status_leaves_what_its_kind_resets(api: Api) -> None:
    await api.request("POST", DEPLOYMENTS, deployment())
    change = {"metadata": {"labels": {"x": "y"}, "annotations": {"x": "y"}}, "status": {"replicas": 1}}
    answer = await api.request("PATCH", f"{DEPLOYMENTS}/d/status?fieldManager=me", change, MERGE)
    metadata = answer.json["metadata"]
    assert ("labels" in metadata, metadata["annotations"]) == (False, {"x": "y"})
    mine = next(each for each in metadata["managedFields"] if each["manager"] == "me")
    assert mine["fieldsV1"].keys() == {"f:metadata", "f:status"}
    assert mine["fieldsV1"]["f:metadata"].keys() == {"f:annotations"}


async def test_what_is_too_large_with_its_managers_is_stored_without_them(api: Api) -> None:
    data = {f"key-{number:06}": "v" for number in range(45_000)}
    created = await api.request("POST", MAPS, config_map(data=data))
    assert (created.status, managers(created)) == (201, [])
    changed = await api.request("PATCH", f"{MAPS}/a", {"data": {"x": "y"}}, MERGE)
    assert (changed.status, managers(changed)) == (200, [])
