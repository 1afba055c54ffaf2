"""sampan-scheduler: from flags and configuration file to a running scheduler. The only composition root."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from component_base import clock
from component_base.config_file import read_document
from component_base.daemon import Daemon, run_daemon
from component_base.election_options import election_of
from component_base.features import FeatureGateError, parse_gates
from component_base.flags import parse
from component_base.metrics import tell_compatibility, tell_features
from component_base.serving_options import port_problem
from component_base.version import version_info
from scheduler.config import Configuration, parse_configuration
from scheduler.options import UNUSED, Options

if TYPE_CHECKING:
    from client.rest import Client
    from component_base.health import HealthServer
    from component_base.kubeconfig import ClientConfig
    from component_base.serving_certificates import ServingCertificates
    from scheduler.assembly import Assembly
    from scheduler.framework.own import OwnPlugin

NAME = "kube-scheduler"


def main() -> None:
    options = parse(Options, prog=NAME, unused=UNUSED)
    try:
        gates = parse_gates(options.feature_gates)
        own = _own_plugins(options)
        config = replace(
            load_configuration(options, own), max_unschedulable=options.pod_max_in_unschedulable_pods_duration
        )
    except (FeatureGateError, ValueError, OSError) as error:
        sys.exit(f"Error: {error}")
    if problem := port_problem(options.secure_port):
        sys.exit(f"Error: {problem}")
    tell_features(gates)
    tell_compatibility(version_info())
    run_daemon(NAME, partial(run, options=options, config=config, own=own), options)


def _own_plugins(options: Options) -> tuple[type[OwnPlugin], ...]:
    """Raises ConfigError."""
    if not options.plugins_from:
        return ()
    from scheduler.framework.own import load_plugins

    return load_plugins(options.plugins_from)


def load_configuration(options: Options, own: Sequence[type[OwnPlugin]] = ()) -> Configuration:
    """The file's values, or those of the flags where no file is given, as upstream has it."""
    if options.config:
        from scheduler.plugins.registry import check_plugins

        config = parse_configuration(read_document(options.config))
        check_plugins(config, own)
        _check_certificates(config)
        return config
    return replace(Configuration(), leader_election=election_of(options))


def _check_certificates(config: Configuration) -> None:
    """Raises ValueError or OSError where those of an extender can't be read, before anything is started."""
    if config.extenders:
        from scheduler.extender import HttpPost

        for each in config.extenders:
            HttpPost(each)


async def run(
    daemon: Daemon, *, options: Options, config: Configuration, own: Sequence[type[OwnPlugin]] = ()
) -> None:
    from client.leader_election import lead
    from component_base.delegating_options import certificates_of
    from component_base.kubeconfig import load
    from component_base.metrics import collected
    from scheduler.assembly import assemble
    from scheduler.metrics import Rejections
    from scheduler.pod_info import DEFAULT_SCHEDULER

    target = load(options.kubeconfig or config.kubeconfig or None, server=options.master)
    client = _client(target, options, config)
    assembly = assemble(client, config, Random(), clock.now, own, host=socket.gethostname())
    certificates = await certificates_of(options, NAME)
    health = _health(options, config, client, assembly, certificates)
    try:
        if options.secure_port:
            await health.start()
        with collected(Rejections(assembly.queue.rejections)):
            async with asyncio.TaskGroup() as group:
                if options.secure_port:
                    group.create_task(certificates.run())
                group.create_task(assembly.feed())
                await assembly.wait_synced()
                daemon.ready()
                await lead(
                    assembly.scheduler.run,
                    config.leader_election,
                    target,
                    component=NAME,
                    events_of=DEFAULT_SCHEDULER,
                )
    finally:
        await assembly.aclose()
        await health.aclose()
        await client.aclose()


def _client(target: ClientConfig, options: Options, config: Configuration) -> Client:
    from client.metrics import count_request
    from client.rest import Client

    return Client(
        target,
        user_agent=NAME,
        qps=options.kube_api_qps or config.qps or None,
        burst=options.kube_api_burst or config.burst,
        on_answer=count_request,
    )


def _health(
    options: Options,
    config: Configuration,
    client: Client,
    assembly: Assembly,
    certificates: ServingCertificates,
) -> HealthServer:
    """The daemon's own port: health, metrics, and what the scheduler knows."""
    from client.guard import guard_of
    from component_base.health import HealthServer
    from scheduler.debug import debug_routes

    return HealthServer(
        options.bind_address,
        options.secure_port,
        {"informers-sync": lambda: None if assembly.is_synced else "informers are not synced"},
        ssl_context=certificates.context,
        routes=debug_routes(assembly.journal, assembly.queue, assembly.pods),
        guard=guard_of(options, client, kubeconfig=options.kubeconfig or config.kubeconfig, name=NAME),
        shares_port=options.permit_port_sharing,
    )


if __name__ == "__main__":
    main()
