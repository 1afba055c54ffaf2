"""KubeProxyConfiguration: what the file or the flags say, as one frozen value with upstream's defaults.

But minSyncPeriod is a tenth of a second, not one: only what changed is written, so there's little to save up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from apimachinery.durations import parse_duration
from apimachinery.objects import Object, get_path
from kube_proxy.options import Options

API_VERSION, KIND = "kubeproxy.config.k8s.io/v1alpha1", "KubeProxyConfiguration"
PRIMARY = "primary"
LOCAL_MODES = ("", "ClusterCIDR", "NodeCIDR", "BridgeInterface", "InterfaceNamePrefix")
_FIELDS = frozenset(
    (
        "apiVersion", "kind", "bindAddress", "bindAddressHardFail", "clientConnection", "clusterCIDR",
        "configSyncPeriod", "conntrack", "detectLocal", "detectLocalMode", "enableProfiling",
        "featureGates", "healthzBindAddress", "hostnameOverride", "iptables", "ipvs", "logging",
        "metricsBindAddress", "mode", "nftables", "nodePortAddresses", "oomScoreAdj", "portRange",
        "showHiddenMetricsForVersion", "winkernel", "windowsRunAsService",
    )
)  # fmt: skip


class ConfigError(ValueError):
    """The file, or a flag, says something that can't be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    kubeconfig: str = ""
    hostname: str = ""
    bind_address: str = "0.0.0.0"
    healthz_bind_address: str = "0.0.0.0:10256"
    metrics_bind_address: str = "127.0.0.1:10249"
    cluster_cidr: str = ""
    detect_local_mode: str = ""
    bridge_interface: str = ""
    interface_name_prefix: str = ""
    node_port_addresses: tuple[str, ...] = (PRIMARY,)
    masquerade_all: bool = False
    masquerade_bit: int = 14
    min_sync_period: float = 0.1


def from_options(options: Options) -> Configuration:
    _check_mode(options.proxy_mode, options.detect_local_mode)
    return Configuration(
        kubeconfig=options.kubeconfig,
        hostname=options.hostname_override,
        bind_address=options.bind_address,
        healthz_bind_address=options.healthz_bind_address,
        metrics_bind_address=options.metrics_bind_address,
        cluster_cidr=options.cluster_cidr,
        detect_local_mode=options.detect_local_mode,
        bridge_interface=options.pod_bridge_interface,
        interface_name_prefix=options.pod_interface_name_prefix,
        node_port_addresses=options.nodeport_addresses or (PRIMARY,),
        masquerade_all=options.masquerade_all,
        masquerade_bit=options.nftables_masquerade_bit,
        min_sync_period=options.nftables_min_sync_period,
    )


def parse_configuration(document: Object) -> Configuration:
    """Raises ConfigError."""
    if (document.get("apiVersion"), document.get("kind")) != (API_VERSION, KIND):
        raise ConfigError(
            f'no kind "{document.get("kind")}" is registered for version "{document.get("apiVersion")}"'
        )
    unknown = sorted(set(document) - _FIELDS)
    if unknown:
        raise ConfigError(f'strict decoding error: unknown field "{unknown[0]}"')
    _check_mode(document.get("mode") or "", document.get("detectLocalMode") or "")

    def given(path: str, default: Any, convert: Callable[[Any], Any] = lambda value: value) -> Any:
        value = get_path(document, path)
        return default if value in (None, "") else convert(value)

    return Configuration(
        kubeconfig=given("clientConnection.kubeconfig", ""),
        hostname=given("hostnameOverride", ""),
        bind_address=given("bindAddress", "0.0.0.0"),
        healthz_bind_address=given("healthzBindAddress", "0.0.0.0:10256"),
        metrics_bind_address=given("metricsBindAddress", "127.0.0.1:10249"),
        cluster_cidr=given("clusterCIDR", ""),
        detect_local_mode=given("detectLocalMode", ""),
        bridge_interface=given("detectLocal.bridgeInterface", ""),
        interface_name_prefix=given("detectLocal.interfaceNamePrefix", ""),
        node_port_addresses=given("nodePortAddresses", (), tuple) or (PRIMARY,),
        masquerade_all=given("nftables.masqueradeAll", False),
        masquerade_bit=given("nftables.masqueradeBit", 14),
        min_sync_period=given("nftables.minSyncPeriod", 0.1, parse_duration),
    )


def _check_mode(mode: str, local_mode: str) -> None:
    if mode not in ("", "nftables"):
        raise ConfigError(f'unsupported proxy mode "{mode}": only nftables is')
    if local_mode not in LOCAL_MODES:
        raise ConfigError(f'unsupported detect-local-mode "{local_mode}"')


def split_address(text: str) -> tuple[str, int]:
    """host and port of `0.0.0.0:10256` or `[::]:10256`; no port means none."""
    host, _, port = text.rpartition(":")
    return host.strip("[]") or "0.0.0.0", int(port or 0)
