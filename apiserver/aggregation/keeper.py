"""What goes on beside requests: APIServices of our own are kept, those of others asked whether they answer.

Every apiserver does this; writes are compare-and-swap, so that who comes second finds nothing to do.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import orjson

from apimachinery.errors import AlreadyExistsError, NotFoundError, StatusError
from apimachinery.objects import Object, get_path, name_of
from apimachinery.scheme import API_SERVICES, CUSTOM_RESOURCE_DEFINITIONS, ENDPOINT_SLICES, SERVICES, Resource
from apimachinery.times import format_time
from apiserver.aggregation import local
from apiserver.aggregation.availability import obstacle, passed, unanswered, with_condition
from apiserver.aggregation.connections import Connections
from apiserver.aggregation.remotes import Remote, Remotes
from apiserver.identity import NAME, own_request
from apiserver.openapi import gnostic
from apiserver.openapi.merging import merged, part_of
from apiserver.registry.options import DeleteOptions, WriteOptions
from apiserver.registry.store import Store
from apiserver.registry.transaction import Decision, Keep, Put
from apiserver.storage.entry import Entry
from apiserver.storage.interface import StorageError
from apiserver.storage.topic import Reader
from apiserver.subresources.relay import DialError

log = logging.getLogger(__name__)

RECHECK_SECONDS = 30.0
ANSWER_SECONDS = 5.0
_RETRY_SECONDS = 1.0
_NO_DOCUMENT = (DialError, StatusError, ssl.SSLError, orjson.JSONDecodeError)
_NO_OPENAPI = (AttributeError, KeyError, TypeError)
"""What comes of reading a document of some other form."""
_NOTHING: Object = {"swagger": "2.0", "info": {"title": "", "version": ""}, "paths": {}, "definitions": {}}
_OPTIONS = WriteOptions(field_manager=NAME)

Served = Callable[[], Sequence[Resource]]
"""The custom resources that are served."""


class APIServiceKeeper:
    """`services` is the store of APIServices."""

    def __init__(
        self,
        services: Store,
        built_in: Sequence[Resource],
        custom: Served,
        remotes: Remotes,
        connections: Connections,
    ) -> None:
        self._services = services
        self._cache = services.shared.cache
        self._built_in = local.built_in(_versions(built_in))
        self._custom = custom
        self._remotes = remotes
        self._connections = connections
        self.is_settled = asyncio.Event()
        """Whether what is served here has its APIServices."""
        self.became_unavailable: Counter[tuple[str, str]] = Counter()
        """How often each did, by its name and the reason."""
        self._asked: dict[str, tuple[object, float]] = {}
        """By APIService: what it was looked at under, and when what came of that was written."""

    async def run(self) -> None:
        """Never returns."""
        await self._cache.ready.wait()
        starting = True
        while True:
            readers = self._readers()
            try:
                await self._keep_own(starting=starting)
                starting = False
                self.is_settled.set()  # before others are asked: none of them keeps this server from it
                await self._look_at_others()
            except (StatusError, StorageError) as error:
                log.warning("Failed to keep APIServices, trying again: err=%s", error)
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            await _first_change(readers, RECHECK_SECONDS if self._remotes.all() else None)

    def _readers(self) -> list[Reader]:
        """Services and their endpoints matter only while somebody else serves an API."""
        watched = [API_SERVICES, CUSTOM_RESOURCE_DEFINITIONS]
        watched += [SERVICES, ENDPOINT_SLICES] if self._remotes.all() else []
        topics = [self._cache.resource(each).changes for each in watched]
        return [Reader(topic, topic.end) for topic in topics]

    # Our own

    async def _keep_own(self, *, starting: bool) -> None:
        custom = local.custom(_versions(self._custom()))
        plan = local.plan([*self._built_in, *custom], self._seen(), starting=starting)
        for wanted in plan.create:
            try:
                await self._services.create(own_request("create"), "", wanted, _OPTIONS)
            except AlreadyExistsError:
                continue
        for wanted in plan.restore:
            await self._change(name_of(wanted), partial(_with_spec, spec=wanted["spec"]))
        for name in plan.delete:
            try:
                await self._services.delete(own_request("delete"), "", name, DeleteOptions())
            except NotFoundError:
                continue

    def _seen(self) -> Mapping[str, Object]:
        return {entry.name: entry.obj for entry in self._services.cache.entries()}

    # Those of others

    async def _look_at_others(self) -> None:
        remotes = list(self._remotes.all().values())
        names = {each.service_name for each in remotes}
        self._asked = {name: known for name, known in self._asked.items() if name in names}
        for relay in self._connections.keep([each.server for each in remotes]):
            await relay.aclose()
        outcomes = await asyncio.gather(*map(self._look_at, remotes), return_exceptions=True)
        for failure in filter(None, outcomes):
            raise failure  # of one, and not before all have been looked at

    async def _look_at(self, remote: Remote) -> None:
        server = remote.server
        service = self._cache.resource(SERVICES).get(server.namespace, server.name)
        slices = self._connections.addresses.slices(server.namespace, server.name)
        condition = obstacle(server, service.obj if service else None, slices)
        basis = (server, [each.get("endpoints") for each in slices])
        if condition is None:
            if not self._is_due(remote, basis):
                return
            condition = await self._ask(remote)
        now = format_time(self._services.shared.now())
        await self._change(remote.service_name, lambda seen: with_condition(seen, condition, now))
        self._asked[remote.service_name] = (basis, _now())
        if remote.is_available and condition["status"] != "True":
            self.became_unavailable[remote.service_name, condition["reason"]] += 1

    def _is_due(self, remote: Remote, basis: object) -> bool:
        known, moment = self._asked.get(remote.service_name, (None, 0.0))
        is_fresh = known == basis and _now() - moment < RECHECK_SECONDS - 1
        return not (is_fresh and remote.is_available)

    async def _ask(self, remote: Remote) -> Object:
        """Has it tell its resources, which discovery shows from then on."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                told = orjson.loads(await self._connections.fetch(remote.server, remote.path))
        except TimeoutError:
            return unanswered(f"timed out waiting for {remote.path} of {remote.server.host}")
        except _NO_DOCUMENT as error:
            return unanswered(f"failing or missing response from {remote.server.host}{remote.path}: {error}")
        self._remotes.told[remote.group, remote.version] = told
        await self._read_description(remote)
        return passed()

    async def _read_description(self, remote: Remote) -> None:
        """Where it describes itself in OpenAPI; one that does not works all the same."""
        key = (remote.group, remote.version)
        known = self._remotes.descriptions.get(key)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                index = orjson.loads(await self._connections.fetch(remote.server, "/openapi/v3"))
            url = get_path(index["paths"], [remote.path[1:], "serverRelativeURL"])
        except (TimeoutError, *_NO_DOCUMENT, KeyError) as error:
            log.info("No OpenAPI of another server: apiservice=%s err=%s", remote.service_name, error)
            url = None
        if url:
            self._remotes.descriptions[key] = url
        else:
            self._remotes.descriptions.pop(key, None)
        if key not in self._remotes.parts or url != known:
            await self._read_description_in_v2(remote)

    async def _read_description_in_v2(self, remote: Remote) -> None:
        key = (remote.group, remote.version)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                document = orjson.loads(await self._connections.fetch(remote.server, "/openapi/v2"))
            part = part_of(document, remote.path)
            gnostic.encode(merged(_NOTHING, [part]))  # what cannot be told in every form is told in none
            self._remotes.parts[key] = part
        except (TimeoutError, *_NO_DOCUMENT, *_NO_OPENAPI) as error:
            log.info("No OpenAPI v2 of another server: apiservice=%s err=%s", remote.service_name, error)
            self._remotes.parts.pop(key, None)

    async def _change(self, name: str, change: Callable[[Object], Object | None]) -> None:
        async def decide(current: Entry | None) -> Decision:
            changed = change(current.obj) if current is not None else None
            return Keep() if changed is None else Put(changed)

        await self._services.transactions.guaranteed_update(self._services.key("", name), decide)


def _with_spec(seen: Object, spec: Object) -> Object:
    return seen | {"spec": spec}


def _versions(resources: Sequence[Resource]) -> list[local.GroupVersion]:
    return list(dict.fromkeys((each.group, each.version) for each in resources))


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _first_change(readers: Sequence[Reader], seconds: float | None) -> None:
    tasks = [asyncio.create_task(each.wait()) for each in readers]
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
