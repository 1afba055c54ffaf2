"""How the daemon is put together from a client: informers, zone, resolver, sockets, publisher."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random

from apimachinery.objects import Object
from apimachinery.scheme import ENDPOINT_SLICES, NAMESPACES, SERVICES
from client.informer import Informer, run_all
from client.rest import Client
from kube_dns.exchange import DNS_PORT, Server, exchange
from kube_dns.forwarder import Forwarder
from kube_dns.loop import LoopGuard
from kube_dns.options import Options
from kube_dns.publisher import Publisher
from kube_dns.resolver import Resolver
from kube_dns.responder import Responder
from kube_dns.server import DnsServer
from kube_dns.service import KUBE_DNS, Place
from kube_dns.upstreams import ResolvConf, Upstreams
from kube_dns.zone import SERVICE_INDEXERS, SLICE_INDEXERS, Zone

RESOLV_CONF_PERIOD = 5.0


@dataclass(frozen=True, slots=True)
class Assembly:
    """The parts that live as long as the daemon, and what feeds them."""

    informers: tuple[Informer, ...]
    zone: Zone
    server: DnsServer
    forwarder: Forwarder
    publisher: Publisher
    resolv_conf: ResolvConf
    upstreams: Upstreams
    loop_guard: LoopGuard

    async def feed(self) -> None:
        await run_all(self.informers)

    async def wait_synced(self) -> None:
        """From then on a name that isn't known doesn't exist."""
        await asyncio.gather(*(informer.wait_synced() for informer in self.informers))
        self.zone.is_synced = True

    async def follow_resolv_conf(self) -> None:
        """Reads it again and again: programs replace it in more ways than can be watched."""
        while True:
            servers = self.resolv_conf.servers()
            if servers is not None and self.upstreams.set(servers):
                await self.loop_guard.probe()
            await asyncio.sleep(RESOLV_CONF_PERIOD)


def assemble(
    client: Client, options: Options, place: Place, now: Callable[[], datetime], rng: Random
) -> Assembly:
    """To be called from within the event loop, whose clock measures how old things are."""
    clock = asyncio.get_running_loop().time
    services = Informer(client, SERVICES, indexers=SERVICE_INDEXERS)
    slices = Informer(client, ENDPOINT_SLICES, indexers=SLICE_INDEXERS)
    namespaces = Informer(client, NAMESPACES, metadata_only=True)
    informers = (services, slices, namespaces)
    zone = Zone(options.cluster_domain, *informers, dns=KUBE_DNS, ttl=options.ttl)

    upstreams = Upstreams(clock)
    loop_guard = LoopGuard(upstreams, exchange, rng)
    forwarder = Forwarder(upstreams, exchange, clock)
    resolver = Resolver(zone, forwarder, loop_guard)
    name = f"dns://{Server(place.address, place.port)}"
    responders = [Responder(resolver, protocol, name, clock) for protocol in ("udp", "tcp")]

    def changed(old: Object | None, new: Object | None) -> None:
        zone.serial = int(now().timestamp())
        for each in responders:
            each.forget()

    def own_addresses() -> set[str]:
        """A resolver on this machine may well have our address, at port 53."""
        own = {options.cluster_dns, *zone.server_addresses()}
        return own | {place.address} if place.port == DNS_PORT else own

    for informer in informers:
        informer.add_handler(changed)
    return Assembly(
        informers=informers,
        zone=zone,
        server=DnsServer(*responders),
        forwarder=forwarder,
        publisher=Publisher(client, services, slices, place, options.cluster_dns),
        resolv_conf=ResolvConf(Path(options.resolv_conf), own_addresses),
        upstreams=upstreams,
        loop_guard=loop_guard,
    )
