"""PATCH over the store in memory, as a client sees it."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from tests.fakes.api import Api
from tests.unit.apiserver.handlers.requests import MAPS, MERGE, STRATEGIC


def config_map() -> dict[str, Any]:
    return {"metadata": {"name": "a"}, "data": {"k": "v"}}


@pytest.mark.parametrize(
    ("kind", "patch", "data"),
    [
        pytest.param("merge-patch", {"data": {"k": None, "l": "w"}}, {"l": "w"}, id="merge"),
        pytest.param("strategic-merge-patch", {"data": {"l": "w"}}, {"k": "v", "l": "w"}, id="strategic"),
        pytest.param(
            "json-patch", [{"op": "replace", "path": "/data/k", "value": "w"}], {"k": "w"}, id="json"
        ),
    ],
)
async def test_patches(api: Api, kind: str, patch: Any, data: dict[str, str]) -> None:
    await api.request("POST", MAPS, config_map())
    answer = await api.request("PATCH", f"{MAPS}/a", patch, {"content-type": f"application/{kind}+json"})
    assert (answer.status, answer.json["data"]) == (200, data)


@pytest.mark.parametrize("headers", [MERGE, STRATEGIC])
async def test_no_patch_changes_the_uid(api: Api, headers: dict[str, str]) -> None:
    """That of a PUT is a precondition instead."""
    await api.request("POST", MAPS, config_map())
    answer = await api.request("PATCH", f"{MAPS}/a", {"metadata": {"uid": "x"}}, headers)
    message = 'ConfigMap "a" is invalid: metadata.uid: Invalid value: "x": field is immutable'
    assert (answer.status, answer.json["message"]) == (422, message)
    put = await api.request("PUT", f"{MAPS}/a", {"metadata": {"name": "a", "uid": "x"}})
    assert (put.status, "UID in precondition: x" in put.json["message"]) == (409, True)


async def test_a_strategic_patch_may_say_another_kind(api: Api) -> None:
    """It is taken for what the path says; Ansible's k8s_scale tells a Scale that it is a Deployment."""
    await api.request("POST", MAPS, config_map())
    patch = {"apiVersion": "apps/v1", "kind": "Deployment", "data": {"l": "w"}}
    answer = await api.request("PATCH", f"{MAPS}/a", patch, STRATEGIC)
    assert (answer.status, answer.json.get("kind"), answer.json.get("data")) == (
        200, "ConfigMap", {"k": "v", "l": "w"},
    )  # fmt: skip
    refused = await api.request("PATCH", f"{MAPS}/a", patch, MERGE)
    assert (refused.status, refused.json["reason"]) == (422, "Invalid")


DECODING = "error decoding patch:"


@pytest.mark.parametrize(
    ("kind", "patch", "message"),
    [
        ("strategic-merge-patch", b'{"data":', "unexpected end of JSON input"),
        (
            "strategic-merge-patch",
            b"[]",
            "json: cannot unmarshal array into Go value of type map[string]interface {}",
        ),
        ("merge-patch", b'{"data":', "error decoding patch: unexpected end of JSON input"),
        (
            "merge-patch",
            b"1",
            f"{DECODING} json: cannot unmarshal number into Go value of type map[string]interface {{}}",
        ),
        (
            "json-patch",
            b"{}",
            f"{DECODING} json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
        ),
        (
            "json-patch",
            b'["x"]',
            f"{DECODING} json: cannot unmarshal string into Go value of type handlers.jsonPatchOp",
        ),
    ],
)
async def test_patches_that_are_none(api: Api, kind: str, patch: bytes, message: str) -> None:
    await api.request("POST", MAPS, config_map())
    answer = await api.request("PATCH", f"{MAPS}/a", patch, {"content-type": f"application/{kind}+json"})
    assert (answer.status, answer.json["message"]) == (400, message)


@pytest.mark.parametrize(
    ("kind", "patch", "shown", "problem"),
    [
        pytest.param(
            STRATEGIC, {"data": "x", "metadata": {"labels": None, "finalizers": ["f/g"]}},
            "map[data:x metadata:map[finalizers:[f/g] labels:<nil>]]", "cannot restore map from string",
            id="no map",
        ),
        pytest.param(
            STRATEGIC, {"immutable": 1}, "map[immutable:1]", "cannot convert int64 to bool", id="no scalar"
        ),
        pytest.param(
            STRATEGIC, {"metadata": "x"}, "map[metadata:x]", "cannot restore struct from: string",
            id="no struct",
        ),
        pytest.param(
            STRATEGIC, {"more": True}, "map[more:true]", 'strict decoding error: unknown field "more"',
            id="unknown",
        ),
        pytest.param(
            MERGE, {"data": "x"}, '"data":"x"',
            "json: cannot unmarshal string into Go struct field ConfigMap.data of type map[string]string",
            id="merge",
        ),
        pytest.param(
            MERGE, {"more": True}, '"more":true', 'strict decoding error: unknown field "more"',
            id="unknown in a merge",
        ),
    ],
)  # fmt: skip
async def test_a_patch_whose_result_does_not_fit_is_shown(
    api: Api, kind: dict[str, str], patch: Any, shown: str, problem: str
) -> None:
    """A strategic one as itself and in the words of the converter, others by their result."""
    await api.request("POST", MAPS, config_map())
    answer = await api.request("PATCH", f"{MAPS}/a?fieldValidation=Strict", patch, kind)
    (cause,) = answer.json["details"]["causes"]
    assert (answer.status, cause["field"]) == (422, "patch")
    told, _, rest = cause["message"].removeprefix("Invalid value: ").rpartition(f": {problem}")
    assert (shown in orjson.loads(told), rest) == (True, "")
    assert answer.json["message"] == f' "" is invalid: patch: {cause["message"]}'


async def test_patches_at_once_all_count(api: Api) -> None:
    await api.request("POST", MAPS, config_map())
    patches = [{"data": {f"n{index}": "1"}} for index in range(20)]
    answers = await asyncio.gather(*(api.request("PATCH", f"{MAPS}/a", each, MERGE) for each in patches))
    assert {answer.status for answer in answers} == {200}
    assert len((await api.request("GET", f"{MAPS}/a")).json["data"]) == 21


async def test_a_patch_that_names_an_old_version_is_a_conflict(api: Api) -> None:
    await api.request("POST", MAPS, config_map())
    patch = {"metadata": {"resourceVersion": "1"}, "data": {"k": "2"}}
    assert (await api.request("PATCH", f"{MAPS}/a", patch, MERGE)).status == 409
