"""sampan-apiserver: flags to a running server."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from apiserver.options import UNUSED, Options, OptionsError, validate
from component_base.daemon import Daemon, run_daemon
from component_base.features import parse_gates
from component_base.flags import parse
from component_base.metrics import tell_compatibility, tell_features
from component_base.version import version_info

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

    from apiserver.assembly import ApiServer
    from apiserver.auth.x509 import ClientCertificates
    from apiserver.server import HttpServer
    from apiserver.storage.observed import ObservedStorage
    from component_base.serving_certificates import ServingCertificates

NAME = "kube-apiserver"


def main() -> None:
    options = parse(Options, prog="sampan-apiserver", unused=UNUSED)
    try:
        validate(options)
    except OptionsError as error:
        sys.exit(f"Error: {error}")
    tell_features(parse_gates(options.feature_gates))
    tell_compatibility(version_info())
    run_daemon(NAME, lambda daemon: serve(daemon, options), options)


async def serve(daemon: Daemon, options: Options) -> None:
    """Runs until cancelled."""
    from apiserver.assembly import ApiServer
    from apiserver.auth.setup import client_certificates
    from apiserver.config_files import ConfigError
    from apiserver.metrics import register
    from apiserver.server import HttpServer
    from apiserver.storage.size_metrics import SizeMetrics

    storage = _storage(options)
    try:
        server = ApiServer(options, storage)
    except ConfigError as error:
        sys.exit(f"Error: {error}")
    size = SizeMetrics(storage)
    register(*_collectors(server, options), storage, size)
    certificates = client_certificates(options)
    http = HttpServer(server.app, certificates)
    serving = await _serving(options, certificates)
    await http.start(
        options.bind_address,
        options.secure_port,
        serving.context if serving else None,
        shares_port=options.permit_port_sharing,
    )
    work = asyncio.create_task(server.run())
    aside = [asyncio.create_task(each.run()) for each in (size, serving) if each is not None]
    started = asyncio.create_task(server.start.finished.wait())
    try:
        await asyncio.wait({work, started}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            daemon.ready()
            await asyncio.wait({work})
        work.result()
    finally:
        await _shut_down(server, http, options)
        for task in (work, started, *aside):
            task.cancel()
        await asyncio.gather(work, started, *aside, return_exceptions=True)
        await storage.aclose()


def _storage(options: Options) -> ObservedStorage:
    """etcd, as the flags name it."""
    from apiserver.storage.etcd import EtcdStorage, EtcdTLS
    from apiserver.storage.observed import ObservedStorage
    from apiserver.storage.sole_writer import SoleWriter

    files = (options.etcd_cafile, options.etcd_certfile, options.etcd_keyfile)
    etcd = EtcdStorage(options.etcd_servers, tls=EtcdTLS(*files) if any(files) else None)
    return ObservedStorage(SoleWriter(etcd) if options.sole_apiserver else etcd)


def _collectors(server: ApiServer, options: Options) -> Iterator[Collector]:
    """All that a server's parts tell Prometheus."""
    from apiserver.admission.pod_security.metrics import PodSecurityMetrics
    from apiserver.admission.step import AdmissionMetrics
    from apiserver.aggregation.metrics import UnavailableServices
    from apiserver.auth.decision_metrics import AuthorizationMetrics
    from apiserver.flow_control.metrics import FlowMetrics
    from apiserver.handshakes import HandshakeMetrics
    from apiserver.registry.allocated_addresses import AllocatedAddresses
    from apiserver.storage.metrics import CacheMetrics

    yield server.metrics
    yield AdmissionMetrics()
    yield PodSecurityMetrics()
    yield AuthorizationMetrics(server.auth.authorizer)
    yield FlowMetrics(server.levels)
    yield CacheMetrics(server.cache)
    yield AllocatedAddresses(server.cache, options.service_cluster_ip_range)
    yield UnavailableServices(server.cache, server.api_services.became_unavailable)
    yield server.attempts
    yield server.auth.authenticator.certificates
    yield server.auth.authenticator.token_cache
    yield server.sent
    yield HandshakeMetrics()


async def _shut_down(server: ApiServer, http: HttpServer, options: Options) -> None:
    """Requests under way still need the cache: they go first."""
    await asyncio.gather(server.start.leave(), server.shutdown.begin(options.shutdown_delay_duration))
    if options.shutdown_send_retry_after:
        server.shutdown.refuses = True
    else:
        http.stop_listening()
    await server.shutdown.drain(options.request_timeout)
    await http.aclose()


async def _serving(options: Options, clients: ClientCertificates) -> ServingCertificates | None:
    """None where no flag tells of a certificate: then it is not HTTPS that is served."""
    from apiserver.server import bare_tls_context
    from component_base.serving_options import files_of, load_certificates

    files = await files_of(options, "apiserver")
    if files is None and not options.tls_sni_cert_key:
        return None
    return await load_certificates(options, files, lambda: bare_tls_context(clients.authorities))


if __name__ == "__main__":
    main()
