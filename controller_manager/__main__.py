"""kube-controller-manager: parses flags, serves health, waits to become leader, runs the controllers."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from collections.abc import Sequence

from client.guard import guard_of
from client.leader_election import lead
from client.metrics import count_request
from client.rest import Client
from component_base.clock import now
from component_base.daemon import Daemon, run_daemon
from component_base.delegating_options import certificates_of
from component_base.election_options import election_of
from component_base.features import FeatureGateError, parse_gates
from component_base.flags import parse
from component_base.health import HealthServer
from component_base.kubeconfig import load
from component_base.metrics import tell_compatibility, tell_features
from component_base.serving_certificates import ServingCertificates
from component_base.serving_options import port_problem
from component_base.version import version_info
from controller_manager.certificates.signing_files import signing_problem
from controller_manager.manager import run_controllers
from controller_manager.options import UNUSED, Options, unknown_controllers
from controller_manager.table import CONTROLLERS

NAME = "kube-controller-manager"


def main(argv: Sequence[str] | None = None) -> None:
    options = parse(Options, argv, prog=NAME, unused=UNUSED)
    try:
        gates = parse_gates(options.feature_gates)
    except FeatureGateError as error:
        sys.exit(f"Error: {error}")
    if problem := port_problem(options.secure_port) or signing_problem(options):
        sys.exit(f"Error: {problem}")
    unknown = unknown_controllers({row.name for row in CONTROLLERS}, options.controllers)
    if unknown:
        sys.exit(f'Error: "{unknown[0]}" is not in the list of known controllers')

    async def run(daemon: Daemon) -> None:
        await _run(daemon, options)

    tell_features(gates)
    tell_compatibility(version_info())
    run_daemon(NAME, run, options)


async def _run(daemon: Daemon, options: Options) -> None:
    target = load(options.kubeconfig or None, server=options.master)
    client = Client(
        target,
        user_agent=NAME,
        qps=options.kube_api_qps or None,
        burst=options.kube_api_burst,
        on_answer=count_request,
    )

    async def work() -> None:
        await run_controllers(client, options, now, on_synced=daemon.ready)

    certificates = await certificates_of(options, NAME) if options.secure_port else None
    if certificates is not None:
        health = _health(client, options, certificates)
        await health.start()
    async with asyncio.TaskGroup() as group:
        if certificates is not None:
            group.create_task(certificates.run(), name="certificates")
        group.create_task(lead(work, election_of(options), target, component=NAME), name="main")


def _health(client: Client, options: Options, certificates: ServingCertificates) -> HealthServer:
    return HealthServer(
        options.bind_address,
        options.secure_port,
        ssl_context=certificates.context,
        config={"kubecontrollermanager.config.k8s.io": dataclasses.asdict(options)},
        guard=guard_of(options, client, kubeconfig=options.kubeconfig, name=NAME),
        shares_port=options.permit_port_sharing,
    )


if __name__ == "__main__":
    main()
