"""Custom resources through the dispatcher, over the store in memory."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import orjson
import pytest

from apimachinery.objects import Object
from apimachinery.scheme import BUILTIN
from apiserver.cel.environment import Outcome, Program
from apiserver.openapi import OpenAPI
from tests.fakes.api import Api
from tests.unit.apiserver.customresources.builders import DEFINITIONS, THINGS, definition, obj, thing, version
from tests.unit.apiserver.customresources.serving import MERGE, TEXT, create, define, until


async def test_instances_live_and_die_as_built_in_kinds_do(api: Api) -> None:
    await define(api, definition(version(spec=obj(a=TEXT))))
    made = await create(api, thing(spec={"a": "1", "b": 2}, status={"x": 1}))
    assert (made.status, made.json["spec"], made.json["metadata"]["generation"]) == (201, {"a": "1"}, 1)
    async with api.watch(
        f"{THINGS}?watch=1&resourceVersion={made.json['metadata']['resourceVersion']}"
    ) as watching:
        await api.request("PATCH", f"{THINGS}/a", {"spec": {"a": "2"}}, MERGE)
        deleted = await api.request("DELETE", f"{THINGS}/a")
        events = [(each["type"], each["object"]["spec"]["a"]) for each in await watching.take(2)]
    assert deleted.json["details"]["kind"] == "things"
    assert events == [("MODIFIED", "2"), ("DELETED", "2")]


async def test_lists_are_of_the_definitions_list_kind_and_their_items_say_what_they_are(api: Api) -> None:
    names = {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "Heap"}
    await define(api, definition(names=names))
    await create(api, thing("a"))
    await create(api, thing("b"))
    listed = (await api.request("GET", THINGS)).json
    assert (listed["kind"], listed["metadata"]["continue"]) == ("Heap", "")
    assert [(each["kind"], each["metadata"]["name"]) for each in listed["items"]] == [
        ("Thing", "a"),
        ("Thing", "b"),
    ]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            b'{"metadata":{"name":"a"}}',
            "the object provided is unrecognized (must be of type Thing): Object 'Kind' is missing in "
            '\'{"metadata":{"name":"a"}}\' ({"metadata":{"name":"a"}})',
        ),
        (
            b'{"kind":"Thing","metadata":{"name":"a"}}',
            "the API version in the data () does not match the expected API version (example.com/v1)",
        ),
    ],
)
async def test_the_url_does_not_say_what_an_instance_is(api: Api, body: bytes, message: str) -> None:
    await define(api, definition())
    answer = await api.request("POST", THINGS, body)
    assert (answer.status, answer.json["message"]) == (400, message)


async def test_a_subresource_that_there_is_not_hides_the_object(api: Api) -> None:
    await define(api, definition())
    answer = await api.request("GET", f"{THINGS}/a/nosuch")
    assert (answer.status, answer.json["message"]) == (404, 'things.example.com "a" not found')


async def test_before_there_is_a_definition_there_is_nothing(api: Api) -> None:
    assert (await api.request("GET", THINGS)).status == 404
    await define(api, definition())
    assert (await api.request("GET", THINGS)).status == 200
    for path in (THINGS.replace("things", "others"), THINGS.replace("v1", "v9")):
        answer = await api.request("GET", path)
        assert (answer.status, answer.body) == (404, b"404 page not found\n")


async def test_a_new_default_shows_in_what_was_stored_before(api: Api) -> None:
    await define(api, definition(version(spec=obj(a=TEXT))))
    await create(api, thing(spec={}))
    changed = definition(version(spec=obj(a=TEXT, b={**TEXT, "default": "x"})))
    await api.request("PATCH", f"{DEFINITIONS}/things.example.com", {"spec": changed["spec"]}, MERGE)
    await api.cache.fresh()
    assert (await api.request("GET", f"{THINGS}/a")).json["spec"] == {"b": "x"}


@pytest.mark.parametrize(
    ("door", "patch"), [("", {"metadata": {"labels": {"a": "b"}}}), ("/status", {"status": {}})]
)
async def test_a_new_rule_is_no_more_than_a_warning_where_nothing_changes(
    api: Api, door: str, patch: Object
) -> None:
    old = version(spec=obj(a=TEXT), subresources={"status": {}})
    await define(api, definition(old))
    await create(api, thing(spec={"a": "x"}))
    rules = [{"rule": "self.size() > 3", "message": "too short"}]
    a = {**TEXT, "maxLength": 9, "x-kubernetes-validations": rules}
    changed = definition(version(spec=obj(a=a), subresources={"status": {}}))
    await api.request("PATCH", f"{DEFINITIONS}/things.example.com", {"spec": changed["spec"]}, MERGE)
    await api.cache.fresh()
    answer = await api.request("PATCH", f"{THINGS}/a{door}", patch, MERGE)
    warning = '299 - "spec.a: Invalid value: \\"string\\": too short"'
    assert (answer.status, answer.warnings) == (200, [warning])
    refused = await api.request("PATCH", f"{THINGS}/a", {"spec": {"a": "y"}}, MERGE)
    assert (refused.status, refused.warnings) == (422, [])


async def test_a_watch_ends_when_the_definition_changes(api: Api) -> None:
    await define(api, definition())
    await create(api, thing())
    async with api.watch(f"{THINGS}?watch=1") as watching:
        await watching.take(1)
        await api.request(
            "PATCH", f"{DEFINITIONS}/things.example.com", {"spec": {"names": {"shortNames": ["t"]}}}, MERGE
        )
        async with asyncio.timeout(60):
            await watching.ended.wait()


async def test_the_status_subresource_changes_the_status_alone(api: Api) -> None:
    await define(api, definition(version(subresources={"status": {}})))
    await create(api, thing(status={"x": 1}))
    patch = {"metadata": {"labels": {"a": "b"}}, "spec": {"y": 1}, "status": {}}
    patched = (await api.request("PATCH", f"{THINGS}/a/status", patch, MERGE)).json
    assert (patched["status"], patched["metadata"].get("labels"), patched["metadata"]["generation"]) == (
        {},
        None,
        1,
    )


async def test_without_the_subresource_the_status_is_a_field_like_others(api: Api) -> None:
    await define(api, definition())
    await create(api, thing())
    assert (await api.request("GET", f"{THINGS}/a/status")).status == 404
    patched = (await api.request("PATCH", f"{THINGS}/a", {"status": {}}, MERGE)).json
    assert (patched["status"], patched["metadata"]["generation"]) == ({}, 2)


SCALE = {
    "specReplicasPath": ".spec.size",
    "statusReplicasPath": ".status.size",
    "labelSelectorPath": ".status.sel",
}


async def test_scale_looks_where_the_definition_says(api: Api) -> None:
    fields = obj(size={"type": "integer"})
    made = version(spec=fields, subresources={"scale": SCALE})
    made["schema"]["openAPIV3Schema"]["properties"]["status"] = obj(size={"type": "integer"}, sel=TEXT)
    await define(api, definition(made))
    await create(api, thing(spec={}, status={"size": 2, "sel": "a=b"}))
    unset = await api.request("GET", f"{THINGS}/a/scale")
    patched = (await api.request("PATCH", f"{THINGS}/a/scale", {"spec": {"replicas": 3}}, MERGE)).json
    assert (unset.status, unset.json["message"].partition("the ")[2]) == (
        500, 'spec replicas field ".spec.size" does not exist',
    )  # fmt: skip
    assert (patched["spec"], patched["status"]) == ({"replicas": 3}, {"replicas": 2, "selector": "a=b"})


@pytest.mark.parametrize("media", ["strategic-merge-patch+json", "json"])
async def test_a_scale_of_a_custom_resource_takes_the_patches_of_its_object(api: Api, media: str) -> None:
    fields = obj(replicas={"type": "integer"})
    await define(api, definition(version(spec=fields, subresources={"scale": SCALE})))
    await create(api, thing(spec={"replicas": 1}))
    headers = {"content-type": f"application/{media}"}
    refused = await api.request("PATCH", f"{THINGS}/a/scale", {"spec": {"replicas": 3}}, headers)
    assert refused.status == 415
    assert (
        "accepted media types include: application/json-patch+json, application/merge"
        in refused.json["message"]
    )
    assert "details" not in refused.json


async def test_a_scale_without_a_selector_has_none(api: Api) -> None:
    without = {name: path for name, path in SCALE.items() if name != "labelSelectorPath"}
    made = version(spec=obj(size={"type": "integer"}), subresources={"scale": without})
    await define(api, definition(made))
    await create(api, thing(spec={"size": 1}))
    assert (await api.request("GET", f"{THINGS}/a/scale")).json["status"] == {"replicas": 0}


async def test_tables_have_the_definitions_columns(api: Api) -> None:
    columns = [
        {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
        {"name": "Tags", "type": "string", "jsonPath": ".spec.tags"},
        {"name": "Old", "type": "date", "jsonPath": ".metadata.creationTimestamp", "priority": 1},
    ]
    fields = obj(size={"type": "integer"}, tags={"type": "array", "items": TEXT})
    await define(api, definition(version(spec=fields, additionalPrinterColumns=columns)))
    await create(api, thing("a", spec={"size": 3, "tags": ["x"]}))
    await create(api, thing("b", spec={}))
    accept = {"accept": "application/json;as=Table;g=meta.k8s.io;v=v1"}
    table = (await api.request("GET", THINGS, headers=accept)).json
    assert [each["name"] for each in table["columnDefinitions"]] == ["Name", "Size", "Tags", "Old"]
    assert [row["cells"] for row in table["rows"]] == [["a", 3, '["x"]', "0s"], ["b", None, None, "0s"]]


async def test_selectable_fields_select(api: Api) -> None:
    fields = obj(color=TEXT)
    await define(api, definition(version(spec=fields, selectableFields=[{"jsonPath": ".spec.color"}])))
    await create(api, thing("a", spec={"color": "red"}))
    await create(api, thing("b", spec={"color": "blue"}))
    await api.cache.fresh()
    found = (await api.request("GET", f"{THINGS}?fieldSelector=spec.color%3Dblue")).json["items"]
    refused = await api.request("GET", f"{THINGS}?fieldSelector=spec.size%3D1")
    assert [each["metadata"]["name"] for each in found] == ["b"]
    assert (refused.status, refused.json["message"]) == (400, "field label not supported: spec.size")


async def test_without_selectable_fields_a_refusal_has_the_same_words(api: Api) -> None:
    await define(api, definition(version()))
    refused = await api.request("GET", f"{THINGS}?fieldSelector=spec.size%3D1")
    assert (refused.status, refused.json["message"]) == (400, "field label not supported: spec.size")


async def test_versions_show_the_same_object_each_with_its_own_fields(api: Api) -> None:
    one = version("v1", spec=obj(a=TEXT, b=TEXT))
    two = version("v2", spec=obj(a=TEXT), storage=False, deprecated=True)
    await define(api, definition(one, two))
    await create(api, thing(spec={"a": "1", "b": "2"}))
    async with api.watch("/apis/example.com/v2/things?watch=1") as watching:
        [event] = await watching.take(1)
    shown = await api.request("GET", f"{THINGS.replace('v1', 'v2')}/a")
    assert (shown.json["apiVersion"], shown.json["spec"]) == ("example.com/v2", {"a": "1"})
    assert shown.headers["warning"] == '299 - "example.com/v2 Thing is deprecated"'
    assert event["object"]["spec"] == {"a": "1"}


async def test_what_is_of_another_kind_or_version_is_refused(api: Api) -> None:
    await define(api, definition(version(), version("v2", storage=False)))
    path = "/apis/example.com/v1/namespaces/default/things"
    other_version = await api.request("POST", path, thing(api_version="example.com/v2"))
    other_kind = await api.request("POST", path, thing() | {"kind": "Thong"})
    assert other_version.json["message"].startswith(
        "the API version in the data (example.com/v2) does not match"
    )
    assert other_kind.json["message"].endswith('kind: Invalid value: "Thong": must be Thing')


ELSEWHERE = "/apis/example.com/v1/things"
NO_NAME = "name must be provided"
UNSUPPORTED = '{} is not supported on resources of kind "things.example.com"'
NO_PATCH = "the body of the request was in an unknown format - accepted media types include: "


@pytest.mark.parametrize(
    ("method", "path", "media", "status", "message"),
    [
        ("HEAD", THINGS, "", 200, ""),
        ("HEAD", f"{THINGS}/a", "", 200, ""),
        ("HEAD", f"{THINGS}/none", "", 404, 'things.example.com "none" not found'),
        ("PUT", THINGS, "application/json", 400, NO_NAME),
        ("PATCH", THINGS, "application/merge-patch+json", 400, NO_NAME),
        ("PATCH", THINGS, "application/apply-patch+yaml", 400, NO_NAME),
        ("PATCH", THINGS, "application/strategic-merge-patch+json", 415, NO_PATCH),
        ("POST", f"{THINGS}/none", "application/json", 409, 'things.example.com "a" already exists'),
        ("OPTIONS", THINGS, "", 405, UNSUPPORTED.format("")),
        ("POST", f"{THINGS}/a/status", "application/json", 404, 'things.example.com "a" not found'),
        ("PUT", ELSEWHERE, "application/json", 404, None),
        ("DELETE", ELSEWHERE, "", 404, None),
        ("GET", f"{ELSEWHERE}/a", "", 404, None),
    ],
)
async def test_the_verb_alone_says_what_is_asked_for(
    api: Api, method: str, path: str, media: str, status: int, message: str | None
) -> None:
    """`message`: None where the path is not there at all."""
    await define(api, definition())
    await api.request("POST", THINGS, thing())
    answer = await api.request(method, path, thing() if media else None, {"content-type": media})
    assert answer.status == status
    if message is None:
        assert answer.body == b"404 page not found\n"
    elif message:
        assert answer.json["message"].startswith(message)


async def test_unknown_fields_are_told_of_as_strictly_as_is_asked(api: Api) -> None:
    await define(api, definition())
    strict = await api.request("POST", f"{THINGS}?fieldValidation=Strict", thing(spec={"x": 1}, other=1))
    warned = await api.request("POST", f"{THINGS}?fieldValidation=Warn", thing(spec={"x": 1}))
    assert strict.json["message"].endswith(
        'strict decoding error: unknown field "other", unknown field "spec.x"'
    )
    assert warned.headers["warning"] == '299 - "unknown field \\"spec.x\\""'


@pytest.mark.parametrize(
    ("kind", "number", "stored"),
    [
        ("integer", b"1.0", b"1"),
        ("number", b"1e2", b"100"),
        ("number", b"9223372036854775808", b"9.223372036854776e+18"),
        ("integer", b"9223372036854775807", b"9223372036854775807"),
        ("integer", b"9223372036854775808", b""),
        ("integer", b"1e16", b""),
    ],
)
@pytest.mark.parametrize("media", ["application/json", "application/yaml", "application/merge-patch+json"])
async def test_numbers_are_whole_or_floating_as_gos_decoder_has_them(
    api: Api, media: str, kind: str, number: bytes, stored: bytes
) -> None:
    await define(api, definition(version(spec=obj(n={"type": kind}))))
    method, path = ("PATCH", f"{THINGS}/a") if "patch" in media else ("POST", THINGS)
    if method == "PATCH":
        await create(api, thing())
    text = orjson.dumps(thing(spec={"n": 0})).replace(b'"n":0', b'"n":' + number)
    answer = await api.request(method, path, text, {"content-type": media})
    if stored or (media, number) == ("application/yaml", b"1e16"):  # whose digits come out of the YAML
        assert b'"spec":{"n":%b}' % (stored or b"10000000000000000") in answer.body
    else:
        assert answer.json["message"].endswith('spec.n in body must be of type integer: "number"')


async def test_an_update_must_say_of_what(api: Api) -> None:
    await define(api, definition())
    await create(api, thing())
    refused = await api.request("PUT", f"{THINGS}/a", thing())
    assert refused.json["details"]["causes"][0]["field"] == "metadata.resourceVersion"


async def test_discovery_lists_the_best_version_of_a_group_first(api: Api) -> None:
    await define(api, definition(version("v1beta1")))
    other = {"plural": "boxes", "singular": "box", "kind": "Box", "listKind": "BoxList"}
    better = definition(version("v2"), names=other) | {"metadata": {"name": "boxes.example.com"}}
    await api.request("POST", DEFINITIONS, better)
    await until(api, DEFINITIONS, lambda event: event["object"]["metadata"]["name"].startswith("boxes"))
    await until(api, DEFINITIONS, lambda event: event["object"]["status"]["conditions"])
    assert [each.version for each in api.custom.resources()] == ["v2", "v1beta1"]


async def test_what_was_stored_in_another_version_is_stored_in_the_new_one_when_it_is_written(
    api: Api,
) -> None:
    await define(api, definition(version("v1"), version("v2", storage=False)))
    await create(api, thing())
    moved = [version("v1", storage=False), version("v2")]
    patched = await api.request(
        "PATCH", f"{DEFINITIONS}/things.example.com", {"spec": {"versions": moved}}, MERGE
    )
    await api.cache.fresh()
    before = await api.storage.get("/registry/example.com/things/default/a")
    shown = (await api.request("GET", f"{THINGS.replace('v1', 'v2')}/a")).json
    await api.request("PATCH", f"{THINGS}/a", {"metadata": {"labels": {"a": "b"}}}, MERGE)
    after = await api.storage.get("/registry/example.com/things/default/a")
    assert patched.json["status"]["storedVersions"] == ["v1", "v2"]
    assert shown["apiVersion"] == "example.com/v2"
    assert before is not None
    assert b"example.com/v1" in before.value[:60]
    assert after is not None
    assert b"example.com/v2" in after.value[:60]


async def test_openapi_tells_of_custom_kinds_as_soon_as_they_are_served(api: Api) -> None:
    openapi = OpenAPI(lambda: [*BUILTIN, *api.custom.resources()], api.custom.definitions)
    assert openapi.v3("apis/example.com/v1") is None
    before = openapi.v3_hash("apis/apps/v1")
    await define(api, definition(version(spec=obj(a={**TEXT, "nullable": True, "description": "Of it."}))))
    document = orjson.loads(openapi.v3("apis/example.com/v1") or b"")
    schemas, paths = document["components"]["schemas"], document["paths"]
    kind = schemas["com.example.v1.Thing"]
    assert kind["properties"]["spec"]["properties"]["a"]["nullable"]
    assert kind["properties"]["metadata"]["allOf"][0]["$ref"].endswith("ObjectMeta")
    assert schemas["com.example.v1.ThingList"]["properties"]["items"]["items"]["$ref"].endswith("v1.Thing")
    assert "/apis/example.com/v1/namespaces/{namespace}/things/{name}" in paths
    patch = paths["/apis/example.com/v1/namespaces/{namespace}/things/{name}"]["patch"]
    assert not any("strategic" in each for each in patch["requestBody"]["content"])
    old = orjson.loads(openapi.v2()())["definitions"]["com.example.v1.Thing"]
    assert old["properties"]["spec"]["properties"]["a"] == {"description": "Of it."}
    assert openapi.v3_hash("apis/apps/v1") == before


async def test_others_are_served_while_the_cost_of_rules_is_counted(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []
    measure = Program.measure

    def noting(program: Program, variables: Any, limit: int) -> Outcome:
        outcome = measure(program, variables, limit)
        threads.append(threading.current_thread().name)
        return outcome

    monkeypatch.setattr(Program, "measure", noting)
    rule = {"rule": "self.exists(x, x < 'e') || self.all(x, self.all(y, x + y != 'ab'))"}
    few = {"type": "array", "items": {**TEXT, "maxLength": 9}, "maxItems": 500}
    await define(api, definition(version(spec=obj(a={**few, "x-kubernetes-validations": [rule]}))))
    made = await create(api, thing(spec={"a": ["c"] * 500}))
    changed = await api.request("PATCH", f"{THINGS}/a", {"spec": {"a": ["d"] * 500}}, MERGE)
    assert (made.status, changed.status, threads) == (201, 200, ["cel_0", "cel_0"])
