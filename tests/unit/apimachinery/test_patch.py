"""JSON and merge patches."""

from typing import Any

import pytest

from apimachinery.patch import (
    PatchError,
    create_merge_patch,
    create_three_way_merge_patch,
    json_patch,
    merge_patch,
)

DOC: dict[str, Any] = {"a": {"b": [1, 2, 3]}, "x/y": 1, "n": None}


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"op": "add", "path": "/a/c", "value": 5}, {"a": {"b": [1, 2, 3], "c": 5}, "x/y": 1, "n": None}),
        ({"op": "add", "path": "/a/b/1", "value": 9}, {"a": {"b": [1, 9, 2, 3]}, "x/y": 1, "n": None}),
        ({"op": "add", "path": "/a/b/-", "value": 9}, {"a": {"b": [1, 2, 3, 9]}, "x/y": 1, "n": None}),
        ({"op": "add", "path": "", "value": 7}, 7),
        ({"op": "remove", "path": "/x~1y"}, {"a": {"b": [1, 2, 3]}, "n": None}),
        ({"op": "replace", "path": "/a/b/0", "value": 0}, {"a": {"b": [0, 2, 3]}, "x/y": 1, "n": None}),
        ({"op": "replace", "path": "/a", "value": 0}, {"a": 0, "x/y": 1, "n": None}),
        ({"op": "replace", "path": "/gone", "value": 1}, {**DOC, "gone": 1}),
        ({"op": "move", "from": "/a/b/0", "path": "/m"}, {"a": {"b": [2, 3]}, "x/y": 1, "n": None, "m": 1}),
        ({"op": "copy", "from": "/a/b", "path": "/n"}, {"a": {"b": [1, 2, 3]}, "x/y": 1, "n": [1, 2, 3]}),
        ({"op": "test", "path": "/a/b/2", "value": 3}, DOC),
        ({"op": "test", "path": "/gone"}, DOC),
    ],
    ids=lambda value: value.get("op") if isinstance(value, dict) else None,
)
def test_json_patch_operations(operation: dict[str, Any], expected: Any) -> None:
    assert json_patch(DOC, [operation]) == expected
    assert DOC == {"a": {"b": [1, 2, 3]}, "x/y": 1, "n": None}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/gone"},
        {"op": "test", "path": "/x~1y", "value": 2},
        {"op": "test", "path": "/x~1y", "value": True},
        {"op": "add", "path": "/a/b/9", "value": 1},
        {"op": "add", "path": "/a/b/x", "value": 1},
        {"op": "add", "path": "/gone/x", "value": 1},
        {"op": "what", "path": "/a"},
        {"op": "add", "path": "a"},
        {"op": "add"},
        {"op": "add", "path": "/a"},
        {"op": "move", "path": "/a"},
        {"op": "remove", "path": "/a/b/-1"},
        {"op": "add", "path": "/x~1y/z", "value": 1},
    ],
    ids=str,
)
def test_json_patches_that_do_not_apply_are_refused(operation: dict[str, Any]) -> None:
    with pytest.raises(PatchError):
        json_patch(DOC, [operation])


def test_merge_patch_merges_maps_deletes_nulls_and_replaces_the_rest() -> None:
    document = {"a": {"b": 1, "c": 2}, "l": [1, 2], "t": "x"}
    assert merge_patch(document, {"a": {"b": None, "d": {"e": None, "f": 1}}, "l": [3], "t": {"u": 1}}) == {
        "a": {"c": 2, "d": {"f": 1}},
        "l": [3],
        "t": {"u": 1},
    }


def test_created_merge_patches_lead_to_the_new_version() -> None:
    old = {"a": {"b": 1, "c": 2}, "l": [1], "same": 1, "flag": 1}
    new = {"a": {"b": 1}, "l": [1, 2], "same": 1, "new": {"x": 1}, "flag": True}
    patch = create_merge_patch(old, new)
    assert patch == {"a": {"c": None}, "l": [1, 2], "new": {"x": 1}, "flag": True}
    assert merge_patch(old, patch) == new


def test_three_way_merge_patches_leave_what_others_set() -> None:
    original, modified = {"a": 1, "b": 2}, {"a": 5}
    current = {"a": 1, "b": 2, "theirs": 3}
    assert create_three_way_merge_patch(original, modified, current) == {"a": 5, "b": None}


def test_copies_that_double_the_document_are_stopped() -> None:
    bomb = [{"op": "copy", "from": "/a", "path": "/a/-"} for _ in range(100)]
    with pytest.raises(
        PatchError, match=r"accumulated size increase of copy is \d+, exceeding the limit 3145728"
    ):
        json_patch({"a": ["x" * 100]}, bomb)


def test_a_patch_does_not_nest_deeper_than_a_document_may() -> None:
    deeper = [{"op": "add", "path": "/a" * (level + 1), "value": {}} for level in range(300)]
    with pytest.raises(PatchError, match="exceeded max depth"):
        json_patch({}, deeper)
