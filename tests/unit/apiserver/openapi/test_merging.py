"""OpenAPI v2 of other servers in ours."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from apiserver.openapi import gnostic
from apiserver.openapi.merging import merged, part_of

PATH, KINDS = "/apis/example.com/v1", "x-kubernetes-group-version-kind"


def reference(name: str) -> Object:
    return {"$ref": f"#/definitions/{name}"}


def answering(name: str) -> Object:
    return {"get": {"responses": {"200": {"schema": reference(name)}}}}


THEIRS = {
    "swagger": "2.0",
    "paths": {
        f"{PATH}/": answering("List"), f"{PATH}/boats": answering("Boat"),
        f"{PATH}beta1/boats": answering("Old"), "/version": answering("Info"),
    },
    "definitions": {
        "List": {"type": "object"},
        "Boat": {"properties": {"meta": reference("Meta"), "sails": {"items": reference("Boat")}}},
        "Meta": {"type": "object", "description": "theirs"}, "Old": {}, "Info": {},
    },
}  # fmt: skip


def ours(**definitions: Object) -> Object:
    return {"swagger": "2.0", "paths": {"/version": {"get": {}}}, "definitions": definitions}


def test_a_part_has_what_its_paths_need() -> None:
    part = part_of(THEIRS, PATH)
    assert list(part.paths) == [f"{PATH}/", f"{PATH}/boats"]
    assert set(part.definitions) == {"List", "Boat", "Meta"}
    assert part.digest == part_of(dict(THEIRS), PATH).digest != part_of(THEIRS, f"{PATH}beta1").digest


def test_parts_are_added_to_a_document_which_stays_as_it_is() -> None:
    document = ours(Pod={})
    whole = merged(document, [part_of(THEIRS, PATH)])
    assert list(whole["paths"]) == [f"{PATH}/", f"{PATH}/boats", "/version"]
    assert set(whole["definitions"]) == {"Pod", "List", "Boat", "Meta"}
    assert document == ours(Pod={})


@pytest.mark.parametrize(
    ("known", "name"),
    [
        ({"Meta": {"type": "object", "description": "theirs"}}, "Meta"),
        (
            {"Meta": {"type": "object", "description": "theirs", "x-kubernetes-group-version-kind": [{}]}},
            "Meta",
        ),
        ({"Meta": {"type": "object", "description": "ours"}}, "Meta_v2"),
        ({"Meta": {"a": 1}, "Meta_v2": {"a": 2}}, "Meta_v3"),
        ({"Meta": {"a": 1}, "Meta_v2": {"type": "object", "description": "theirs"}}, "Meta_v2"),
    ],
)
def test_definitions_of_one_name_that_differ_are_called_otherwise(known: dict[str, Any], name: str) -> None:
    whole = merged(ours(**known), [part_of(THEIRS, PATH)])
    assert whole["definitions"]["Boat"]["properties"]["meta"] == reference(name)
    assert whole["definitions"][name]["description"] == "theirs"
    assert {each: whole["definitions"][each] for each in known} == known


def test_paths_that_are_served_here_stay_ours() -> None:
    part = part_of({"paths": {"/version": answering("Info")}, "definitions": {}}, "/version")
    assert merged(ours(), [part])["paths"]["/version"] == {"get": {}}


def test_a_document_that_says_nothing_adds_nothing() -> None:
    assert merged(ours(), [part_of({}, PATH)]) == ours()


def test_parameters_that_are_shared_there_stand_in_each_path() -> None:
    name = {"name": "name", "in": "path", "type": "string", "required": True}
    document = {"paths": {PATH: {"parameters": [{"$ref": "#/parameters/n"}]}}, "parameters": {"n": name}}
    assert part_of(document, PATH).paths == {PATH: {"parameters": [name]}}


def test_what_others_leave_out_can_be_told_in_protobuf() -> None:
    whole = merged(ours() | {"info": {"title": "t", "version": "v"}}, [part_of(THEIRS, PATH)])
    assert f"{PATH}/boats".encode() in gnostic.encode(whole)
