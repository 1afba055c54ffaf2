"""sampan-proxy: from flags or a configuration file to a running proxy. The only composition root."""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from component_base import clock
from component_base.daemon import Daemon, run_daemon
from component_base.flags import parse
from kube_proxy.config import ConfigError, Configuration, from_options, parse_configuration, split_address
from kube_proxy.nftables import Nftables, RulesetError
from kube_proxy.options import Options

if TYPE_CHECKING:
    from client.rest import Client
    from kube_proxy.assembly import Assembly

NAME = "kube-proxy"


def main() -> None:
    options = parse(Options, prog=NAME)
    if options.cleanup:
        sys.exit(asyncio.run(_cleanup()))
    try:
        config = load_configuration(options)
    except (ConfigError, OSError) as error:
        sys.exit(f"Error: {error}")
    run_daemon(NAME, partial(run, options=options, config=config), options)


def load_configuration(options: Options) -> Configuration:
    if not options.config:
        return from_options(options)
    import yaml

    document = yaml.safe_load(Path(options.config).read_text())
    return parse_configuration(document if isinstance(document, dict) else {})


async def _cleanup() -> int:
    failed = 0
    for ip in ("ip", "ip6"):
        try:
            await Nftables(ip).cleanup()
        except RulesetError as error:
            print(f"Error: {error}", file=sys.stderr)
            failed = 1
    return failed


async def run(daemon: Daemon, *, options: Options, config: Configuration) -> None:
    from client.kubeconfig import load
    from client.rest import Client
    from kube_proxy.addresses import local_addresses
    from kube_proxy.assembly import assemble
    from kube_proxy.table_watch import watch_table

    client = Client(load(config.kubeconfig or None), user_agent=NAME)
    hostname = config.hostname or socket.gethostname().lower()
    assembly = assemble(client, config, hostname, await local_addresses(), Nftables(), clock.now)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(client.aclose)
        await _serve(stack, config, assembly)
        await _serve_debug(stack, options, client, assembly)
        async with asyncio.TaskGroup() as group:
            group.create_task(assembly.feed())
            await assembly.wait_synced()
            group.create_task(assembly.proxier.run())
            group.create_task(watch_table(assembly.proxier.rules_gone))
            await assembly.first_sync.wait()
            daemon.ready()


async def _serve(stack: AsyncExitStack, config: Configuration, assembly: Assembly) -> None:
    """Health and metrics; a port of 0 is not served."""
    from component_base.health import HealthServer
    from component_base.http_server import Request, Response

    async def proxy_mode(request: Request) -> Response:
        return Response(b"nftables")

    stack.push_async_callback(assembly.service_health.aclose)
    host, port = split_address(config.healthz_bind_address)
    if port:
        await assembly.health.start(host, port)
        stack.push_async_callback(assembly.health.aclose)
    host, port = split_address(config.metrics_bind_address)
    if port:
        server = HealthServer(host, port, routes={"/proxyMode": proxy_mode})
        await server.start()
        stack.push_async_callback(server.aclose)


async def _serve_debug(stack: AsyncExitStack, options: Options, client: Client, assembly: Assembly) -> None:
    """Behind TLS and a guard, since it tells the names of Services."""
    from client.guard import PortGuard
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
        guard=PortGuard(client),
    )
    await server.start()
    stack.push_async_callback(server.aclose)


if __name__ == "__main__":
    main()
