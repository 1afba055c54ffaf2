"""What every controller is given: the client, informers shared by all, events, the clock, the options."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from apimachinery.objects import Object
from apimachinery.scheme import Resource
from client.events import EventRecorder
from client.informer import Informer
from client.rest import Client
from controller_manager.options import Options


class SharedInformers:
    """One informer a resource for the whole process; made when first asked for, run together."""

    def __init__(self, client: Client, rng: random.Random | None = None) -> None:
        self._client, self._random = client, rng
        self._informers: dict[tuple[Resource, str], Informer] = {}

    def informer(self, resource: Resource, *, field_selector: str = "") -> Informer:
        """The informer of a resource, or of the part that a selector names; ask before `run`."""
        key = resource, field_selector
        if key not in self._informers:
            selector = field_selector or None
            informer = Informer(self._client, resource, field_selector=selector, rng=self._random)
            self._informers[key] = informer
        return self._informers[key]

    def existing(self, resource: Resource) -> Informer | None:
        """The informer of all objects of a resource in this version, if somebody has asked for it."""
        wanted = (resource.group_resource, resource.version)
        for (known, selector), informer in self._informers.items():
            if not selector and (known.group_resource, known.version) == wanted:
                return informer
        return None

    def index(self, resource: Resource, name: str, function: Callable[[Object], Iterable[str]]) -> None:
        """Adds an index to a resource's informer; the same name twice is the same index."""
        self.informer(resource).add_indexer(name, function)

    async def wait_synced(self) -> None:
        """Until every cache has held the complete state once."""
        for informer in self._informers.values():
            await informer.wait_synced()

    async def run(self) -> None:
        """Lists and watches all of them; never ends."""
        async with asyncio.TaskGroup() as group:
            for informer in self._informers.values():
                group.create_task(informer.run())


@dataclass(frozen=True)
class ControllerContext:
    """The constructor argument of every controller."""

    client: Client
    informers: SharedInformers
    recorder: Callable[[str], EventRecorder]
    """recorder(component) gives the recorder that writes events in that controller's name."""
    now: Callable[[], datetime]
    options: Options
