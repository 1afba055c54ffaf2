"""Watches: what is sent, in which order, and when it ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from apiserver.storage.topic import Topic
from tests.fakes.api import Api, Watching, serving
from tests.unit.apiserver.handlers.requests import MAPS, MERGE, PODS

BOOKMARKS = "allowWatchBookmarks=true"


async def create(api: Api, name: str, **labels: str) -> None:
    await api.request("POST", MAPS, {"metadata": {"name": name, "labels": labels}})


async def label(api: Api, name: str, **labels: str | None) -> None:
    await api.request("PATCH", f"{MAPS}/{name}", {"metadata": {"labels": labels}}, MERGE)


async def seen(watching: Watching, count: int) -> list[tuple[str, str]]:
    return [
        (event["type"], event["object"]["metadata"].get("name", "")) for event in await watching.take(count)
    ]


async def test_what_is_there_comes_first_then_every_change(api: Api) -> None:
    await create(api, "a")
    async with api.watch(f"{MAPS}?watch=1") as watching:
        await create(api, "b")
        await label(api, "a", x="y")
        await api.request("DELETE", f"{MAPS}/b")
        assert await seen(watching, 4) == [
            ("ADDED", "a"),
            ("ADDED", "b"),
            ("MODIFIED", "a"),
            ("DELETED", "b"),
        ]


async def test_from_a_revision_on_history_comes_first(api: Api) -> None:
    await create(api, "a")
    revision = await api.storage.current_revision()
    await create(api, "b")
    async with api.watch(f"{MAPS}?watch=1&resourceVersion={revision}") as watching:
        await create(api, "c")
        assert await seen(watching, 2) == [("ADDED", "b"), ("ADDED", "c")]


async def test_an_event_carries_the_whole_object_at_its_revision(api: Api) -> None:
    await create(api, "a")
    async with api.watch(f"{MAPS}?watch=1") as watching:
        [event] = await watching.take(1)
        assert event["object"] == (await api.request("GET", f"{MAPS}/a")).json
        await api.request("DELETE", f"{MAPS}/a")
        [gone] = await watching.take(1)
        revision = str(await api.storage.current_revision())
        assert gone["object"]["metadata"]["resourceVersion"] == revision


async def test_coming_into_a_selection_is_added_and_leaving_it_deleted(api: Api) -> None:
    async with api.watch(f"{MAPS}?watch=1&labelSelector=x") as watching:
        await create(api, "a")
        await label(api, "a", x="1")
        await label(api, "a", x="2")
        await label(api, "a", x=None)
        events = await watching.take(3)
        assert [event["type"] for event in events] == ["ADDED", "MODIFIED", "DELETED"]
        left = events[2]["object"]["metadata"]
        assert left["labels"] == {"x": "2"}, "as it was before it left"
        assert left["resourceVersion"] == str(await api.storage.current_revision())


async def test_a_node_sees_the_pods_that_are_bound_to_it(api: Api) -> None:
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    async with api.watch("/api/v1/pods?watch=1&fieldSelector=spec.nodeName%3Dn") as watching:
        await api.request("POST", PODS, pod)
        binding = {"metadata": {"name": "p"}, "target": {"name": "n"}}
        await api.request("POST", f"{PODS}/p/binding", binding)
        assert await seen(watching, 1) == [("ADDED", "p")]


async def test_other_namespaces_are_not_seen(api: Api) -> None:
    async with api.watch(f"{MAPS}?watch=1") as watching:
        await api.request("POST", "/api/v1/namespaces/other/configmaps", {"metadata": {"name": "x"}})
        await create(api, "a")
        assert await seen(watching, 1) == [("ADDED", "a")]


async def test_one_object_can_be_followed_by_its_path(api: Api) -> None:
    await create(api, "a")
    async with api.watch("/api/v1/watch/namespaces/default/configmaps/b") as watching:
        await create(api, "b")
        assert await seen(watching, 1) == [("ADDED", "b")]


@pytest.mark.parametrize("selector", ["metadata.name=a", "metadata.name!=b"])
async def test_a_selector_has_the_object_of_the_path_in_mind(api: Api, selector: str) -> None:
    path = f"/api/v1/watch/namespaces/default/configmaps/b?fieldSelector={selector}"
    answer = await api.request("GET", path)
    assert (answer.status, answer.json["message"]) == (
        400, "fieldSelector metadata.name doesn't match requested name",
    )  # fmt: skip


async def test_a_revision_that_is_forgotten_is_an_error_event(api: Api) -> None:
    for index in range(3):
        await create(api, f"n{index}")
    cache = api.stores["", "v1", "configmaps"].cache
    cache.changes.reset(await api.storage.current_revision())
    async with api.watch(f"{MAPS}?watch=1&resourceVersion=2") as watching:
        [event] = await watching.take(1)
        assert (watching.status, event["type"], event["object"]["code"]) == (200, "ERROR", 410)
        assert event["object"]["message"] == "too old resource version: 2 (4)"
        await watching.ended.wait()


async def test_a_gap_ends_the_watch(api: Api) -> None:
    async with api.watch(f"{MAPS}?watch=1") as watching:
        await create(api, "a")
        await watching.take(1)
        api.stores["", "v1", "configmaps"].cache.load([], 9)
        await watching.ended.wait()


async def test_a_slow_watcher_is_cut_off(api: Api) -> None:
    cache = api.stores["", "v1", "configmaps"].cache
    cache.changes = Topic(1, max_changes=2)
    path = "/api/v1/configmaps?watch=1&resourceVersion=1"
    async with api.watch(path) as watching:
        for index in range(8):
            cache.apply(event(index))
        await watching.ended.wait()


def event(index: int) -> Any:
    from apiserver.storage.interface import Event

    value = b'{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"n"}}'
    return Event(f"/registry/configmaps/default/n{index}", value, index + 2)


INITIAL = "&sendInitialEvents={}&resourceVersionMatch=NotOlderThan"


@pytest.mark.parametrize("asked", [INITIAL.format("true"), "", "&resourceVersion=0"])
async def test_initial_events_end_with_a_marked_bookmark(api: Api, asked: str) -> None:
    """They are asked for also where no revision is told to begin with."""
    await create(api, "a")
    await api.cache.fresh()
    async with api.watch(f"{MAPS}?watch=1&{BOOKMARKS}{asked}") as watching:
        added, bookmark = await watching.take(2)
        assert (added["type"], bookmark["type"]) == ("ADDED", "BOOKMARK")
        metadata = bookmark["object"]["metadata"]
        assert metadata == {
            "annotations": {"k8s.io/initial-events-end": "true"},
            "resourceVersion": str(await api.storage.current_revision()),
        }
        await create(api, "b")
        assert await seen(watching, 1) == [("ADDED", "b")]


async def test_history_comes_without_initial_events_too(api: Api) -> None:
    await create(api, "a")
    revision = await api.storage.current_revision()
    await create(api, "b")
    query = f"watch=1&resourceVersion={revision}{INITIAL.format('false')}"
    async with api.watch(f"{MAPS}?{query}") as watching:
        assert await seen(watching, 1) == [("ADDED", "b")]


@pytest.mark.looptime
async def test_what_is_too_new_to_be_told_of_is_an_event() -> None:
    query = f"watch=1&resourceVersion=18446744073709551615{INITIAL.format('true')}"
    async with serving() as api, api.watch(f"{MAPS}?{query}") as watching:
        [error] = await watching.take(1)
        assert (error["type"], error["object"]["code"]) == ("ERROR", 504)
        await watching.ended.wait()


@pytest.mark.looptime
async def test_bookmarks_come_once_a_minute_and_before_the_end() -> None:
    async with serving() as api, api.watch(f"{MAPS}?watch=1&timeoutSeconds=150&{BOOKMARKS}") as watching:
        await watching.ended.wait()
        events = [watching.events.get_nowait() for _ in range(watching.events.qsize())]
        assert [event["type"] for event in events] == ["BOOKMARK"] * 4  # the first ends the initial events
        assert events[1]["object"]["kind"] == "ConfigMap"


@pytest.mark.looptime
async def test_a_watch_ends_when_its_time_is_up_even_if_nothing_happens() -> None:
    async with serving() as api, api.watch(f"{MAPS}?watch=1&timeoutSeconds=5") as watching:
        await watching.ended.wait()
        assert watching.events.empty()


@pytest.mark.looptime
async def test_a_watch_that_names_no_end_lasts_as_long_as_the_server_says() -> None:
    loop = asyncio.get_running_loop()
    async with serving(watch_seconds=7) as api, api.watch(f"{MAPS}?watch=1") as watching:
        began = loop.time()
        await watching.ended.wait()
        assert 7 <= loop.time() - began <= 14


async def test_only_the_first_table_has_columns(api: Api) -> None:
    accept = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
    async with api.watch(f"{MAPS}?watch=1", accept) as watching:
        await create(api, "a")
        await create(api, "b")
        first, second = await watching.take(2)
        assert [row["cells"][0] for row in first["object"]["rows"]] == ["a"]
        assert first["object"]["columnDefinitions"]
        assert second["object"]["columnDefinitions"] is None


@pytest.mark.parametrize(
    ("include", "kind"),
    [("Metadata", "PartialObjectMetadata"), ("None", "PartialObjectMetadata"), ("Object", "ConfigMap")],
)
async def test_a_bookmark_among_tables_tells_that_initial_events_have_ended(
    api: Api, include: str, kind: str
) -> None:
    accept = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    await create(api, "a")
    query = f"watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&{BOOKMARKS}"
    async with api.watch(f"{MAPS}?{query}&includeObject={include}", accept) as watching:
        _, bookmark = await watching.take(2)
        table = bookmark["object"]
        [row] = table["rows"]
        assert (bookmark["type"], table["columnDefinitions"], row["object"]["kind"]) == (
            "BOOKMARK", None, kind,
        )  # fmt: skip
        assert row["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


async def test_metadata_alone_can_be_followed(api: Api) -> None:
    accept = {"accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"}
    async with api.watch(f"{MAPS}?watch=1", accept) as watching:
        await create(api, "a")
        [event] = await watching.take(1)
        assert (event["object"]["kind"], "data" in event["object"]) == ("PartialObjectMetadata", False)


async def test_a_bad_request_is_refused_before_anything_is_sent(api: Api) -> None:
    for query, status in (
        ("labelSelector=%3D%3D%3D", 400),
        ("timeoutSeconds=abc", 400),
        ("resourceVersion=abc", 500),
    ):
        assert (await api.request("GET", f"{MAPS}?watch=1&{query}")).status == status
