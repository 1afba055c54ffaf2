"""What a structural schema drops, fills in and refuses."""

from __future__ import annotations

import re
from typing import Any

import pytest

from apimachinery.objects import Object, deep_copy
from apiserver.customresources.schema.checker import StructuralChecker
from apiserver.customresources.schema.correlation import UNRELATED
from apiserver.customresources.schema.defaulting import apply_defaults
from apiserver.customresources.schema.embedded import validate_embedded
from apiserver.customresources.schema.fieldpath import FieldPathError, resolve_field_path
from apiserver.customresources.schema.formats import checker_of
from apiserver.customresources.schema.listtype import validate_lists
from apiserver.customresources.schema.pruning import prune
from apiserver.customresources.schema.structural import Structural
from apiserver.customresources.schema.values import ValueValidator
from tests.unit.apiserver.customresources.builders import obj

TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
PRESERVE = {"x-kubernetes-preserve-unknown-fields": True}


def array(items: Object, **more: Any) -> Object:
    return {"type": "array", "items": items, **more}


@pytest.mark.parametrize(
    ("schema", "value", "kept", "unknown"),
    [
        pytest.param(obj(a=TEXT), {"a": "1", "b": 2}, {"a": "1"}, ["b"], id="an unknown field"),
        pytest.param(
            obj(l=array(obj(a=TEXT))),
            {"l": [{"a": "1"}, {"b": 2}]},
            {"l": [{"a": "1"}, {}]},
            ["l[1].b"],
            id="in a list",
        ),
        pytest.param(
            {**obj(k=obj(a=TEXT)), **PRESERVE}, {"x": {"y": 1}}, {"x": {"y": 1}}, [], id="preserved"
        ),
        pytest.param(
            {**obj(k=obj(a=TEXT)), **PRESERVE},
            {"k": {"a": "1", "b": 2}},
            {"k": {"a": "1"}},
            ["k.b"],
            id="known inside of what is preserved",
        ),
        pytest.param(
            {"type": "object", "additionalProperties": obj(a=TEXT)},
            {"x": {"a": "1", "b": 2}},
            {"x": {"a": "1"}},
            ["x.b"],
            id="in a map",
        ),
        pytest.param(
            {"type": "object", "additionalProperties": True},
            {"x": {"a": 1}, "y": 2},
            {"x": {}, "y": 2},
            ["x.a"],
            id="a map of anything knows no fields of its values",
        ),
    ],
)
def test_pruning(schema: Object, value: Object, kept: Object, unknown: list[str]) -> None:
    found = prune(value, Structural(schema))
    assert (value, found) == (kept, unknown)


def test_apiversion_kind_and_metadata_are_left_alone_at_the_root() -> None:
    value: Object = {"apiVersion": "v1", "kind": "K", "metadata": {"name": "a"}, "other": 1}
    assert prune(value, Structural(obj(), is_root=True)) == ["other"]
    assert value == {"apiVersion": "v1", "kind": "K", "metadata": {"name": "a"}}


@pytest.mark.parametrize(
    ("schema", "value", "filled"),
    [
        pytest.param(obj(a={**TEXT, "default": "x"}), {}, {"a": "x"}, id="absent"),
        pytest.param(obj(a={**TEXT, "default": "x"}), {"a": "y"}, {"a": "y"}, id="given"),
        pytest.param(obj(a={**TEXT, "default": "x"}), {"a": None}, {"a": "x"}, id="null that may not be"),
        pytest.param(obj(a={**TEXT, "nullable": True}), {"a": None}, {"a": None}, id="null that may be"),
        pytest.param(obj(a=TEXT), {"a": None}, {}, id="null without a default goes"),
        pytest.param(obj(a=obj(b={**TEXT, "default": "x"})), {}, {}, id="not into what is not there"),
        pytest.param(
            obj(a={**obj(b={**TEXT, "default": "x"}), "default": {}}),
            {},
            {"a": {"b": "x"}},
            id="into a default",
        ),
        pytest.param(
            obj(l=array(obj(b={**NUMBER, "default": 1}))), {"l": [{}]}, {"l": [{"b": 1}]}, id="in lists"
        ),
    ],
)
def test_defaulting(schema: Object, value: Object, filled: Object) -> None:
    apply_defaults(value, Structural(schema))
    assert value == filled


VALUES: list[tuple[str, Object, Any, list[str]]] = [
    (
        "type",
        obj(a=NUMBER),
        {"a": "x"},
        ['a: Invalid value: "string": a in body must be of type integer: "string"'],
    ),
    ("a whole number may look like a float", obj(a=NUMBER), {"a": 3.0}, []),
    ("an integer is a number", obj(a={"type": "number"}), {"a": 3}, []),
    (
        "null",
        obj(a=TEXT),
        {"a": None},
        ['a: Invalid value: "null": a in body must be of type string: "null"'],
    ),
    (
        "int or string",
        obj(a={"x-kubernetes-int-or-string": True}),
        {"a": True},
        ['a: Invalid value: "boolean": a in body must be of type integer,string: "boolean"'],
    ),
    (
        "enum",
        obj(a={"enum": ["x", "y"], **TEXT}),
        {"a": "z"},
        ['a: Unsupported value: "z": supported values: "x", "y"'],
    ),
    ("required", {**obj(a=TEXT), "required": ["a"]}, {}, ["a: Required value"]),
    (
        "pattern",
        obj(a={**TEXT, "pattern": "^a$"}),
        {"a": "a\n"},
        ["a: Invalid value: \"a\\n\": a in body should match '^a$'"],
    ),
    (
        "too long",
        obj(a={**TEXT, "maxLength": 2}),
        {"a": "abc"},
        ["a: Too long: may not be more than 2 bytes"],
    ),
    (
        "minimum",
        obj(a={**NUMBER, "minimum": 1}),
        {"a": 0},
        ["a: Invalid value: 0: a in body should be greater than or equal to 1"],
    ),
    (
        "exclusive maximum",
        obj(a={"type": "number", "maximum": 0.5, "exclusiveMaximum": True}),
        {"a": 0.5},
        ["a: Invalid value: 0.5: a in body should be less than 0.5"],
    ),
    (
        "items",
        obj(l=array(TEXT, maxItems=1)),
        {"l": ["a", 5]},
        [
            'l[1]: Invalid value: "integer": l[1] in body must be of type string: "integer"',
            "l: Too many: 2: must have at most 1 items",
        ],
    ),
    (
        "format",
        obj(a={**TEXT, "format": "ipv4"}),
        {"a": "x"},
        ['a: Invalid value: "x": a in body must be of type ipv4: "x"'],
    ),
    ("unknown formats are not looked at", obj(a={**TEXT, "format": "odd"}), {"a": "x"}, []),
    (
        "one of",
        obj(
            a={
                "type": "object",
                "properties": {"x": TEXT, "y": TEXT},
                "oneOf": [{"required": ["x"]}, {"required": ["y"]}],
            }
        ),
        {"a": {"x": "1", "y": "2"}},
        [
            '<nil>: Invalid value: "": "a" must validate one and only one schema (oneOf). '
            "Found 2 valid alternatives"
        ],
    ),
    (
        "any of",
        obj(a={**TEXT, "anyOf": [{"pattern": "^a"}, {"pattern": "^b"}]}),
        {"a": "c"},
        [
            '<nil>: Invalid value: "": "a" must validate at least one schema (anyOf)',
            "a: Invalid value: \"c\": a in body should match '^a'",
        ],
    ),
    (
        "not",
        obj(a={**TEXT, "not": {"enum": ["x"]}}),
        {"a": "x"},
        ['<nil>: Invalid value: "": "a" must not validate the schema (not)'],
    ),
]


@pytest.mark.parametrize(("schema", "value", "errors"), [pytest.param(*row[1:], id=row[0]) for row in VALUES])
def test_values(schema: Object, value: Any, errors: list[str]) -> None:
    assert [str(each) for each in ValueValidator(schema).validate(value)] == errors


def test_errors_of_a_status_say_where_it_stands() -> None:
    [error] = ValueValidator(obj(a=NUMBER)).validate({"a": "x"}, UNRELATED, "status")
    assert str(error) == 'status.a: Invalid value: "string": a in body must be of type integer: "string"'


MAP_LIST = array(
    obj(name=TEXT, n={**NUMBER, "minimum": 1}),
    **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
)


@pytest.mark.parametrize(
    ("schema", "new", "old", "count"),
    [
        pytest.param(obj(a=NUMBER), {"a": "x"}, {"a": "x"}, 0, id="what was wrong before may stay"),
        pytest.param(
            obj(a=NUMBER, b=TEXT), {"a": "x", "b": "2"}, {"a": "x", "b": "1"}, 0, id="beside a change"
        ),
        pytest.param(obj(a=NUMBER), {"a": "y"}, {"a": "x"}, 1, id="not if it changes"),
        pytest.param(
            obj(l=MAP_LIST),
            {"l": [{"name": "b", "n": 2}, {"name": "a", "n": 0}]},
            {"l": [{"name": "a", "n": 0}]},
            0,
            id="items are found by their keys",
        ),
        pytest.param(
            obj(l=array(NUMBER)), {"l": ["x", 1]}, {"l": ["x"]}, 1, id="in atomic lists nothing is found"
        ),
    ],
)
def test_ratcheting(schema: Object, new: Object, old: Object, count: int) -> None:
    assert len(ValueValidator(schema).validate(new, old)) == count


@pytest.mark.parametrize(
    ("schema", "value", "errors"),
    [
        (
            obj(l=array(TEXT, **{"x-kubernetes-list-type": "set"})),
            {"l": ["a", "b", "a"]},
            ['l[2]: Duplicate value: "a"'],
        ),
        (
            obj(l=MAP_LIST),
            {"l": [{"name": "a"}, {"name": "a", "n": 2}]},
            ['l[1]: Duplicate value: {"name":"a"}'],
        ),
        (obj(l=MAP_LIST), {"l": [{"name": "a"}, {"name": "b"}]}, []),
    ],
)
def test_lists_that_promise_uniqueness(schema: Object, value: Object, errors: list[str]) -> None:
    assert [str(each) for each in validate_lists(value, Structural(schema))] == errors


EMBEDDED = {**obj(spec={"type": "object", **PRESERVE}), "x-kubernetes-embedded-resource": True}


def test_the_metadata_of_embedded_resources_is_checked() -> None:
    value: Object = {"tpl": {"metadata": {"name": "x", "nonsense": 1, "labels": "y"}}}
    checked = StructuralChecker(Structural(obj(tpl=EMBEDDED), is_root=True)).check(deep_copy(value))
    assert [each.path for each in checked.type_errors] == ["tpl.metadata.labels"]
    assert checked.unknown == ["tpl.metadata.nonsense"]


def test_embedded_resources_must_say_what_they_are() -> None:
    schema, value = Structural(obj(tpl=EMBEDDED)), {"tpl": {"kind": "Pod", "metadata": {"name": "-"}}}
    assert [each.path for each in validate_embedded(value, schema)] == ["tpl.apiVersion"]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("duration", "1h30m", "1 parsec"),
        ("uri", "https://a/b", "a b"),
        ("uuid4", "6ba7b810-9dad-41d1-80b4-00c04fd430c8", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        ("cidr", "10.0.0.0/8", "10.0.0.0"),
        ("date-time", "2024-01-02T03:04:05Z", "2024-01-02"),
        ("mac", "01:02:03:04:05:06", "01:02"),
        ("isbn", "978-0321751041", "978-0321751042"),
        ("creditcard", "4111 1111 1111 1111", "4111 1111 1111 1112"),
        ("hostname", "a.b", "-a"),
        ("byte", "YQ==", "%"),
        ("k8s-short-name", "a-b", "a.b"),
    ],
)
def test_formats(name: str, good: str, bad: str) -> None:
    check = checker_of(name)
    assert check is not None
    assert (check(good), check(bad)) == (True, False)


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        (".spec.none", "does not refer to a valid field"),
        ("spec", "expected [ or . but got: spec"),
        (".", "unexpected end of JSON path"),
        (".spec[a]", "expected single quoted string but got a"),
    ],
)
def test_paths_that_lead_nowhere(path: str, complaint: str) -> None:
    with pytest.raises(FieldPathError, match=f"^{re.escape(complaint)}$"):
        resolve_field_path(path, Structural(obj(spec=obj(a=TEXT))))


def test_a_path_leads_to_a_schema_by_names_and_keys() -> None:
    schema = Structural(obj(spec=obj(**{"a.b": {"type": "object", "additionalProperties": NUMBER}})))
    steps, found = resolve_field_path(".spec['a.b'].x", schema)
    assert [tuple(step) for step in steps] == [("spec", True), ("a.b", True), ("x", False)]
    assert found.type == "integer"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([], []),
        (-1, ['<nil>: Invalid value: "int64":  in body must be of type duration: "int64"']),
        (True, ['<nil>: Invalid value: "":  in body must be of type duration: ""']),
    ],
)
def test_a_type_with_a_format_is_told_by_its_format(value: Any, told: list[str]) -> None:
    errors = ValueValidator({"type": "string", "format": "duration"}).validate(value)
    assert [str(each) for each in errors] == told
