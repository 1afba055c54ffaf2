"""Publisher: keeps the Service kube-dns there, and this daemon's place in it for as long as it runs."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from apimachinery.errors import AlreadyExistsError, NotFoundError, StatusError
from apimachinery.objects import NamespacedName
from apimachinery.scheme import ENDPOINT_SLICES, SERVICES
from client.controller import Controller, Watch, by_name
from client.errors import ConnectionFailed
from client.informer import Informer
from client.rest import Client
from kube_dns.service import KUBE_DNS, Place, Plan, new_service, plan

log = logging.getLogger(__name__)

WITHDRAW_SECONDS = 2.0


class Publisher:
    name = "kube-dns"

    def __init__(
        self, client: Client, services: Informer, slices: Informer, place: Place, cluster_ip: str
    ) -> None:
        """`cluster_ip` is for a Service that has to be made."""
        self._client = client
        self._services, self._slices = services, slices
        self._place = place
        self._cluster_ip = cluster_ip

    async def run(self) -> None:
        """Never ends."""
        own = self._place.slice_key
        controller = Controller(
            self.name,
            self.reconcile,
            watches=[
                Watch(self._services, lambda service: [key for key in by_name(service) if key == KUBE_DNS]),
                Watch(self._slices, lambda each: [KUBE_DNS for key in by_name(each) if key == own]),
            ],
        )
        controller.queue.add(KUBE_DNS)  # nothing tells of a Service that was never there
        await controller.run()

    async def reconcile(self, key: NamespacedName) -> None:
        seen = self._slices.get(self._place.slice_key)
        await self._act(plan(self._services.get(key), seen, self._place))

    async def _act(self, planned: Plan) -> None:
        """What it changes comes back through the informers, and is looked at once more."""
        with suppress(AlreadyExistsError):  # another daemon was faster
            if planned.create_service:
                await self._client.create(SERVICES, new_service(self._cluster_ip))
                log.info("Created the Service of cluster DNS: service=%s ip=%s", KUBE_DNS, self._cluster_ip)
            if planned.create_slice is not None:
                await self._client.create(ENDPOINT_SLICES, planned.create_slice)
                log.info("Published this server: slice=%s", self._place.slice_key)
        if planned.update_slice is not None:
            await self._client.update(ENDPOINT_SLICES, planned.update_slice)
        if planned.delete_slice:
            await self._delete()
            log.info("Left the Service to others: service=%s", KUBE_DNS)

    async def withdraw(self) -> None:
        """At the end: nobody is to be sent here any more. Who can't be told will find out."""
        if self._slices.get(self._place.slice_key) is None:
            return
        try:
            async with asyncio.timeout(WITHDRAW_SECONDS):
                await self._delete()
        except (StatusError, ConnectionFailed, TimeoutError) as error:
            log.warning("Failed to withdraw this server: slice=%s err=%s", self._place.slice_key, error)

    async def _delete(self) -> None:
        with suppress(NotFoundError):
            await self._client.delete(ENDPOINT_SLICES, self._place.slice_key.name, KUBE_DNS.namespace)
