"""Configurations merged into objects, and fields taken out of them."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from apimachinery.merge.combination import merge, remove, with_named_fields
from tests.unit.apimachinery_merge.shapes import everything

P80, P81, P82 = ({"port": number} for number in (80, 81, 82))

MERGES: list[Any] = [
    pytest.param({"text": "a", "number": 1}, {"text": "b"}, {"text": "b", "number": 1}, id="scalars"),
    pytest.param(
        {"struct": {"a": "x"}}, {"struct": {"b": "y"}}, {"struct": {"a": "x", "b": "y"}}, id="structs"
    ),
    pytest.param({"atomic": {"a": "x"}}, {"atomic": {"b": "y"}}, {"atomic": {"b": "y"}}, id="atomic structs"),
    pytest.param({"list": ["a"]}, {"list": ["b"]}, {"list": ["b"]}, id="atomic lists"),
    pytest.param({"set": ["a", "b"]}, {"set": ["c", "b"]}, {"set": ["a", "c", "b"]}, id="sets"),
    pytest.param({"map": {"k": "v"}}, {"map": None}, {"map": {"k": "v"}}, id="null changes no map"),
    pytest.param(
        {"ports": [P80, P81, P82]},
        {"ports": [P82 | {"name": "z"}, P80]},
        {"ports": [P81, P82 | {"name": "z"}, P80]},
        id="the order is the configuration's",
    ),
    pytest.param(
        {"ports": [P80, P81]}, {"ports": [P82]}, {"ports": [P80, P81, P82]}, id="new items come last"
    ),
    pytest.param({"free": {"x": {"y": 1}}}, {"free": {"x": 2}}, {"free": {"x": 2}}, id="another type"),
]


@pytest.mark.parametrize(("live", "config", "expected"), MERGES)
def test_a_configuration_is_merged(live: Any, config: Any, expected: Any) -> None:
    before = deepcopy([live, config])
    assert merge(live, config, everything()) == expected
    assert [live, config] == before


REMOVALS: list[Any] = [
    pytest.param({"text": "a", "number": 1}, {"f:text": {}}, {"number": 1}, id="a field"),
    pytest.param(
        {"struct": {"a": "x", "b": "y"}}, {"f:struct": {"f:a": {}}}, {"struct": {"b": "y"}}, id="below"
    ),
    pytest.param(
        {"struct": {"a": "x"}}, {"f:struct": {"f:a": {}}}, {"struct": None}, id="an emptied struct is null"
    ),
    pytest.param({"set": ["a", "b"]}, {"f:set": {'v:"a"': {}}}, {"set": ["b"]}, id="an item of a set"),
    pytest.param(
        {"ports": [P80, P81]},
        {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {}}},
        {"ports": [P81]},
        id="of a list map",
    ),
]


@pytest.mark.parametrize(("obj", "fields", "expected"), REMOVALS)
def test_fields_are_taken_out(obj: Any, fields: Any, expected: Any) -> None:
    assert remove(obj, fields, everything()) == expected


def test_named_fields_on_the_way_become_members() -> None:
    found = with_named_fields({"f:struct": {"f:a": {}}, "f:map": {"f:k": {}}}, everything())
    assert found == {"f:struct": {".": {}, "f:a": {}}, "f:map": {".": {}, "f:k": {}}}
    entries = {"f:free": {"f:x": {"f:y": {}}}}
    assert with_named_fields(entries, everything()) == {"f:free": {".": {}, "f:x": {"f:y": {}}}}
