"""Controllers on an API in memory, in virtual time, with a kubelet of a few lines; and what goes wrong."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from functools import partial
from typing import Any, TypeVar, cast

import orjson

from apimachinery.conditions import condition_of
from apimachinery.errors import ConflictError, ServiceUnavailableError, StatusError
from apimachinery.objects import NamespacedName, Object, is_terminating, name_of, namespace_of
from apimachinery.pods import is_terminal
from apimachinery.scheme import EVENTS, PODS, Resource
from apimachinery.times import format_time
from client.controller import Controller
from client.errors import ConnectionFailed
from client.informer import Informer
from client.rest import Client
from client.workqueue import WorkQueue
from controller_manager.context import ControllerContext, SharedInformers
from controller_manager.manager import Recorders
from tests.fakes.api_connection import FakeApi, Refusal

T = TypeVar("T")


class MutationDetector:
    """Remembers each object as the cache first showed it: controllers must not write into it."""

    def __init__(self) -> None:
        self._seen: list[tuple[Object, bytes]] = []

    def note(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._seen.append((new, orjson.dumps(new)))

    def check(self) -> None:
        for obj, before in self._seen:
            assert orjson.dumps(obj) == before, f"a cached object was changed: {name_of(obj)}"


class Slow:
    """The API at a distance: a request takes its time to get there, and the answer and news to get back."""

    def __init__(self, api: FakeApi, rng: random.Random) -> None:
        self._api, self._random = api, rng

    def __getattr__(self, verb: str) -> Any:
        call = getattr(self._api, verb)

        async def slowly(*arguments: Any, **options: Any) -> Any:
            await asyncio.sleep(self._random.random() / 20)
            answer = await call(*arguments, **options)
            await asyncio.sleep(self._random.random() / 20)
            return answer

        return slowly

    async def watch(self, *arguments: Any, **options: Any) -> AsyncGenerator[tuple[str, Object], None]:
        async with aclosing(self._api.watch(*arguments, **options)) as events:
            async for event in events:
                await asyncio.sleep(self._random.random() / 10)
                yield event


class Late(Slow):
    """One request may still be on its way when the manager that sent it is killed; then it arrives late."""

    def __init__(self, api: FakeApi, rng: random.Random) -> None:
        super().__init__(api, rng)
        self._wanted: tuple[str, Resource, str] | None = None
        self._held: Callable[[], Awaitable[Any]] | None = None
        self._about = ""
        self._news = asyncio.Event()

    async def hold(self, verb: str, resource: Resource, name: str, seconds: float) -> str:
        """The next one for an object whose name begins so; returns its whole name, "" if none came."""
        self._wanted, self._about = (verb, resource, name), ""
        self._news.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), seconds)
        self._wanted = None
        return self._about

    async def let_go(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            await held()

    def __getattr__(self, verb: str) -> Any:
        slowly = super().__getattr__(verb)

        async def perhaps_late(resource: Resource, about: Any, *arguments: Any, **options: Any) -> Any:
            name = about if isinstance(about, str) else name_of(about)
            if self._wanted and self._wanted[:2] == (verb, resource) and name.startswith(self._wanted[2]):
                self._wanted, self._about = None, name
                self._held = partial(getattr(self._api, verb), resource, about, *arguments, **options)
                self._news.set()
                await asyncio.Event().wait()
            return await slowly(resource, about, *arguments, **options)

        return perhaps_late if verb in ("delete", "update_status") else slowly


class Cluster:
    """The API, controllers over it, and a kubelet that makes a pod ready a second after it sees it."""

    def __init__(
        self, controllers: Sequence[type[Any]], resources: Sequence[Resource], options: Any = None
    ) -> None:
        self.api = FakeApi()
        self.options = options
        self.broken_images: set[str] = set()
        self.cached = MutationDetector()
        self.connection: FakeApi | Slow = self.api
        self._controllers, self._resources = controllers, resources
        self._manager: asyncio.Task[None] | None = None
        self._seen: list[Informer] = []
        self._queues: list[WorkQueue[NamespacedName]] = []

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._kubelet())
            while True:
                self._manager = group.create_task(self._manage())
                await asyncio.wait([self._manager])
                if not self._manager.cancelled():
                    return  # it failed, and so does the group

    def kill_manager(self) -> None:
        """Ends the controllers at whatever they are waiting for; others begin at once."""
        if self._manager is not None:
            self._manager.cancel()

    async def _manage(self) -> None:
        client = cast(Client, self.connection)
        informers, recorders = SharedInformers(client, random.Random(0)), Recorders(client, self.api.now)
        context = ControllerContext(client, informers, recorders, self.api.now, self.options)
        made = [each(context) for each in self._controllers]
        for resource in (*self._resources, PODS):
            informers.informer(resource).add_handler(self.cached.note)
        controllers = [Controller(it.name, it.reconcile, watches=it.watches(), workers=2) for it in made]
        self._seen = [*(informers.informer(each) for each in (*self._resources, PODS))]
        self._queues = [it.queue for it in controllers]
        async with asyncio.TaskGroup() as group:
            for it in controllers:
                group.create_task(it.run())
            group.create_task(informers.run())
            group.create_task(recorders.run())

    def look(self) -> None:
        """Called once a second, before the kubelet does anything."""

    def outcome(self, pod: Object) -> str:
        """The phase that a ready pod ends in, or "" if it runs on."""
        return ""

    async def _kubelet(self) -> None:
        while True:
            await asyncio.sleep(1)
            self.look()
            for pod in self.api.find(PODS):
                with suppress(StatusError, ConnectionFailed):
                    await self._see_to(pod)

    async def _see_to(self, pod: Object) -> None:
        image = pod["spec"]["containers"][0]["image"]
        if is_terminating(pod):
            await self._end(pod)
        elif is_terminal(pod):
            return
        elif condition_of(pod, "Ready") is None:
            if image not in self.broken_images:
                await self._set_status(pod, "Running", ready=True)
        elif phase := self.outcome(pod):
            await self._set_status(pod, phase, ready=False)

    async def _end(self, pod: Object) -> None:
        if not is_terminal(pod):
            await self._set_status(pod, "Failed", ready=False)
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}}
        await self.api.delete(PODS, name_of(pod), namespace_of(pod), options=options)

    async def _set_status(self, pod: Object, phase: str, *, ready: bool) -> None:
        moment = format_time(self.api.now())
        condition = {"type": "Ready", "status": str(ready), "lastTransitionTime": moment}
        status = {"phase": phase, "conditions": [condition]}
        await self.api.patch(PODS, name_of(pod), {"status": status}, namespace_of(pod), subresource="status")

    def events(self, reason: str) -> list[str]:
        return [each["message"] for each in self.api.find(EVENTS) if each["reason"] == reason]

    async def until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not condition():  # noqa: ASYNC110  (virtual time costs nothing)
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"not within {seconds} s: {self.describe()}") from None

    def describe(self) -> str:
        """What everybody knows and waits for."""
        objects = [
            f"{name_of(obj)}@{obj['metadata']['resourceVersion']}: {obj.get('status')}"
            for resource in (*self._resources, PODS)
            for obj in self.api.find(resource)
        ]
        return "\n".join(map(str, [*objects, *self._seen, *self._queues, self.api.calls[-20:]]))


class Numbered(asyncio.Task[T]):
    """Sets of tasks, as groups keep them, have the order of their making in every run, not that of memory."""

    def __init__(self, number: int, coro: Coroutine[Any, Any, T], **options: Any) -> None:
        self._number = number
        super().__init__(coro, **options)

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other


def in_order() -> Callable[..., asyncio.Task[Any]]:
    """A task factory for a loop whose random trouble is to be repeated."""
    numbers = itertools.count()
    return lambda loop, coro, **options: Numbered(next(numbers), coro, loop=loop, **options)


C = TypeVar("C", bound=Cluster)


@asynccontextmanager
async def running(it: C) -> AsyncIterator[C]:
    """Runs it, every time alike; at the end no controller may have written into its cache."""
    asyncio.get_running_loop().set_task_factory(in_order())
    task = asyncio.ensure_future(it.run())
    try:
        yield it
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        it.cached.check()


def unreliable(rng: random.Random) -> Refusal:
    """A server that now and then is away, overloaded or ahead."""

    def refuse(verb: str, resource: Resource, obj: Object) -> StatusError | ConnectionFailed | None:
        if rng.random() > 0.1:
            return None
        return rng.choice(
            [
                ConnectionFailed("connection lost"),
                ServiceUnavailableError("etcdserver: leader changed"),
                ConflictError(resource, name_of(obj)),
            ]
        )

    return refuse


async def disturb(it: Cluster, rng: random.Random) -> None:
    """One of the things that go wrong around controllers: pods die, watches break or keep something back."""
    pods = it.api.find(PODS)
    match rng.randrange(4):
        case 0 if pods:
            await it.api.delete(PODS, name_of(rng.choice(pods)), "ns")
        case 1:
            with it.api.lose_events():
                if pods:
                    await it.api.delete(PODS, name_of(rng.choice(pods)), "ns")
            it.api.compact()
            it.api.break_watches()
        case 2:
            it.api.break_watches()
        case _:
            it.api.compact()
