"""A store that is timed: what is counted under which operation and resource."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from apiserver.storage.interface import KeyExists, StorageUnreachable
from apiserver.storage.memory import MemoryStorage
from apiserver.storage.observed import ObservedStorage, resource_of


def samples(storage: ObservedStorage, name: str) -> dict[tuple[str, ...], float]:
    found = [each for family in storage.collect() for each in family.samples if each.name == name]
    labels = ("operation", "group", "resource")
    return {tuple(each.labels[label] for label in labels): each.value for each in found}


async def test_each_call_is_counted_and_timed() -> None:
    storage = ObservedStorage(MemoryStorage())
    revision = await storage.create("/registry/secrets/a/b", b"{}")
    with suppress(KeyExists):
        await storage.create("/registry/secrets/a/b", b"{}")
    await storage.update("/registry/secrets/a/b", b"{}", revision)
    await storage.list("/registry/deployments/")
    await storage.get("/registry/stable.example.com/crontabs/a/b")
    counted = {
        ("create", "", "secrets"): 2, ("update", "", "secrets"): 1, ("list", "apps", "deployments"): 1,
        ("get", "stable.example.com", "crontabs"): 1,
    }  # fmt: skip
    assert samples(storage, "etcd_requests_total") == counted
    assert samples(storage, "etcd_request_duration_seconds_count") == counted
    assert samples(storage, "etcd_request_errors_total") == {}


async def test_a_store_that_gives_no_answer_is_an_error() -> None:
    class Away(MemoryStorage):
        async def get(self, key: str) -> Any:
            raise StorageUnreachable("gone")

    storage = ObservedStorage(Away())
    with pytest.raises(StorageUnreachable):
        await storage.get("/registry/pods/a/b")
    assert samples(storage, "etcd_request_errors_total") == {("get", "", "pods"): 1}
    assert samples(storage, "etcd_requests_total") == {("get", "", "pods"): 1}


@pytest.mark.parametrize(
    ("key", "resource"),
    [
        ("/registry/services/specs/a/b", ("", "services")),
        ("/registry/services/endpoints/a/b", ("", "endpoints")),
        ("/registry/events/a/b", ("", "events")),
        ("/registry/ranges/serviceips", ("", "ranges")),
        ("/registry/", ("", "")),
        ("", ("", "")),
        ("compact_rev_key", ("", "")),
    ],
)
def test_keys_say_whose_they_are(key: str, resource: tuple[str, str]) -> None:
    assert resource_of(key) == resource
