"""Owner references that are told twice."""

from __future__ import annotations

from time import thread_time

import pytest

from apiserver.registry.owner_references import dedup_owner_references


def test_owners_are_told_apart_by_all_that_is_told() -> None:
    owners = [{"uid": "1"}, {"uid": "1", "controller": True}, {"uid": "1"}, {"uid": "2"}]
    obj = {"metadata": {"ownerReferences": owners}}
    (warning,) = dedup_owner_references(obj)
    assert warning.endswith("duplicate UID(s) observed: 1")
    assert obj["metadata"]["ownerReferences"] == [owners[0], owners[1], owners[3]]


@pytest.mark.parametrize("field", ["uid", "name"])
def test_many_owners_are_not_all_compared(field: str) -> None:
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}
    owners = [{**owner, field: str(index)} for index in range(10_000)]
    began = thread_time()
    assert dedup_owner_references({"metadata": {"ownerReferences": owners}}) == []
    assert thread_time() - began < 1
