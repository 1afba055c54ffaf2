"""Conversion webhooks: versions whose fields have other names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apimachinery.objects import Object
from apiserver.admission.webhooks.caller import CallError
from apiserver.admission.webhooks.hooks import Endpoint
from apiserver.customresources.conversion_review import ConversionError, answered
from apiserver.customresources.webhook_conversion import restored
from tests.fakes.api import serving
from tests.unit.apiserver.customresources.builders import DEFINITIONS, THINGS, definition, obj, thing, version
from tests.unit.apiserver.customresources.serving import established
from tests.unit.counting import Counting

TEXT = {"type": "string"}
MERGE = {"content-type": "application/merge-patch+json"}
WEBHOOK = {"clientConfig": {"url": "https://hooks.example.com/convert"}, "conversionReviewVersions": ["v1"]}
V2 = THINGS.replace("v1", "v2")


def two_versions() -> Object:
    """v1 calls `old` what v2 calls `new`."""
    one = version("v1", spec=obj(old=TEXT), selectableFields=[{"jsonPath": ".spec.old"}])
    two = version("v2", spec=obj(new=TEXT), storage=False, selectableFields=[{"jsonPath": ".spec.new"}])
    return definition(one, two, conversion={"strategy": "Webhook", "webhook": WEBHOOK})


class Renaming:
    """A webhook that knows what the field is called, and counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    async def ask(self, endpoint: Endpoint, url: str, review: Any, seconds: float) -> Any:
        request = review["request"]
        self.asked.append(len(request["objects"]))
        wanted = request["desiredAPIVersion"]
        name = {"example.com/v1": "old", "example.com/v2": "new"}[wanted]
        converted = [
            {**each, "apiVersion": wanted, "spec": {name: next(iter(each["spec"].values()), "")}}
            for each in request["objects"]
        ]
        response = {"uid": request["uid"], "result": {"status": "Success"}, "convertedObjects": converted}
        return {"kind": "ConversionReview", "apiVersion": review["apiVersion"], "response": response}


async def test_each_version_has_its_own_fields_for_reading_writing_and_watching() -> None:
    webhook = Renaming()
    async with serving(ask=webhook.ask) as api:
        await api.request("POST", DEFINITIONS, two_versions())
        await established(api)
        made = await api.request("POST", V2, thing(api_version="example.com/v2", spec={"new": "x"}))
        stored = await api.request("GET", f"{THINGS}/a")
        async with api.watch(f"{V2}?watch=1") as watching:
            await api.request("PATCH", f"{V2}/a", {"spec": {"new": "y"}}, MERGE)
            events = [(each["type"], each["object"]["spec"]) for each in await watching.take(2)]
        await api.request("POST", THINGS, thing("b", spec={"old": "z"}))
        listed = (await api.request("GET", V2)).json
        dry = await api.request("PATCH", f"{V2}/a?dryRun=All", {"spec": {"new": "dry"}}, MERGE)
        after = await api.request("GET", f"{V2}/a")
    assert (made.json["apiVersion"], made.json["spec"]) == ("example.com/v2", {"new": "x"})
    assert (stored.json["apiVersion"], stored.json["spec"]) == ("example.com/v1", {"old": "x"})
    assert events == [("ADDED", {"new": "x"}), ("MODIFIED", {"new": "y"})]
    assert [each["spec"] for each in listed["items"]] == [{"new": "y"}, {"new": "z"}]
    assert (dry.json["spec"], after.json["spec"]) == ({"new": "dry"}, {"new": "y"})


async def test_each_version_is_selected_from_by_its_own_fields() -> None:
    webhook = Renaming()
    selected = f"{V2}?fieldSelector=spec.new%3Dx"
    async with serving(ask=webhook.ask) as api:
        await api.request("POST", DEFINITIONS, two_versions())
        await established(api)
        await api.request("POST", THINGS, thing("a", spec={"old": "x"}))
        async with api.watch(f"{selected}&watch=1") as watching:
            await api.request("POST", THINGS, thing("b", spec={"old": "y"}))
            await api.request("POST", THINGS, thing("c", spec={"old": "x"}))
            await api.request("PATCH", f"{THINGS}/a", {"spec": {"old": "z"}}, MERGE)
            events = [(each["type"], each["object"]["metadata"]["name"]) for each in await watching.take(3)]
        listed = (await api.request("GET", selected)).json["items"]
        await api.request("DELETE", selected)
        left = (await api.request("GET", THINGS)).json["items"]
    assert events == [("ADDED", "a"), ("ADDED", "c"), ("DELETED", "a")]
    assert [each["spec"] for each in listed] == [{"new": "x"}]
    assert [each["metadata"]["name"] for each in left] == ["a", "b"]


async def test_what_has_been_converted_is_not_asked_for_again() -> None:
    webhook = Renaming()
    async with serving(ask=webhook.ask) as api:
        await api.request("POST", DEFINITIONS, two_versions())
        await established(api)
        for name in ("a", "b"):
            await api.request("POST", THINGS, thing(name, spec={"old": name}))
        for _ in range(3):
            await api.request("GET", V2)
    assert webhook.asked == [2]


async def test_without_an_answer_only_the_stored_version_is_served() -> None:
    async with serving() as api:
        await api.request("POST", DEFINITIONS, two_versions())
        await established(api)
        await api.request("POST", THINGS, thing(spec={"old": "x"}))
        failed = await api.request("GET", f"{V2}/a")
        refused = await api.request("POST", V2, thing("b", api_version="example.com/v2", spec={"new": "x"}))
        assert (await api.request("GET", f"{THINGS}/a")).status == 200
    assert (failed.status, refused.status) == (500, 500)
    assert failed.json == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "conversion webhook for example.com/v1, Kind=Thing failed: "
        'Post "https://hooks.example.com/convert?timeout=30s": connection refused',
        "code": 500,
    }


async def test_an_apply_in_one_version_takes_from_owners_in_another() -> None:
    applied = {
        "apiVersion": "example.com/v2",
        "kind": "Thing",
        "metadata": {"name": "a"},
        "spec": {"new": "y"},
    }
    async with serving(ask=Renaming().ask) as api:
        await api.request("POST", DEFINITIONS, two_versions())
        await established(api)
        await api.request("POST", THINGS, thing(spec={"old": "x"}))
        answer = await api.request(
            "PATCH",
            f"{V2}/a?fieldManager=me&force=true",
            applied,
            {"content-type": "application/apply-patch+yaml"},
        )
        stored = await api.request("GET", f"{THINGS}/a")
    assert (answer.status, answer.json.get("spec")) == (200, {"new": "y"})
    assert stored.json["spec"] == {"old": "y"}
    owners = {each["manager"]: each["fieldsV1"] for each in answer.json["metadata"]["managedFields"]}
    assert owners["me"] == {"f:spec": {"f:new": {}}}


REVIEW = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview"}
OBJECT = thing(api_version="example.com/v2")
RETURNED = "conversion webhook for example.com/v1, Kind=Thing returned "


@pytest.mark.parametrize(
    ("converted", "error"),
    [
        ([], f"{RETURNED}0 objects, expected 1"),
        ([None], "unexpected end of JSON input"),
        ([{"spec": 1}], "Object 'Kind' is missing in '{\"spec\":1}'"),
        ([OBJECT | {"kind": 5, "apiVersion": "a"}], "Object 'Kind' is missing in '"),
        (
            [OBJECT | {"apiVersion": 5}],
            f"{RETURNED}invalid object at index 0: invalid groupVersion (expected example.com/v2, received )",
        ),
        (["x"], "json: cannot unmarshal string into Go value of type map[string]interface {}"),
        (
            [OBJECT | {"apiVersion": "example.com/v3"}],
            f"{RETURNED}invalid object at index 0: "
            "invalid groupVersion (expected example.com/v2, received example.com/v3)",
        ),
        (
            [OBJECT | {"kind": "Other"}],
            f"{RETURNED}invalid object at index 0: invalid kind (expected Thing, received Other)",
        ),
        ([OBJECT | {"metadata": None}], f"{RETURNED}invalid object: must have the same name: a != "),
    ],
)
async def test_what_is_wrong_with_converted_objects_is_told(converted: list[Any], error: str) -> None:
    async def ask(endpoint: Endpoint, url: str, review: Any, seconds: float) -> Any:
        response = {"uid": review["request"]["uid"], "result": {"status": "Success"}}
        return REVIEW | {"response": response | {"convertedObjects": converted}}

    async with serving(ask=ask) as api:
        await api.request("POST", DEFINITIONS, two_versions())
        await established(api)
        await api.request("POST", THINGS, thing(spec={"old": "x"}))
        answer = await api.request("GET", f"{V2}/a")
    assert answer.status == 500
    assert answer.json["message"].startswith(error)


CALL, MALFORMED, PARTIAL, INVALID = (
    f"conversion_webhook_{each}_failure"
    for each in ("call", "malformed_response", "partial_response", "invalid_converted_object")
)


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (lambda uid, each: {"uid": uid, "convertedObjects": [each]}, ""),
        (lambda uid, each: {"uid": uid, "convertedObjects": []}, PARTIAL),
        (lambda uid, each: {"uid": uid, "convertedObjects": [each | {"kind": "Other"}]}, INVALID),
        (lambda uid, each: {"uid": "another"}, MALFORMED),
        (None, CALL),
    ],
)
async def test_what_comes_of_asking_is_counted(
    answer: Callable[[str, Object], Object] | None, failure: str
) -> None:
    async def ask(endpoint: Endpoint, url: str, review: Any, seconds: float) -> Any:
        if answer is None:
            raise CallError("failed to call webhook: no")
        (obj,) = review["request"]["objects"]
        response = answer(review["request"]["uid"], obj | {"apiVersion": "example.com/v2"})
        return REVIEW | {"response": {"result": {"status": "Success"}, **response}}

    counting = Counting()
    async with serving(ask=ask) as api:
        await api.request("POST", DEFINITIONS, two_versions())
        await established(api)
        await api.request("POST", THINGS, thing(spec={"old": "x"}))
        await api.request("GET", f"{V2}/a")
    labels = {"result": "failure" if failure else "success", "failure_type": failure}
    for name in ("request_total", "duration_seconds_count"):
        assert counting.more(f"apiserver_conversion_webhook_{name}", **labels) == 1
    which = {"crd_name": "things.example.com", "from_version": "v1", "to_version": "v2"}
    name = "apiserver_crd_conversion_webhook_duration_seconds_count"
    assert counting.more(name, **which, succeeded="false" if failure else "true") == 1


@pytest.mark.parametrize(
    ("review", "error"),
    [
        (
            {"kind": "Pod", "apiVersion": "v1"},
            'no kind "Pod" is registered for version "v1" in scheme "k8s.io/apiserver/pkg/util/webhook/',
        ),
        (
            {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "no"},
            "converting (v1.Status) to (v1.ConversionReview): unknown conversion",
        ),
        (
            REVIEW | {"apiVersion": "apiextensions.k8s.io/v1beta1"},
            "converting (v1beta1.ConversionReview) to (v1.ConversionReview): unknown conversion",
        ),
        (
            None,
            "expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got /, Kind=",
        ),
        (REVIEW | {"apiVersion": 1.5}, "couldn't get version/kind; json parse error: json: cannot unmarshal"),
        (
            REVIEW | {"response": 5},
            "json: cannot unmarshal number into Go struct field ConversionReview.response of type "
            "v1.ConversionResponse",
        ),
        (
            REVIEW | {"response": {"convertedObjects": 5}},
            "json: cannot unmarshal number into Go struct field ConversionResponse.response.convertedObjects "
            "of type []runtime.RawExtension",
        ),
        (
            REVIEW | {"response": {"result": {"code": "x"}}},
            "json: cannot unmarshal string into Go struct field Status.response.result.code of type int32",
        ),
        (REVIEW, "no response provided"),
        ({**REVIEW, "response": {"uid": "2"}}, 'expected response.uid="1", got "2"'),
        ({**REVIEW, "response": {"uid": "1", "result": {"status": "Failure", "message": "no"}}}, "no"),
        ({**REVIEW, "response": {"uid": "1"}}, "response.result.status was '', not 'Success'"),
    ],
)
def test_answers_that_are_none(review: Any, error: str) -> None:
    with pytest.raises(ConversionError) as raised:
        answered(review, "1", "v1")
    assert str(raised.value).startswith(error)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"name": "b"}, "invalid object: must have the same name: a != b"),
        ({"labels": {"-": "x"}}, "invalid metadata: metadata.labels: Invalid value"),
        ({"labels": {"": "x"}}, "invalid metadata: [metadata.labels: Invalid value"),
        ({"name": 5}, "invalid object: must have the same name: a != "),
        (
            {"labels": {"a": 5}},
            "invalid metadata: metadata.labels[a] must be a string, but is int64 in converted object",
        ),
        (
            {"annotations": ["a"]},
            "invalid metadata: invalid metadata.annotations of type []interface {} in converted object",
        ),
    ],
)
def test_objects_that_come_back_as_others(change: Object, error: str) -> None:
    with pytest.raises(ConversionError) as raised:
        restored(thing(), OBJECT | {"metadata": {"name": "a"} | change})
    assert str(raised.value).startswith(error)


def test_of_metadata_a_webhook_changes_labels_and_annotations_only() -> None:
    before = thing() | {
        "metadata": {"name": "a", "uid": "1", "finalizers": ["x/y"], "annotations": {"k": "v"}}
    }
    after = thing(api_version="example.com/v2") | {
        "metadata": {"name": "a", "uid": "1", "labels": {"l": "m"}}
    }
    assert restored(before, after)["metadata"] == {
        "name": "a",
        "uid": "1",
        "finalizers": ["x/y"],
        "labels": {"l": "m"},
    }
