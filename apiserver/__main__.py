"""sampan-apiserver: flags to a running server."""

from __future__ import annotations

import asyncio
import ssl
import sys
from pathlib import Path

from apiserver.options import Options, OptionsError, validate
from component_base.daemon import Daemon, run_daemon
from component_base.flags import parse

NAME = "kube-apiserver"


def main() -> None:
    options = parse(Options, prog="sampan-apiserver")
    try:
        validate(options)
    except OptionsError as error:
        sys.exit(f"Error: {error}")
    run_daemon(NAME, lambda daemon: serve(daemon, options), options)


async def serve(daemon: Daemon, options: Options) -> None:
    """Runs until cancelled."""
    from apiserver import metrics
    from apiserver.app import build_app
    from apiserver.config_files import ConfigError
    from apiserver.server import HttpServer
    from apiserver.storage.etcd import EtcdStorage, EtcdTLS

    files = (options.etcd_cafile, options.etcd_certfile, options.etcd_keyfile)
    tls = EtcdTLS(*files) if any(files) else None
    storage = EtcdStorage(options.etcd_servers, tls=tls)
    try:
        server = build_app(options, storage)
    except ConfigError as error:
        sys.exit(f"Error: {error}")
    metrics.register(server.metrics)
    http = HttpServer(server.app)
    await http.start(options.bind_address, options.secure_port, _tls(options))
    work = asyncio.create_task(server.run())
    started = asyncio.create_task(server.start.finished.wait())
    try:
        await asyncio.wait({work, started}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            daemon.ready()
            await asyncio.wait({work})
        work.result()
    finally:
        # Requests under way still need the cache: the server goes first.
        await http.aclose()
        for task in (work, started):
            task.cancel()
        await asyncio.gather(work, started, return_exceptions=True)
        await storage.close()


def _tls(options: Options) -> ssl.SSLContext | None:
    from apiserver.server import tls_context

    if not options.tls_cert_file:
        return None
    client_ca = Path(options.client_ca_file) if options.client_ca_file else None
    return tls_context(Path(options.tls_cert_file), Path(options.tls_private_key_file), client_ca)


if __name__ == "__main__":
    main()
