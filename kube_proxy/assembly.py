"""How a proxy is put together from a client: informers, state, proxier, health."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from ipaddress import IPv4Network, ip_address

from apimachinery.objects import NamespacedName, Object, get_path, name_of
from apimachinery.scheme import ENDPOINT_SLICES, NODES, SERVICE_CIDRS, SERVICES
from client.events import WARNING, EventRecorder
from client.informer import Informer, run_all
from client.rest import Client
from kube_proxy.addresses import Link, own_addresses
from kube_proxy.announcement import announced_here, may_announce
from kube_proxy.announcer import Announcer
from kube_proxy.backends import BACKENDS
from kube_proxy.config import Configuration
from kube_proxy.conntrack import Conntrack
from kube_proxy.context import Context
from kube_proxy.health import ProxierHealth, ServiceHealth
from kube_proxy.node import context_of, is_eligible
from kube_proxy.proxier import Proxier
from kube_proxy.services import PROXY_NAME_LABEL
from kube_proxy.state import State
from kube_proxy.writer import RulesetWriter

# Headless services and those of another proxy aren't even watched.
SERVED = f"!{PROXY_NAME_LABEL},!service.kubernetes.io/headless"
ANY_ADDRESS = ("0.0.0.0",)


class Assembly:
    """A proxy with what feeds it. `first_sync` is set once rules are written."""

    def __init__(
        self,
        client: Client,
        config: Configuration,
        base: Context,
        writer: RulesetWriter,
        announcer: Announcer,
        now: Callable[[], datetime],
    ) -> None:
        self._config, self._base, self._announcer = config, base, announcer
        self._addresses: tuple[str, ...] = ()
        self._services = Informer(client, SERVICES, label_selector=SERVED)
        self._slices = Informer(client, ENDPOINT_SLICES, label_selector=SERVED)
        self._pool = [IPv4Network(each) for each in config.load_balancer_pool]
        # Who answers for an address depends on all nodes; the rules only on this one.
        self._nodes = Informer(
            client, NODES, field_selector=None if self._pool else f"metadata.name={base.node}"
        )
        self._cidrs = Informer(client, SERVICE_CIDRS)
        self._recorder = EventRecorder(client, "kube-proxy", base.node, now=now)
        self._state = State(base, BACKENDS[config.mode])
        self.first_sync = asyncio.Event()
        self.proxier = Proxier(
            self._state,
            writer,
            Conntrack(),
            min_sync_period=config.min_sync_period,
            now=now,
            after_sync=self._after_sync,
        )
        self.health = ProxierHealth(self.proxier, lambda: is_eligible(self._node()), now)
        self.service_health = ServiceHealth(self.health.is_healthy, self._health_check_failed)
        self._services.add_handler(self.proxier.on_service)
        self._slices.add_handler(self.proxier.on_endpoint_slice)
        self._nodes.add_handler(self._node_changed)
        self._cidrs.add_handler(self._context_changed)

    async def feed(self) -> None:
        """Never ends."""
        async with asyncio.TaskGroup() as group:
            group.create_task(run_all((self._services, self._slices, self._nodes, self._cidrs)))
            group.create_task(self._recorder.run())

    async def wait_synced(self) -> None:
        """With half the services or endpoints rules would take away what works."""
        await asyncio.gather(
            *(each.wait_synced() for each in (self._services, self._slices, *self._voters()))
        )

    def _voters(self) -> list[Informer]:
        return [self._nodes] if self._pool else []

    def set_links(self, links: Sequence[Link]) -> None:
        """The machine's interfaces."""
        self._addresses = own_addresses(links)
        self._context_changed()
        self._announcer.look_again()

    def _node(self) -> Object | None:
        return self._nodes.get(NamespacedName("", self._base.node))

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        self._context_changed()
        if self._pool and may_announce(old) != may_announce(new):
            self.proxier.sync_soon()

    def _context_changed(self, old: Object | None = None, new: Object | None = None) -> None:
        ranges = [cidr for each in self._cidrs.list() for cidr in get_path(each, "spec.cidrs", [])]
        context = context_of(self._base, self._config, self._node(), self._addresses, ranges)
        if self._state.set_context(context):
            self.proxier.sync_soon()

    async def _after_sync(self) -> None:
        self.first_sync.set()
        context = self._state.context
        places = ANY_ADDRESS if context.node_ports_everywhere else context.node_port_ips
        await self.service_health.sync(self._state.local_endpoints(), places)
        self._announcer.announce(self._announced(), context.node_ips)

    def _announced(self) -> frozenset[str]:
        ours = [each for each in self._state.balancers() if _is_in(self._pool, each.ip)]
        candidates = [name_of(node) for node in self._nodes.list() if may_announce(node)]
        return announced_here(ours, candidates, self._state.context.local_nodes)

    def _health_check_failed(self, service: NamespacedName, reason: str) -> None:
        about = self._services.get(service)
        if about is not None:
            message = f"node {self._base.node} {reason}"
            self._recorder.event(about, WARNING, "FailedToStartServiceHealthcheck", message)


def _is_in(pool: Iterable[IPv4Network], ip: str) -> bool:
    return any(ip_address(ip) in network for network in pool)
