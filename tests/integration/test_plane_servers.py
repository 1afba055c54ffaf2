"""Two apiservers on one etcd, and clients that lag, lose their connection or come too late."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial

import pytest

from apimachinery.errors import ConflictError, ExpiredError, StatusError
from apimachinery.objects import NamespacedName, Object
from apimachinery.scheme import CONFIG_MAPS
from client.errors import ConnectionFailed
from client.informer import Informer
from client.rest import Client
from component_base.kubeconfig import load
from tests.integration.connections import hang_up
from tests.integration.plane import API, ETCD, LIMIT, Plane, config_map, eventually


@pytest.fixture(scope="module", autouse=True)
def _two_serve(bare_plane: Plane) -> None:
    bare_plane.run_second_apiserver()
    asyncio.run(_wait(bare_plane.second_client()))


async def _wait(client: Client) -> None:
    await eventually(lambda: client.request("GET", "/readyz"))
    await client.aclose()


@pytest.fixture
async def other(bare_plane: Plane) -> AsyncIterator[Client]:
    """A client of the second apiserver."""
    client = bare_plane.second_client()
    yield client
    await client.aclose()


async def numbers(client: Client, label: str) -> list[int]:
    found = await client.list(CONFIG_MAPS, "default", label_selector=label)
    return sorted(int(each["data"]["n"]) for each in found["items"])


async def test_each_reads_what_the_other_has_written(client: Client, other: Client) -> None:
    for number in range(60):
        writer, reader = (client, other) if number % 2 else (other, client)
        made = await writer.create(
            CONFIG_MAPS, config_map(f"seen-{number}", {"n": str(number)}, labels={"t": "seen"})
        )
        assert await reader.get(CONFIG_MAPS, f"seen-{number}", "default") == made
        assert await numbers(reader, "t=seen") == list(range(number + 1))
    await writer.delete(CONFIG_MAPS, "seen-0", "default")
    assert await numbers(reader, "t=seen") == list(range(1, 60))


async def test_creates_of_one_name_at_both_succeed_once_and_updates_are_serialised(
    client: Client, other: Client
) -> None:
    async def create(who: Client) -> int:
        try:
            await who.create(CONFIG_MAPS, config_map("shared", {"count": "0"}))
        except StatusError as error:
            return error.code
        return 201

    codes = await asyncio.gather(*(create(who) for who in (client, other) * 20))
    assert sorted(codes) == [201] + [409] * 39

    async def add_one(who: Client) -> None:
        while True:
            shared = await who.get(CONFIG_MAPS, "shared", "default")
            shared["data"]["count"] = str(int(shared["data"]["count"]) + 1)
            try:
                await who.update(CONFIG_MAPS, shared)
            except ConflictError:
                await asyncio.sleep(random.random() * 0.1)
            else:
                return

    async def patch(who: Client, number: int) -> None:
        await who.patch(CONFIG_MAPS, "shared", {"data": {f"p{number}": "x"}}, "default")

    both = (client, other)
    patches = [patch(both[number % 2], number) for number in range(40)]
    await asyncio.gather(*(add_one(who) for who in both * 10), *patches)
    data = (await client.get(CONFIG_MAPS, "shared", "default"))["data"]
    assert (data["count"], len(data)) == ("20", 41)


async def test_a_watch_goes_on_at_the_other_server(client: Client, other: Client) -> None:
    """From the revision that one server told, without a gap or a repetition, even if the other is behind."""
    listed = await client.list(CONFIG_MAPS, "default")
    version = listed["metadata"]["resourceVersion"]
    seen: list[int] = []
    for number in range(30):
        await client.create(
            CONFIG_MAPS, config_map(f"moved-{number}", {"n": str(number)}, labels={"t": "moved"})
        )
        who = other if number % 2 else client
        events = who.watch(CONFIG_MAPS, "default", resource_version=version, label_selector="t=moved")
        async with contextlib.aclosing(events), asyncio.timeout(LIMIT):
            async for _, obj in events:
                version = obj["metadata"]["resourceVersion"]
                seen.append(int(obj["data"]["n"]))
                break
    assert seen == list(range(30))


class Leaky:
    """Passes bytes between a client and the server, and cuts all connections when told to."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Leaky:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            return writer.close()
        self._writers |= {writer, there[1]}
        for source, target in ((reader, there[1]), (there[0], writer)):
            task = asyncio.create_task(self._pump(source, target))
            self._tasks.add(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()


async def test_an_informer_converges_however_often_it_loses_its_watch(
    bare_plane: Plane, client: Client
) -> None:
    """Connections cut, history compacted, etcd and apiserver killed: in the end the cache is the truth."""
    config = load(str(bare_plane.config.admin_kubeconfig))
    async with Leaky(bare_plane.config.api_port) as leaky:
        lossy = Client(replace(config, server=f"https://127.0.0.1:{leaky.port}"), user_agent="test")
        informer = Informer(lossy, CONFIG_MAPS, namespace="default", label_selector="t=lossy")
        alive: dict[NamespacedName | None, str] = {}
        informer.add_handler(lambda old, new: _note(alive, old, new))
        running = asyncio.create_task(informer.run())
        troubles: dict[int, Callable[[], None]] = {
            **dict.fromkeys((20, 50, 75, 170), leaky.cut),
            **dict.fromkeys((70, 130), bare_plane.compact),
            100: partial(bare_plane.restart, ETCD),
            131: partial(bare_plane.restart, API),
        }
        for number in range(200):
            if trouble := troubles.get(number):
                await asyncio.to_thread(trouble)
            await persist(client, number)
        wanted = {
            each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in await lossy_maps(client)
        }
        await eventually(lambda: asyncio.sleep(0, versions(informer) == wanted))
        assert alive == {NamespacedName("default", name): version for name, version in wanted.items()}
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await lossy.aclose()


def _note(alive: dict[NamespacedName | None, str], old: Object | None, new: Object | None) -> None:
    """What handlers are told, told again as a table."""
    for obj in (old, new):
        if obj is not None:
            key = NamespacedName(obj["metadata"]["namespace"], obj["metadata"]["name"])
            alive.pop(key, None)
            if obj is new:
                alive[key] = obj["metadata"]["resourceVersion"]


async def persist(client: Client, number: int) -> None:
    """Creates, changes or deletes one of a few objects, until it is done."""
    name, labels = f"lossy-{number % 23}", {"t": "lossy"}
    for _ in range(4000):
        try:
            if number % 5 == 4:
                await client.delete(CONFIG_MAPS, name, "default")
            else:
                await client.create(CONFIG_MAPS, config_map(name, {"n": str(number)}, labels=labels))
        except StatusError as error:
            if error.code == 404:
                return
            if error.code == 409:
                await client.patch(CONFIG_MAPS, name, {"data": {"n": str(number)}}, "default")
                return
        except ConnectionFailed:
            pass
        else:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the server does not come back")


async def lossy_maps(client: Client) -> list[Object]:
    return list((await client.list(CONFIG_MAPS, "default", label_selector="t=lossy"))["items"])


def versions(informer: Informer) -> dict[str, str]:
    return {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in informer.list()}


async def test_a_watch_from_before_all_history_is_gone(bare_plane: Plane, client: Client) -> None:
    await asyncio.to_thread(bare_plane.compact)
    bare_plane.restart(API)  # which then knows no more than etcd
    await eventually(lambda: client.request("GET", "/readyz"))
    with pytest.raises(ExpiredError) as caught:
        async for _ in client.watch(CONFIG_MAPS, resource_version="1"):
            pass
    assert (caught.value.code, caught.value.reason) == (410, "Expired")
    assert caught.value.message.startswith("too old resource version: 1 (")


async def test_a_page_of_a_list_that_is_too_old_is_expired(bare_plane: Plane, client: Client) -> None:
    page = await client.list(CONFIG_MAPS, "default", limit=2)
    await client.create(CONFIG_MAPS, config_map("between-pages"))
    await asyncio.to_thread(bare_plane.compact)
    with pytest.raises(ExpiredError) as caught:
        await client.list(CONFIG_MAPS, "default", limit=2, continue_=page["metadata"]["continue"])
    assert caught.value.code == 410


async def test_a_watcher_that_does_not_read_is_cut_off_and_slows_nobody(
    bare_plane: Plane, client: Client
) -> None:
    version = (await client.list(CONFIG_MAPS, "default"))["metadata"]["resourceVersion"]
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", bare_plane.config.api_port, ssl=bare_plane.tls(), limit=1024
    )
    path = f"/api/v1/namespaces/default/configmaps?watch=1&resourceVersion={version}"
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert b"200" in await reader.readline()
    brisk = Informer(client, CONFIG_MAPS, namespace="default")
    running = asyncio.create_task(brisk.run())
    await brisk.wait_synced()
    before = bare_plane.memory()
    large = "x" * 500_000
    await client.create(CONFIG_MAPS, config_map("large", {"x": large, "n": "0"}))
    for number in range(1, 80):
        await client.patch(CONFIG_MAPS, "large", {"data": {"n": str(number)}}, "default")
    key = NamespacedName("default", "large")
    await eventually(lambda: asyncio.sleep(0, (brisk.get(key) or {"data": {}})["data"].get("n") == "79"))
    assert bare_plane.memory() - before < 120, "what it does not read is not kept for it"
    got = 0
    async with asyncio.timeout(LIMIT):
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(1 << 20):
                got += len(chunk)
                if chunk.endswith(b"0\r\n\r\n"):
                    break
    assert got < 79 * len(large), "it was cut off before the end"
    await hang_up(reader, writer)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError, OSError):
        await running
