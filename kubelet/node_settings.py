"""What flags, configuration file and machine say, as the parts of a node want to have it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from apimachinery.durations import parse_duration
from apimachinery.quantity import Quantity
from component_base.addresses import primary_address
from component_base.resolv_conf import ResolvConf, parse_resolv_conf
from component_base.token_bucket import TokenBucket
from kubelet.cgroups.policy import reserved_of
from kubelet.configuration import gates_of
from kubelet.images.collection import ImagePolicy
from kubelet.images.manager import PullLimits
from kubelet.node.machine import Machine, has_apparmor
from kubelet.node.status import NodeConfig
from kubelet.options import Options
from kubelet.runtime.docker.requests import LogLimits
from kubelet.settings import PodSettings
from kubelet.static_pods.files import ManifestFiles
from kubelet.static_pods.sources import Manifests

log = logging.getLogger(__name__)

_GO_QPS, _GO_BURST = 5, 10


def node_name(options: Options, machine: Machine) -> str:
    return (options.hostname_override or machine.hostname).lower()


def certificate_folder(options: Options) -> Path:
    return Path(options.cert_dir or Path(options.root_dir, "pki"))


def node_config_of(
    options: Options, configuration: dict[str, Any], machine: Machine, server: str
) -> NodeConfig:
    addresses = tuple(each for each in options.node_ip.split(",") if each)
    return NodeConfig(
        name=node_name(options, machine),
        addresses=addresses or (primary_address(urlsplit(server).hostname or ""),),
        hostname=node_name(options, machine),
        port=configuration["port"],
        max_pods=configuration["maxPods"],
        pods_per_core=configuration["podsPerCore"],
        max_images=configuration["nodeStatusMaxImages"],
        report_seconds=parse_duration(configuration["nodeStatusReportFrequency"]),
        labels=options.node_labels or {},
        taints=configuration["registerWithTaints"],
        provider_id=configuration["providerID"],
        lease_seconds=configuration["nodeLeaseDurationSeconds"],
        reserved=reserved_of(configuration),
        isolates_storage=configuration["localStorageCapacityIsolation"],
        eviction_hard=configuration["evictionHard"],
    )


def pod_settings_of(configuration: dict[str, Any], root: Path) -> PodSettings:
    first, longest = restart_seconds_of(configuration)
    return PodSettings(
        cluster_dns=tuple(configuration["clusterDNS"]),
        cluster_domain=configuration["clusterDomain"],
        host_dns=partial(_read_resolv_conf, Path(configuration["resolvConf"])),
        pids_limit=max(configuration["podPidsLimit"], 0),
        cpu_quota=configuration["cpuCFSQuota"],
        seccomp_default=configuration["seccompDefault"],
        seccomp_root=str(root / "seccomp"),
        has_apparmor=has_apparmor(),
        allowed_unsafe_sysctls=tuple(configuration["allowedUnsafeSysctls"]),
        first_restart=first,
        longest_restart=longest,
        resync_seconds=parse_duration(configuration["syncFrequency"]),
        gates=gates_of(configuration),
    )


def restart_seconds_of(configuration: Mapping[str, Any]) -> tuple[float, float]:
    """Of containers that crash, at first and at last: what is configured wins over what a gate makes less."""
    gates = gates_of(configuration)
    first, longest = (1.0, 60.0) if gates.enabled("ReduceDefaultCrashLoopBackOffDecay") else (10.0, 300.0)
    if gates.enabled("KubeletCrashLoopBackOffMax"):
        longest = parse_duration(configuration["crashLoopBackOff"].get("maxContainerRestartPeriod") or "5m")
    return min(first, longest), longest


def manifests_of(
    configuration: dict[str, Any], node: str, now: Callable[[], datetime]
) -> Iterator[Manifests]:
    if path := configuration["staticPodPath"]:
        log.info("Adding static pod path: path=%s", path)
        period = parse_duration(configuration["fileCheckFrequency"])
        yield ManifestFiles(Path(path), node, period=period, now=now)
    if url := configuration["staticPodURL"]:
        from kubelet.static_pods.url import ManifestUrl, fetch

        headers = configuration["staticPodURLHeader"]
        log.info("Adding pod URL with HTTP header: URL=%s header=%s", url, list(headers))
        period = parse_duration(configuration["httpCheckFrequency"])
        yield ManifestUrl(url, partial(fetch, url, headers), node, period=period, now=now)


def image_policy_of(configuration: dict[str, Any]) -> ImagePolicy:
    return ImagePolicy(
        high=configuration["imageGCHighThresholdPercent"],
        low=configuration["imageGCLowThresholdPercent"],
        minimum_age=parse_duration(configuration["imageMinimumGCAge"]),
        maximum_age=parse_duration(configuration["imageMaximumGCAge"]),
    )


def pull_limits_of(configuration: dict[str, Any]) -> PullLimits:
    return PullLimits(
        serialize=configuration["serializeImagePulls"],
        parallel=configuration["maxParallelImagePulls"],
        qps=configuration["registryPullQPS"],
        burst=configuration["registryBurst"],
    )


def log_limits_of(configuration: dict[str, Any]) -> LogLimits:
    size = Quantity.parse(configuration["containerLogMaxSize"]).value()
    return LogLimits(size, configuration["containerLogMaxFiles"])


def _read_resolv_conf(path: Path) -> ResolvConf:
    return parse_resolv_conf(path.read_text() if path.is_file() else "")


def request_limit_of(configuration: Mapping[str, Any]) -> tuple[float, int]:
    """Requests a second in the long run, and at once. Where a number is 0 it is that of Go's clients."""
    return configuration["kubeAPIQPS"] or _GO_QPS, configuration["kubeAPIBurst"] or _GO_BURST


def event_limit_of(configuration: Mapping[str, Any]) -> TokenBucket:
    """As for requests."""
    return TokenBucket(configuration["eventRecordQPS"] or _GO_QPS, configuration["eventBurst"] or _GO_BURST)


def heartbeat_seconds_of(configuration: Mapping[str, Any]) -> float:
    """What a heartbeat may take: no longer than until the next, nor than the lease lasts."""
    period = parse_duration(configuration["nodeStatusUpdateFrequency"])
    return min(period, float(configuration["nodeLeaseDurationSeconds"]))
