"""managedFields read, written, put in order and kept short."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.managed_fields import book
from apiserver.managed_fields.book import Identity

GOOD = {
    "manager": "m",
    "operation": "Update",
    "apiVersion": "v1",
    "fieldsType": "FieldsV1",
    "fieldsV1": {"f:a": {}},
}


def entry(manager: str, operation: str = "Update", version: str = "v1", time: str = "", sub: str = "") -> Any:
    return book.new_entry(Identity(manager, operation, "", sub), version, {"f:a": {}}, time or None)


def test_appliers_come_first_then_the_oldest() -> None:
    entries = [
        entry("b", time="2026-01-01T00:00:02Z"),
        entry("a", time="2026-01-01T00:00:02Z"),
        entry("c", time="2026-01-01T00:00:01Z"),
        entry("d", "Apply", time="2026-01-01T00:00:03Z"),
        entry("e", "Apply"),
    ]
    written = book.write(book.read(entries))
    assert [each["manager"] for each in written] == ["e", "d", "c", "a", "b"]


def test_an_applier_is_the_same_in_all_versions() -> None:
    found = book.read(
        [entry("a", "Apply", "v1"), entry("a", "Apply", "v2"), entry("a"), entry("a", sub="status")]
    )
    assert sorted(found) == [
        Identity("a", "Apply"),
        Identity("a", "Update", "v1"),
        Identity("a", "Update", "v1", "status"),
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"operation": "Delete"}, "operation must be `Apply` or `Update`"),
        ({"apiVersion": ""}, "apiVersion must not be empty"),
        ({"fieldsType": ""}, "missing fieldsType in managed fields entry 0"),
        ({"fieldsType": "V2"}, 'invalid fieldsType "V2" in managed fields entry 0'),
        ({"fieldsV1": {"a": {}}}, "error decoding set: key must be 2 characters long:"),
    ],
)
def test_nonsense_is_refused(change: Any, message: str) -> None:
    with pytest.raises(book.BookError, match=f"^{message}$"):
        book.read([GOOD | change])


@pytest.mark.parametrize(("entries", "expected"), [([], True), ([{}], True), (None, False), ([GOOD], False)])
def test_a_reset_is_an_empty_list_or_entry(entries: Any, expected: bool) -> None:
    assert book.is_reset(entries) is expected


def test_old_updates_are_put_together() -> None:
    entries = [entry(f"m{n}", time=f"2026-01-01T00:00:{n:02}Z") for n in range(13)]
    capped = book.write(book.capped(book.read([*entries, entry("x", "Apply")])))
    assert [each["manager"] for each in capped] == ["x", "ancient-changes", *(f"m{n}" for n in range(4, 13))]
    assert capped[1]["time"] == "2026-01-01T00:00:03Z"
