"""sampan-apiserver: flags to a running server."""

from __future__ import annotations

import asyncio
import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from apiserver.options import UNUSED, Options, OptionsError, validate
from component_base.daemon import Daemon, run_daemon
from component_base.features import parse_gates
from component_base.flags import parse
from component_base.metrics import tell_features

if TYPE_CHECKING:
    from apiserver.assembly import ApiServer
    from apiserver.auth.x509 import ClientCertificates
    from apiserver.server import HttpServer

NAME = "kube-apiserver"


def main() -> None:
    options = parse(Options, prog="sampan-apiserver", unused=UNUSED)
    try:
        validate(options)
    except OptionsError as error:
        sys.exit(f"Error: {error}")
    tell_features(parse_gates(options.feature_gates))
    run_daemon(NAME, lambda daemon: serve(daemon, options), options)


async def serve(daemon: Daemon, options: Options) -> None:
    """Runs until cancelled."""
    from apiserver import metrics
    from apiserver.admission.step import AdmissionMetrics
    from apiserver.aggregation.metrics import UnavailableServices
    from apiserver.assembly import ApiServer
    from apiserver.auth.decision_metrics import AuthorizationMetrics
    from apiserver.auth.setup import client_certificates
    from apiserver.config_files import ConfigError
    from apiserver.flow_control.metrics import FlowMetrics
    from apiserver.server import HttpServer
    from apiserver.storage.etcd import EtcdStorage, EtcdTLS
    from apiserver.storage.metrics import CacheMetrics, SizeMetrics
    from apiserver.storage.observed import ObservedStorage

    files = (options.etcd_cafile, options.etcd_certfile, options.etcd_keyfile)
    tls = EtcdTLS(*files) if any(files) else None
    storage = ObservedStorage(EtcdStorage(options.etcd_servers, tls=tls))
    try:
        server = ApiServer(options, storage)
    except ConfigError as error:
        sys.exit(f"Error: {error}")
    size = SizeMetrics(storage)
    metrics.register(
        server.metrics,
        AdmissionMetrics(),
        AuthorizationMetrics(server.auth.authorizer),
        FlowMetrics(server.levels),
        CacheMetrics(server.cache),
        UnavailableServices(server.cache, server.api_services.became_unavailable),
        server.auth.authenticator.certificates,
        server.sent,
        storage,
        size,
    )
    certificates = client_certificates(options)
    http = HttpServer(server.app, certificates)
    await http.start(options.bind_address, options.secure_port, await _tls(options, certificates))
    work = asyncio.create_task(server.run())
    measuring = asyncio.create_task(size.run())
    started = asyncio.create_task(server.start.finished.wait())
    try:
        await asyncio.wait({work, started}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            daemon.ready()
            await asyncio.wait({work})
        work.result()
    finally:
        await _shut_down(server, http, options)
        for task in (work, started, measuring):
            task.cancel()
        await asyncio.gather(work, started, measuring, return_exceptions=True)
        await storage.close()


async def _shut_down(server: ApiServer, http: HttpServer, options: Options) -> None:
    """Requests under way still need the cache: they go first."""
    await server.shutdown.begin(options.shutdown_delay_duration)
    if options.shutdown_send_retry_after:
        server.shutdown.refuses = True
    else:
        http.stop_listening()
    await server.shutdown.drain(options.request_timeout)
    await http.aclose()


async def _tls(options: Options, certificates: ClientCertificates) -> ssl.SSLContext | None:
    from apiserver.server import tls_context
    from component_base.certificates import pair_in
    from component_base.tls_options import restrict

    if options.tls_cert_file:
        pair = Path(options.tls_cert_file), Path(options.tls_private_key_file)
    elif options.cert_dir:
        pair = await pair_in(Path(options.cert_dir), "apiserver")
    else:
        return None
    context = tls_context(*pair, certificates.authorities)
    restrict(context, options.tls_min_version, options.tls_cipher_suites)
    return context


if __name__ == "__main__":
    main()
