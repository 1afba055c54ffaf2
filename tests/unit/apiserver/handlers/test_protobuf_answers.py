"""Answers in protobuf: they say what those in JSON say, and custom resources have none."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from apimachinery.objects import Object
from apimachinery.protobuf import CONTENT_TYPE, decode
from apimachinery.protobuf_encoder import encoder_of, enveloped, message_of
from apimachinery.schema import definition_name
from tests.fakes.api import Answer, Api
from tests.unit.apimachinery.protobuf_objects import without_empty
from tests.unit.apiserver.customresources.builders import DEFINITIONS, THINGS, definition, thing
from tests.unit.apiserver.handlers.requests import DEPLOYMENTS, MAPS

AUTOSCALERS = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers"
PROTOBUF = {"accept": CONTENT_TYPE}
MERGE = {"content-type": "application/merge-patch+json", **PROTOBUF}
METADATA = {"accept": f"{CONTENT_TYPE};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}
METADATA_LIST = {"accept": f"{CONTENT_TYPE};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}
CONFIG_MAP = {
    "metadata": {"name": "a", "labels": {"x": "y"}},
    "data": {"k": "v"},
    "binaryData": {"b": "AP8="},
}


def deployment() -> Object:
    template = {"metadata": {"labels": {"x": "y"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"selector": {"matchLabels": {"x": "y"}}, "template": template}
    return {"metadata": {"name": "a"}, "spec": spec}


def autoscaler() -> Object:
    target = {"kind": "Deployment", "name": "a", "apiVersion": "apps/v1"}
    return {"metadata": {"name": "a"}, "spec": {"maxReplicas": 3, "scaleTargetRef": target}}


def decoded(data: bytes) -> Object:
    obj = decode(data, lambda api_version, kind: message_of(api_version, kind, definition_name))
    told: Object = without_empty(obj)
    return told


def object_of(answer: Answer) -> Object:
    assert answer.headers["content-type"] == CONTENT_TYPE
    assert int(answer.headers["content-length"]) == len(answer.body)
    return decoded(answer.body)


async def in_json(api: Api, path: str, accept: str = "application/json") -> Any:
    """What a GET in JSON says; items of lists without zeros, too."""
    return without_empty((await api.request("GET", path, headers={"accept": accept})).json)


@pytest.mark.parametrize(
    ("path", "obj"), [(MAPS, CONFIG_MAP), (DEPLOYMENTS, deployment()), (AUTOSCALERS, autoscaler())]
)
async def test_objects_and_lists_say_what_they_say_in_json(api: Api, path: str, obj: Object) -> None:
    created = await api.request("POST", path, obj, PROTOBUF)
    assert created.status == 201
    assert object_of(created) == await in_json(api, f"{path}/a")
    assert object_of(await api.request("GET", f"{path}/a", headers=PROTOBUF)) == object_of(created)
    assert object_of(await api.request("GET", path, headers=PROTOBUF)) == await in_json(api, path)
    again = await api.request("GET", path, headers=PROTOBUF)
    assert object_of(again) == await in_json(api, path)


@pytest.mark.parametrize("api_version", ["v1", "apps/v1", "meta.k8s.io/v1"])
async def test_options_of_a_deletion_are_of_any_group(api: Api, api_version: str) -> None:
    created = await api.request("POST", MAPS, CONFIG_MAP)
    stale = {"preconditions": {"uid": "another"}}
    message = encoder_of("apimachinery.pkg.apis.meta.v1.DeleteOptions")
    headers = {"content-type": CONTENT_TYPE}
    refused = await api.request(
        "DELETE", f"{MAPS}/a", enveloped(api_version, "DeleteOptions", message(stale)), headers
    )
    assert refused.status == 409
    meant = {"preconditions": {"uid": created.json["metadata"]["uid"]}}
    deleted = await api.request(
        "DELETE", f"{MAPS}/a", enveloped(api_version, "DeleteOptions", message(meant)), headers
    )
    assert deleted.status == 200


async def test_changes_are_answered_in_protobuf(api: Api) -> None:
    await api.request("POST", MAPS, CONFIG_MAP)
    patched = await api.request("PATCH", f"{MAPS}/a", {"data": {"k": "w"}}, MERGE)
    assert object_of(patched)["data"] == {"k": "w"}
    updated = await api.request("PUT", f"{MAPS}/a", CONFIG_MAP, PROTOBUF)
    assert object_of(updated)["data"] == {"k": "v"}
    deleted = object_of(await api.request("DELETE", f"{MAPS}/a", headers=PROTOBUF))
    assert (deleted["kind"], deleted["status"], deleted["details"]["name"]) == ("Status", "Success", "a")
    collection = object_of(await api.request("DELETE", MAPS, headers=PROTOBUF))
    assert collection["kind"] == "ConfigMapList"


async def test_a_scale_is_answered_in_protobuf(api: Api) -> None:
    await api.request("POST", DEPLOYMENTS, deployment())
    scale = object_of(await api.request("GET", f"{DEPLOYMENTS}/a/scale", headers=PROTOBUF))
    assert scale == await in_json(api, f"{DEPLOYMENTS}/a/scale")


async def test_metadata_alone_is_told_of_objects_and_lists(api: Api) -> None:
    await api.request("POST", MAPS, CONFIG_MAP)
    alone = object_of(await api.request("GET", f"{MAPS}/a", headers=METADATA))
    assert (alone["kind"], alone["metadata"]["name"]) == ("PartialObjectMetadata", "a")
    listed = object_of(await api.request("GET", MAPS, headers=METADATA_LIST))
    assert [each["metadata"]["name"] for each in listed["items"]] == ["a"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "reason"),
    [
        ("GET", f"{MAPS}/b", None, 404, "NotFound"),
        ("POST", MAPS, {"metadata": {"name": "A_"}}, 422, "Invalid"),
        ("POST", MAPS, b"{", 400, "BadRequest"),
    ],
)
async def test_errors_are_told_in_protobuf(
    api: Api, method: str, path: str, body: Any, status: int, reason: str
) -> None:
    answer = await api.request(method, path, body, PROTOBUF)
    told = object_of(answer)
    assert (answer.status, told["code"], told["reason"]) == (status, status, reason)
    assert told == without_empty((await api.request(method, path, body)).json)


async def test_who_accepts_nothing_is_told_so_before_anything_is_done(api: Api) -> None:
    refused = await api.request("POST", MAPS, CONFIG_MAP, {"accept": "text/html"})
    assert (refused.status, refused.json["reason"]) == (406, "NotAcceptable")
    assert refused.body.startswith(b'{\n  "')
    assert (await api.request("GET", f"{MAPS}/a")).status == 404


async def test_a_watch_sends_frames(api: Api) -> None:
    await api.request("POST", MAPS, CONFIG_MAP)
    watched = (
        f"{MAPS}?watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan"
    )
    async with api.watch(watched, PROTOBUF) as watching:
        (added, first), (bookmark, mark) = await watching.take(2)
        assert watching.content_type == f"{CONTENT_TYPE};stream=watch"
        assert (added, decoded(first)) == ("ADDED", await in_json(api, f"{MAPS}/a"))
        assert (bookmark, decoded(mark)["metadata"]["annotations"]) == (
            "BOOKMARK",
            {"k8s.io/initial-events-end": "true"},
        )
        await api.request("PATCH", f"{MAPS}/a", {"data": {"k": "w"}}, MERGE)
        ((modified, second),) = await watching.take(1)
        assert (modified, decoded(second)) == ("MODIFIED", await in_json(api, f"{MAPS}/a"))


async def test_a_watch_of_metadata_sends_nothing_else(api: Api) -> None:
    await api.request("POST", MAPS, CONFIG_MAP)
    async with api.watch(f"{MAPS}?watch=1", METADATA_LIST) as watching:
        ((kind, first),) = await watching.take(1)
        alone = decoded(first)
        assert (kind, alone["kind"], alone["metadata"]["name"]) == ("ADDED", "PartialObjectMetadata", "a")


async def test_a_watch_that_asks_for_what_is_forgotten_is_told_so_in_protobuf(api: Api) -> None:
    api.stores["", "v1", "configmaps"].cache.changes.reset(floor=5)
    async with api.watch(f"{MAPS}?watch=1&resourceVersion=1", PROTOBUF) as watching:
        ((kind, error),) = await watching.take(1)
        assert (kind, decoded(error)["reason"]) == ("ERROR", "Expired")


async def test_custom_resources_have_nothing_but_metadata_in_protobuf(api: Api) -> None:
    made = object_of(await api.request("POST", DEFINITIONS, definition(), PROTOBUF))
    assert made["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["type"] == "object"
    await until_served(api)
    await api.request("POST", THINGS, thing())
    refused = await api.request("GET", f"{THINGS}/a", headers=PROTOBUF)
    assert (refused.status, object_of(refused)["reason"]) == (406, "NotAcceptable")
    other = await api.request("GET", f"{THINGS}/a", headers={"accept": f"{CONTENT_TYPE},application/json"})
    assert other.json["kind"] == "Thing"
    assert object_of(await api.request("GET", f"{THINGS}/a", headers=METADATA))["metadata"]["name"] == "a"


async def until_served(api: Api) -> None:
    async with asyncio.timeout(60), api.watch(f"{DEFINITIONS}?watch=1") as watching:
        while not (await watching.take(1))[0]["object"].get("status", {}).get("conditions"):
            pass
