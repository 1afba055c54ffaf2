"""sampan-dns: from flags to a running DNS server. The only composition root."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack
from functools import partial
from random import Random
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from component_base import clock
from component_base.daemon import Daemon, run_daemon
from component_base.flags import parse
from component_base.unused_flags import EVERY
from kube_dns.options import Options

if TYPE_CHECKING:
    from component_base.http_server import Request, Response
    from kube_dns.service import Place
    from kube_dns.zone import Zone

NAME = "kube-dns"


def main() -> None:
    options = parse(Options, prog=NAME, unused=EVERY)
    run_daemon(NAME, partial(run, options=options), options)


async def run(daemon: Daemon, *, options: Options) -> None:
    from client.metrics import count_request
    from client.rest import Client
    from component_base.kubeconfig import load
    from kube_dns.assembly import assemble

    config = load(options.kubeconfig or None)
    client = Client(config, user_agent=NAME, on_answer=count_request)
    place = place_of(options, config.server)
    assembly = assemble(client, options, place, clock.now, Random())
    async with AsyncExitStack() as stack:
        stack.push_async_callback(client.aclose)
        stack.push_async_callback(assembly.forwarder.aclose)
        await assembly.server.start(place.address, place.port)
        stack.push_async_callback(assembly.server.aclose)
        await _serve_health(stack, options, place, assembly.zone)
        stack.push_async_callback(assembly.publisher.withdraw)
        async with asyncio.TaskGroup() as group:
            group.create_task(assembly.feed())
            group.create_task(assembly.follow_resolv_conf())
            await assembly.wait_synced()
            group.create_task(assembly.publisher.run())
            daemon.ready()


def place_of(options: Options, server: str) -> Place:
    """`server` is the apiserver's URL."""
    from component_base.addresses import primary_address
    from kube_dns.service import Place

    return Place(
        node=(options.hostname_override or socket.gethostname()).strip().lower(),
        address=options.node_ip or primary_address(urlsplit(server).hostname or ""),
        port=options.port,
        metrics_port=options.metrics_port,
    )


async def _serve_health(stack: AsyncExitStack, options: Options, place: Place, zone: Zone) -> None:
    """CoreDNS's paths. Ports may be the same; one of 0 is not served."""
    from component_base.health import HealthServer
    from component_base.http_server import Response

    async def health(request: Request) -> Response:
        return Response(b"OK")

    async def ready(request: Request) -> Response:
        return Response(b"OK") if zone.is_synced else Response(b"kubernetes", 503)

    routes = {"/health": health, "/ready": ready}
    for port in {options.health_port, options.ready_port, options.metrics_port} - {0}:
        server = HealthServer(place.address, port, routes=routes)
        await server.start()
        stack.push_async_callback(server.aclose)


if __name__ == "__main__":
    main()
