"""sampan-proxy: from flags or a configuration file to a running proxy. The only composition root."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING

from apimachinery.decoding import DecodeError
from component_base import clock
from component_base.config_file import read_document
from component_base.daemon import Daemon, run_daemon
from component_base.flags import parse
from component_base.listening import start_when_free
from component_base.metrics import tell_features
from component_base.oom_score import set_oom_score
from kube_proxy import metrics, sysctls
from kube_proxy.announcer import Announcer, withdraw_all
from kube_proxy.backends import BACKENDS, clean_up, default_mode
from kube_proxy.config import ConfigError, Configuration, from_options, parse_configuration, split_address
from kube_proxy.node import base_context
from kube_proxy.options import UNUSED, Options
from kube_proxy.tracking import sysctls_of
from kube_proxy.writer import RulesetError

if TYPE_CHECKING:
    from client.rest import Client
    from kube_proxy.assembly import Assembly

log = logging.getLogger(__name__)

NAME = "kube-proxy"


def main() -> None:
    options = parse(Options, prog=NAME, unused=UNUSED)
    if options.cleanup:
        sys.exit(asyncio.run(_clean_up_all()))
    try:
        config = load_configuration(options)
    except (ConfigError, DecodeError, OSError) as error:
        sys.exit(f"Error: {error}")
    tell_features(config.gates)
    run_daemon(NAME, partial(run, options=options, config=config), options)


def load_configuration(options: Options) -> Configuration:
    mode = asyncio.run(default_mode())
    if not options.config:
        return from_options(options, mode)
    return parse_configuration(read_document(options.config), mode)


async def _clean_up_all() -> int:
    failures = [*[await clean_up(mode) for mode in BACKENDS], await withdraw_all()]
    for error in filter(None, failures):
        print(f"Error: {error}", file=sys.stderr)
    return 1 if any(failures) else 0


async def run(daemon: Daemon, *, options: Options, config: Configuration) -> None:
    from client.metrics import count_request
    from client.rest import Client
    from component_base.kubeconfig import load
    from kube_proxy.addresses import list_links, watch_links
    from kube_proxy.assembly import Assembly

    set_oom_score(config.oom_score_adj)
    client = Client(
        load(config.kubeconfig or None, server=options.master),
        user_agent=NAME,
        qps=config.qps or None,
        burst=config.burst,
        on_answer=count_request,
    )
    is_liberal = config.tracking.tcp_be_liberal or sysctls.is_tcp_liberal()
    base = base_context(config, config.hostname or socket.gethostname().lower(), tcp_be_liberal=is_liberal)
    if base.localhost_node_ports:
        sysctls.route_loopback()
    await _clean_up_others(config.mode)
    metrics.begin(config.mode)
    backend = BACKENDS[config.mode]
    announcer = Announcer()
    assembly = Assembly(client, config, base, backend.writer(), announcer, clock.now)
    with suppress(RulesetError):  # without iproute2, only --nodeport-addresses with CIDRs misses it
        assembly.set_links(await list_links())
    async with AsyncExitStack() as stack:
        stack.push_async_callback(client.aclose)
        servers = _servers(stack, config, assembly)
        if config.bind_address_hard_fail:
            for start in servers.values():
                await start()
        await _serve_debug(stack, options, client, assembly)
        async with asyncio.TaskGroup() as group:
            if not config.bind_address_hard_fail:
                for name, start in servers.items():
                    group.create_task(start_when_free(start, name))
            group.create_task(assembly.feed())
            group.create_task(watch_links(assembly.set_links))
            group.create_task(announcer.run())
            await assembly.wait_synced()
            group.create_task(assembly.proxier.run())
            group.create_task(backend.watch(assembly.proxier.rules_gone))
            await assembly.first_sync.wait()
            # The kernel's settings are there once rules ask it to track.
            sysctls.track(sysctls_of(config.tracking, os.cpu_count() or 1))
            daemon.ready()


async def _clean_up_others(mode: str) -> None:
    """The rules of another mode, from before the mode was changed, would compete with ours."""
    for other in BACKENDS:
        error = None if other == mode else await clean_up(other)
        if error is not None:
            log.warning("Rules of another mode were not cleaned up: mode=%s err=%s", other, error)


def _servers(
    stack: AsyncExitStack, config: Configuration, assembly: Assembly
) -> dict[str, Callable[[], Awaitable[int]]]:
    """What starts health and metrics; a port of 0 is not served."""
    from component_base.health import HealthServer
    from component_base.http_server import Request, Response

    async def proxy_mode(request: Request) -> Response:
        return Response(config.mode.encode())

    stack.push_async_callback(assembly.service_health.aclose)
    host, port = split_address(config.healthz_bind_address)
    servers: dict[str, Callable[[], Awaitable[int]]] = {}
    if port:
        servers["healthz"] = partial(assembly.health.start, host, port)
        stack.push_async_callback(assembly.health.aclose)
    host, port = split_address(config.metrics_bind_address)
    if port:
        server = HealthServer(host, port, routes={"/proxyMode": proxy_mode})
        servers["metrics"] = server.start
        stack.push_async_callback(server.aclose)
    return servers


async def _serve_debug(stack: AsyncExitStack, options: Options, client: Client, assembly: Assembly) -> None:
    """Behind TLS and a guard, since it tells the names of Services."""
    from client.guard import PortGuard
    from client.reviews import AccessReviews, Authenticator
    from component_base.certificates import serving_context
    from component_base.health import HealthServer

    host, port = split_address(options.debug_bind_address)
    if not port:
        return
    server = HealthServer(
        host,
        port,
        ssl_context=await serving_context(
            options.tls_cert_file, options.tls_private_key_file, client_ca_file=options.client_ca_file
        ),
        routes={"/debug/services": assembly.proxier.journal.serve},
        guard=PortGuard(Authenticator(client), AccessReviews(client)),
    )
    await server.start()
    stack.push_async_callback(server.aclose)


if __name__ == "__main__":
    main()
