"""sampan-kubelet: from flags and configuration file to a running node, or many hollow ones.

The only composition root.
"""

from __future__ import annotations

import asyncio
import os
import sys
from functools import partial
from typing import Any

from apimachinery.decoding import DecodeError
from component_base.daemon import Daemon, notify, run_daemon
from component_base.flags import parse
from component_base.metrics import tell_features
from component_base.watchdog import WatchdogError, period_of, watched
from kubelet.cgroups.drivers import is_on_v1
from kubelet.cgroups.policy import CgroupPolicyError, check_reserved_cpus
from kubelet.cgroups.policy import policy_of as cgroup_policy_of
from kubelet.configuration import ConfigError, check, completed, gates_of, merge
from kubelet.configuration_files import read_configuration
from kubelet.eviction.thresholds import ThresholdError, parse_thresholds
from kubelet.kernel_settings import KernelSettingsError, check_kernel
from kubelet.options import UNUSED, Options
from kubelet.runtime.hollow.script import ScriptError, load_script
from kubelet.standalone import StandaloneError, check_standalone

NAME = "kubelet"
_REFUSALS = (
    ConfigError,
    ThresholdError,
    CgroupPolicyError,
    StandaloneError,
    ScriptError,
    WatchdogError,
    KernelSettingsError,
)


def main() -> None:
    options = parse(Options, prog=NAME, unused=UNUSED)
    try:
        configuration = merge(read_configuration(options.config, options.config_dir), options)
        gates = gates_of(configuration)
        configuration["featureGates"] = dict(gates.given)
        _check(options, configuration)
        watchdog = period_of(os.environ, os.getpid()) if gates.enabled("SystemdWatchdog") else None
    except (*_REFUSALS, DecodeError, OSError) as error:
        sys.exit(f"Error: {error}")
    if options.container_runtime not in ("docker", "hollow"):
        sys.exit(f'Error: unsupported container runtime: "{options.container_runtime}"')
    if options.pod_network_backend not in ("auto", "host-gw", "vxlan"):
        sys.exit(f'Error: unknown pod network backend: "{options.pod_network_backend}"')
    if options.cleanup:
        asyncio.run(_clean_up(options, configuration))
        return
    tell_features(gates)
    work = partial(run, options=options, configuration=configuration, watchdog=watchdog)
    run_daemon(NAME, work, completed(options, configuration))


def _check(options: Options, configuration: dict[str, Any]) -> None:
    """Raises one of _REFUSALS for what no kubelet would start with, or none on this machine."""
    is_real = options.container_runtime == "docker"
    check(configuration, on_v1=is_real and is_on_v1())
    parse_thresholds(configuration)
    cgroup_policy_of(configuration)
    if options.hollow_behaviour:
        load_script(options.hollow_behaviour)
    if is_real:
        check_reserved_cpus(configuration, range(os.cpu_count() or 1))
    if is_real and not options.cleanup:
        if configuration["protectKernelDefaults"]:
            check_kernel()
        if not options.kubeconfig:
            check_standalone(configuration)


async def _clean_up(options: Options, configuration: dict[str, Any]) -> None:
    from kubelet.docker_node import clean_up

    await clean_up(options, configuration)


async def run(
    daemon: Daemon, *, options: Options, configuration: dict[str, Any], watchdog: float | None
) -> None:
    async with watched(watchdog, notify, daemon.checks):
        await _run(daemon, options, configuration)


async def _run(daemon: Daemon, options: Options, configuration: dict[str, Any]) -> None:
    if options.container_runtime == "hollow":
        from kubelet.hollow_nodes import run_hollow_nodes

        await run_hollow_nodes(daemon, options, configuration)
    else:
        from kubelet.docker_node import run_docker_node

        await run_docker_node(daemon, options, configuration)


if __name__ == "__main__":
    main()
