"""Entries: bytes in, bytes out, the resourceVersion between."""

from __future__ import annotations

import orjson
import pytest

from apiserver.storage.entry import Entry, Kind

KIND = Kind("v1", "ConfigMap", lambda obj: {"data.k": obj["data"]["k"]})
VALUE = b'{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","labels":{"x":"y"}},"data":{"k":"v"}}'


def entry(value: bytes = VALUE, revision: int = 7) -> Entry:
    return Entry(KIND, "/registry/configmaps/ns/a", "ns", "a", revision, KIND.body(value, revision))


def test_the_revision_is_put_into_the_metadata() -> None:
    assert entry().data == VALUE.replace(b'"metadata":{', b'"metadata":{"resourceVersion":"7",')


def test_without_a_revision_nothing_is_put_in() -> None:
    assert entry(revision=0).data == VALUE


def test_what_is_stored_can_be_had_back() -> None:
    assert entry().value == VALUE
    assert entry(revision=0).value == VALUE


def test_a_value_written_by_another_hand_is_brought_into_form() -> None:
    other = orjson.dumps({"data": {"k": "v"}, "metadata": {"name": "a", "labels": {"x": "y"}}, "kind": "Old"})
    assert entry(other).obj == entry().obj


@pytest.mark.parametrize(
    "value", [b"", b"[]", b"{", b'{"kind":"ConfigMap"}'], ids=["empty", "list", "cut", "bare"]
)
def test_what_is_no_object_is_refused(value: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        KIND.body(value, 1)


def test_a_deletion_carries_its_own_revision() -> None:
    assert entry().at(9).obj["metadata"]["resourceVersion"] == "9"


def test_selectors_see_labels_and_fields() -> None:
    assert entry().selection() == (
        {"x": "y"},
        {"data.k": "v", "metadata.name": "a", "metadata.namespace": "ns"},
    )


def test_encoding_leaves_the_revision_out_and_the_kind_in_front() -> None:
    obj = {"data": {}, "metadata": {"name": "a", "resourceVersion": "3"}, "kind": "X", "apiVersion": "v9"}
    assert KIND.encode(obj) == b'{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"},"data":{}}'
