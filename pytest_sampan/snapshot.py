"""The store put back to what it was: how one cluster serves test after test, each as if it were new.

Nothing is asked to go away by its own rules, with finalizers and grace, for that may take for ever. What is
stored is what there is: every daemon sees it go by its watches and ends what it did for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from apimachinery.objects import Object
from apimachinery.serialize import from_json, to_json
from apiserver.storage.interface import KeyExists, KeyValue, RevisionMismatch, Storage

ROOT = "/registry/"
NAMESPACES, NODES = "/registry/namespaces/", "/registry/minions/"
HEARTBEATS = ("/registry/leases/", "/registry/masterleases/")
PASSES = 5
"""Controllers finish what they were at: what they write meanwhile is found by the next look."""
AT_ONCE = 64

Stored = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of a key. `value` None deletes it; `revision` 0 creates it."""

    key: str
    value: bytes | None
    revision: int


def changes(before: Stored, now: Iterable[KeyValue]) -> list[Change]:
    """What makes the store what it was. Namespaces go first, so that nobody puts more into them."""
    present = {each.key: each for each in now if not each.key.startswith(HEARTBEATS)}
    gone = [Change(key, None, each.revision) for key, each in present.items() if key not in before]
    lost = [
        Change(key, value, 0)
        for key, value in before.items()
        if key not in present and not key.startswith(HEARTBEATS)
    ]
    changed = [
        Change(key, wanted, each.revision)
        for key, each in present.items()
        if key in before and (wanted := _as_it_was(key, before[key], each.value)) is not None
    ]
    gone.sort(key=lambda change: not change.key.startswith(NAMESPACES))
    return [*gone, *lost, *changed]


def _as_it_was(key: str, before: bytes, now: bytes) -> bytes | None:
    """The value that a key is to have again, or None if it is well. A Node's status is its kubelet's."""
    if before == now:
        return None
    if not key.startswith(NODES):
        return before
    old, new = from_json(before), from_json(now)
    return None if _will(old) == _will(new) else to_json({**old, "status": new.get("status", {})})


def _will(node: Object) -> object:
    """What others decide about a Node."""
    metadata = node["metadata"]
    return node.get("spec"), metadata.get("labels"), metadata.get("annotations")


async def take(storage: Storage) -> Stored:
    """Everything that is stored."""
    return {each.key: each.value for each in (await storage.list(ROOT)).items}


async def restore(storage: Storage, before: Stored) -> None:
    """Until nothing differs from before, or only what comes back as soon as it is gone."""
    for _ in range(PASSES):
        wanted = changes(before, (await storage.list(ROOT)).items)
        if not wanted:
            return
        namespaces = [each for each in wanted if each.value is None and each.key.startswith(NAMESPACES)]
        await _apply(storage, namespaces)
        await _apply(storage, wanted[len(namespaces) :])


async def _apply(storage: Storage, wanted: Iterable[Change]) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(change: Change) -> None:
        async with gate:
            with suppress(RevisionMismatch, KeyExists):  # somebody was faster; the next look sees to it
                await _make(storage, change)

    await asyncio.gather(*map(one, wanted))


async def _make(storage: Storage, change: Change) -> None:
    if change.value is None:
        await storage.delete(change.key, change.revision)
    elif change.revision:
        await storage.update(change.key, change.value, change.revision)
    else:
        await storage.create(change.key, change.value)
