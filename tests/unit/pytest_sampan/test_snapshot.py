"""What is to be done to a store so that it is what it was."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from apiserver.storage.interface import KeyValue
from apiserver.storage.memory import MemoryStorage
from pytest_sampan.snapshot import Change, changes, restore, take

POD, LEASE, NAMESPACE = "/registry/pods/ns/p", "/registry/leases/ns/l", "/registry/namespaces/ns"
NODE = "/registry/minions/n"


def node(ready: str, **spec: Any) -> bytes:
    return orjson.dumps({"metadata": {"name": "n"}, "spec": spec, "status": {"ready": ready}})


@pytest.mark.parametrize(
    ("before", "now", "wanted"),
    [
        pytest.param({POD: b"1"}, {POD: b"1"}, [], id="nothing has changed"),
        pytest.param({}, {POD: b"1"}, [Change(POD, None, 1)], id="what is new goes"),
        pytest.param({POD: b"1"}, {}, [Change(POD, b"1", 0)], id="what is gone comes back"),
        pytest.param({POD: b"1"}, {POD: b"2"}, [Change(POD, b"1", 1)], id="what differs is put right"),
        pytest.param({LEASE: b"1"}, {LEASE: b"2"}, [], id="heartbeats go on"),
        pytest.param({}, {LEASE: b"2"}, [], id="leases of new holders stay"),
        pytest.param(
            {},
            {POD: b"1", NAMESPACE: b"1"},
            [Change(NAMESPACE, None, 2), Change(POD, None, 1)],
            id="namespaces go first",
        ),
        pytest.param({NODE: node("no")}, {NODE: node("yes")}, [], id="a node's status is the kubelet's"),
        pytest.param(
            {NODE: node("no", podCIDR="a")},
            {NODE: node("yes", podCIDR="a", unschedulable=True)},
            [Change(NODE, node("yes", podCIDR="a"), 1)],
            id="what others did to a node is undone",
        ),
    ],
)
def test_what_is_to_change(before: dict[str, bytes], now: dict[str, bytes], wanted: list[Change]) -> None:
    stored = [KeyValue(key, value, revision) for revision, (key, value) in enumerate(now.items(), 1)]
    assert changes(before, stored) == wanted


async def test_a_store_is_put_back() -> None:
    storage = MemoryStorage()
    await storage.create(NAMESPACE, b"old")
    lost = await storage.create(POD, b"here")
    before = await take(storage)
    await storage.delete(POD, lost)
    await storage.create("/registry/pods/ns/new", b"there")
    await restore(storage, before)
    assert await take(storage) == {NAMESPACE: b"old", POD: b"here"}
