"""KubeProxyConfiguration: what the file or the flags say, as one frozen value with upstream's defaults.

But minSyncPeriod is a tenth of a second, not one: only what changed is written, so there's little to save up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

from apimachinery.durations import parse_duration
from apimachinery.objects import get_path
from component_base.config_shape import decoded, kind_problem, misfit, unknown_fields
from component_base.features import FeatureGateError, FeatureGates, parse_gates
from component_base.metric_filters import hidden_problem
from kube_proxy.config_shape import CONFIGURATION
from kube_proxy.options import Options
from kube_proxy.tracking import Tracking

log = logging.getLogger(__name__)

API_VERSION, KIND = "kubeproxy.config.k8s.io/v1alpha1", "KubeProxyConfiguration"
MODES = ("nftables", "iptables")
PRIMARY = "primary"
LOCAL_MODES = ("", "ClusterCIDR", "NodeCIDR", "BridgeInterface", "InterfaceNamePrefix")
WITHOUT_EFFECT = (
    "configSyncPeriod", "enableProfiling", "ipvs",
    "logging", "portRange", "showHiddenMetricsForVersion", "winkernel", "windowsRunAsService",
)  # fmt: skip
FIELDS = tuple(each for each in CONFIGURATION.fields if each not in WITHOUT_EFFECT)
_TRACKING = {
    "maxPerCore": "max_per_core",
    "min": "min",
    "tcpEstablishedTimeout": "tcp_established_timeout",
    "tcpCloseWaitTimeout": "tcp_close_wait_timeout",
    "tcpBeLiberal": "tcp_be_liberal",
    "udpTimeout": "udp_timeout",
    "udpStreamTimeout": "udp_stream_timeout",
}


class ConfigError(ValueError):
    """The file, or a flag, says something that can't be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    mode: str = "nftables"
    kubeconfig: str = ""
    hostname: str = ""
    bind_address: str = "0.0.0.0"
    bind_address_hard_fail: bool = False
    healthz_bind_address: str = "0.0.0.0:10256"
    metrics_bind_address: str = "127.0.0.1:10249"
    cluster_cidr: str = ""
    detect_local_mode: str = ""
    bridge_interface: str = ""
    interface_name_prefix: str = ""
    node_port_addresses: tuple[str, ...] = ()
    localhost_node_ports: bool = True
    masquerade_all: bool = False
    masquerade_bit: int = 14
    min_sync_period: float = 0.1
    neighbours: tuple[str, ...] = ()
    load_balancer_pool: tuple[str, ...] = ()
    qps: float = 0.0
    burst: int = 0
    oom_score_adj: int = -999
    tracking: Tracking = field(default_factory=Tracking)
    gates: FeatureGates = field(default_factory=FeatureGates)


def from_options(options: Options, default_mode: str = "nftables") -> Configuration:
    """Raises ConfigError."""
    mode = options.proxy_mode or default_mode
    _check(mode, options.detect_local_mode, options.nodeport_addresses)
    return Configuration(
        mode=mode,
        kubeconfig=options.kubeconfig,
        hostname=options.hostname_override,
        bind_address=options.bind_address,
        bind_address_hard_fail=options.bind_address_hard_fail,
        healthz_bind_address=options.healthz_bind_address,
        metrics_bind_address=options.metrics_bind_address,
        cluster_cidr=options.cluster_cidr,
        detect_local_mode=options.detect_local_mode,
        bridge_interface=options.pod_bridge_interface,
        interface_name_prefix=options.pod_interface_name_prefix,
        node_port_addresses=options.nodeport_addresses,
        localhost_node_ports=options.iptables_localhost_nodeports,
        masquerade_all=options.masquerade_all,
        masquerade_bit=options.iptables_masquerade_bit,
        min_sync_period=(
            options.iptables_min_sync_period if mode == "iptables" else options.nftables_min_sync_period
        ),
        neighbours=options.neighbour_nodes,
        load_balancer_pool=options.load_balancer_pool,
        qps=options.kube_api_qps,
        burst=options.kube_api_burst,
        oom_score_adj=_oom_score(options.oom_score_adj),
        tracking=_checked(
            Tracking(
                max_per_core=options.conntrack_max_per_core,
                min=options.conntrack_min,
                tcp_established_timeout=options.conntrack_tcp_timeout_established,
                tcp_close_wait_timeout=options.conntrack_tcp_timeout_close_wait,
                tcp_be_liberal=options.conntrack_tcp_be_liberal,
                udp_timeout=options.conntrack_udp_timeout,
                udp_stream_timeout=options.conntrack_udp_timeout_stream,
            )
        ),
        gates=_gates(options.feature_gates),
    )


def parse_configuration(document: Any, default_mode: str = "nftables") -> Configuration:
    """Raises ConfigError. `default_mode` is what an empty mode means on this machine.

    The file has no fields for what upstream doesn't know: neighbours and the pool are flags in any case.
    """
    if problem := kind_problem(document, API_VERSION, KIND) or misfit(document, CONFIGURATION):
        raise ConfigError(problem)
    if unknown := list(unknown_fields(document, CONFIGURATION)):
        log.warning("Ignoring unknown fields of the configuration: fields=%s", unknown)
    document = decoded(document, CONFIGURATION)

    def given(path: str, default: Any, convert: Callable[[Any], Any] = lambda value: value) -> Any:
        value = get_path(document, path)
        return default if value in (None, "") else convert(value)

    mode = given("mode", default_mode)
    addresses = given("nodePortAddresses", (), tuple)
    _check_hidden(given("showHiddenMetricsForVersion", ""))
    _check(mode, given("detectLocalMode", ""), addresses)
    return Configuration(
        mode=mode,
        kubeconfig=given("clientConnection.kubeconfig", ""),
        hostname=given("hostnameOverride", ""),
        bind_address=given("bindAddress", "0.0.0.0"),
        bind_address_hard_fail=given("bindAddressHardFail", False),
        healthz_bind_address=given("healthzBindAddress", "0.0.0.0:10256"),
        metrics_bind_address=given("metricsBindAddress", "127.0.0.1:10249"),
        cluster_cidr=given("clusterCIDR", ""),
        detect_local_mode=given("detectLocalMode", ""),
        bridge_interface=given("detectLocal.bridgeInterface", ""),
        interface_name_prefix=given("detectLocal.interfaceNamePrefix", ""),
        node_port_addresses=addresses,
        localhost_node_ports=given("iptables.localhostNodePorts", True),
        masquerade_all=given(f"{mode}.masqueradeAll", False),
        masquerade_bit=given(f"{mode}.masqueradeBit", 14),
        min_sync_period=given(f"{mode}.minSyncPeriod", 0.1, parse_duration),
        qps=given("clientConnection.qps", 0.0),
        burst=given("clientConnection.burst", 0),
        oom_score_adj=_oom_score(given("oomScoreAdj", -999)),
        tracking=_tracking(document.get("conntrack", {})),
        gates=given("featureGates", FeatureGates(), _gates),
    )


def _tracking(section: Mapping[str, Any]) -> Tracking:
    """Times are written as Go does, the others as they are."""
    given: dict[str, Any] = {
        name: parse_duration(section[key]) if isinstance(section[key], str) else section[key]
        for key, name in _TRACKING.items()
        if key in section
    }
    return _checked(Tracking(**given))


def _checked(tracking: Tracking) -> Tracking:
    for key, name in _TRACKING.items():
        if getattr(tracking, name) < 0:
            raise ConfigError(f"conntrack.{key}: must be greater than or equal to 0")
    return tracking


def _gates(pairs: Mapping[str, str | bool]) -> FeatureGates:
    try:
        return parse_gates(pairs)
    except FeatureGateError as error:
        raise ConfigError(str(error)) from None


def _oom_score(adjustment: int) -> int:
    if not -1000 <= adjustment <= 1000:
        path = "KubeProxyConfiguration.OOMScoreAdj"
        raise ConfigError(f"{path}: Invalid value: {adjustment}: must be within the range [-1000, 1000]")
    return adjustment


def _check_hidden(version: str) -> None:
    if problem := hidden_problem(version):
        path = "KubeProxyConfiguration.ShowHiddenMetricsForVersion"
        raise ConfigError(f'{path}: Invalid value: "{version}": {problem}')


def _check(mode: str, local_mode: str, node_port_addresses: tuple[str, ...]) -> None:
    if mode not in MODES:
        raise ConfigError(f'unsupported proxy mode "{mode}": must be one of {", ".join(MODES)}')
    if local_mode not in LOCAL_MODES:
        raise ConfigError(f'unsupported detect-local-mode "{local_mode}"')
    for each in node_port_addresses:
        if each != PRIMARY and not _is_cidr(each):
            raise ConfigError(f'invalid nodePortAddresses "{each}": must be "{PRIMARY}" or a CIDR')


def _is_cidr(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return "/" in text


def split_address(text: str) -> tuple[str, int]:
    """host and port of `0.0.0.0:10256` or `[::]:10256`; no port means none."""
    host, _, port = text.rpartition(":")
    return host.strip("[]") or "0.0.0.0", int(port or 0)
