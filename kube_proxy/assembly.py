"""How a proxy is put together from a client: informers, state, proxier, health."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from apimachinery.objects import NamespacedName, Object, get_path
from apimachinery.scheme import ENDPOINT_SLICES, NODES, SERVICE_CIDRS, SERVICES
from client.informer import Informer, run_all
from client.rest import Client
from kube_proxy.config import Configuration
from kube_proxy.conntrack import Conntrack
from kube_proxy.health import ProxierHealth, ServiceHealth
from kube_proxy.nftables import RulesetWriter
from kube_proxy.node import base_context, context_of, is_eligible
from kube_proxy.proxier import Proxier
from kube_proxy.services import PROXY_NAME_LABEL
from kube_proxy.state import State

# Headless services and those of another proxy aren't even watched.
SERVED = f"!{PROXY_NAME_LABEL},!service.kubernetes.io/headless"


@dataclass(frozen=True, slots=True)
class Assembly:
    """A proxy with what feeds it. `first_sync` is set once rules are written."""

    informers: tuple[Informer, ...]
    required: tuple[Informer, ...]
    proxier: Proxier
    health: ProxierHealth
    service_health: ServiceHealth
    first_sync: asyncio.Event

    async def feed(self) -> None:
        await run_all(self.informers)

    async def wait_synced(self) -> None:
        """With half the services or endpoints rules would take away what works."""
        await asyncio.gather(*(informer.wait_synced() for informer in self.required))


def assemble(
    client: Client,
    config: Configuration,
    hostname: str,
    addresses: Sequence[str],
    writer: RulesetWriter,
    now: Callable[[], datetime],
) -> Assembly:
    services = Informer(client, SERVICES, label_selector=SERVED)
    slices = Informer(client, ENDPOINT_SLICES, label_selector=SERVED)
    nodes = Informer(client, NODES, field_selector=f"metadata.name={hostname}")
    cidrs = Informer(client, SERVICE_CIDRS)
    base = base_context(config, hostname)
    state = State(base)
    first_sync = asyncio.Event()

    def node() -> Object | None:
        return nodes.get(NamespacedName("", hostname))

    async def after_sync() -> None:
        first_sync.set()
        await service_health.sync(state.local_endpoints())

    proxier = Proxier(
        state, writer, Conntrack(), min_sync_period=config.min_sync_period, now=now, synced=after_sync
    )
    health = ProxierHealth(proxier, lambda: is_eligible(node()), now)
    service_health = ServiceHealth(config.bind_address, health.is_healthy)

    def context_changed(old: Object | None, new: Object | None) -> None:
        ranges = [cidr for each in cidrs.list() for cidr in get_path(each, "spec.cidrs", [])]
        if state.set_context(context_of(base, config, node(), addresses, ranges)):
            proxier.sync_soon()

    services.add_handler(proxier.on_service)
    slices.add_handler(proxier.on_endpoint_slice)
    nodes.add_handler(context_changed)
    cidrs.add_handler(context_changed)
    return Assembly(
        (services, slices, nodes, cidrs), (services, slices), proxier, health, service_health, first_sync
    )
