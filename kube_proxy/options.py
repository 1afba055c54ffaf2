"""kube-proxy's flags, with upstream's names."""

from __future__ import annotations

from dataclasses import dataclass

from component_base.features import GatedOptions
from component_base.flag_values import parse_ipv4_cidrs
from component_base.flags import duration, flag, unused
from component_base.unused_flags import EVERY
from kube_proxy.tracking import Tracking

TRACKING = Tracking()

UNUSED = EVERY | unused(
    bools="enable-dsr forward-healthcheck-vip ipvs-strict-arp profiling windows-service",
    durations=(
        "config-sync-period iptables-sync-period ipvs-min-sync-period "
        "ipvs-sync-period ipvs-tcp-timeout ipvs-tcpfin-timeout ipvs-udp-timeout nftables-sync-period"
    ),
    texts=(
        "ipvs-exclude-cidrs ipvs-scheduler kube-api-content-type network-name root-hnsendpoint-name "
        "source-vip"
    ),
)


@dataclass(frozen=True)
class Options(GatedOptions):
    config: str = flag("", "The path to the configuration file.")
    kubeconfig: str = flag("", "Path to kubeconfig file with authorization information.")
    master: str = flag("", "The address of the Kubernetes API server (overrides any value in kubeconfig).")
    cleanup: bool = flag(False, "If true cleanup all rules of nftables and iptables mode and exit.")
    hostname_override: str = flag("", "If non-empty, the name of the Node that kube-proxy is running on.")
    proxy_mode: str = flag(
        "", "Which proxy mode to use: nftables or iptables. If blank, nftables where the kernel has it."
    )
    healthz_bind_address: str = flag("0.0.0.0:10256", "The IP address and port for the health check server.")
    metrics_bind_address: str = flag("127.0.0.1:10249", "The IP address and port for the metrics server.")
    debug_bind_address: str = flag(
        "", "The IP address and port of the HTTPS server for those who may know more; none if empty."
    )
    tls_cert_file: str = flag("", "File containing the x509 Certificate for --debug-bind-address.")
    tls_private_key_file: str = flag("", "File containing the key matching --tls-cert-file.")
    client_ca_file: str = flag(
        "", "If set, client certificates signed by one of these authorities are known."
    )
    bind_address: str = flag(
        "0.0.0.0", "Overrides kube-proxy's idea of its node's primary address; 0.0.0.0 leaves that alone."
    )
    bind_address_hard_fail: bool = flag(
        False, "If true kube-proxy will treat failure to bind to a port as fatal and exit."
    )
    cluster_cidr: str = flag("", "The CIDR range of the pods in the cluster.")
    detect_local_mode: str = flag(
        "", "How to detect local traffic: ClusterCIDR, NodeCIDR, BridgeInterface or InterfaceNamePrefix."
    )
    pod_bridge_interface: str = flag("", "A bridge interface name, for --detect-local-mode=BridgeInterface.")
    pod_interface_name_prefix: str = flag("", "A prefix, for --detect-local-mode=InterfaceNamePrefix.")
    nodeport_addresses: tuple[str, ...] = flag(
        (),
        "CIDRs of addresses that accept NodePort traffic; 'primary' is the node's own. If empty, nftables "
        "mode takes the node's own, iptables mode every local one.",
    )
    masquerade_all: bool = flag(False, "SNAT all traffic sent via Service cluster IPs.")
    iptables_localhost_nodeports: bool = flag(
        True, "If false, NodePort services do not answer on localhost in iptables mode."
    )
    iptables_masquerade_bit: int = flag(14, "The bit of the packet mark that asks for SNAT.")
    iptables_min_sync_period: float = duration(0.1, "The minimum period between two syncs in iptables mode.")
    neighbour_nodes: tuple[str, ...] = flag(
        (), "Further nodes that share this machine's network. Their endpoints are local, too."
    )
    load_balancer_pool: tuple[str, ...] = flag(
        (),
        "CIDRs of addresses of LoadBalancer Services that the nodes answer for, one node for each; as the "
        "controller manager has them.",
        parse=parse_ipv4_cidrs,
    )
    nftables_min_sync_period: float = duration(0.1, "The minimum period between two syncs in nftables mode.")
    kube_api_qps: float = flag(0.0, "QPS to use while talking with kubernetes apiserver; 0 is without limit.")
    kube_api_burst: int = flag(0, "Burst to use while talking with kubernetes apiserver; 0 is twice the QPS.")
    oom_score_adj: int = flag(
        -999, "The oom-score-adj value for kube-proxy process. Values must be within the range [-1000, 1000]."
    )
    conntrack_max_per_core: int = flag(
        TRACKING.max_per_core,
        "Maximum number of NAT connections to track per CPU core (0 to leave the limit as-is and ignore "
        "conntrack-min).",
    )
    conntrack_min: int = flag(
        TRACKING.min, "Minimum number of conntrack entries to allocate, regardless of conntrack-max-per-core."
    )
    conntrack_tcp_timeout_established: float = duration(
        TRACKING.tcp_established_timeout, "Idle timeout for established TCP connections (0 to leave as-is)."
    )
    conntrack_tcp_timeout_close_wait: float = duration(
        TRACKING.tcp_close_wait_timeout,
        "NAT timeout for TCP connections in the CLOSE_WAIT state (0 to leave as-is).",
    )
    conntrack_tcp_be_liberal: bool = flag(
        False, "Enable liberal mode for tracking TCP packets by setting nf_conntrack_tcp_be_liberal to 1."
    )
    conntrack_udp_timeout: float = duration(
        0.0, "Idle timeout for UNREPLIED UDP connections (0 to leave as-is)."
    )
    conntrack_udp_timeout_stream: float = duration(
        0.0, "Idle timeout for ASSURED UDP connections (0 to leave as-is)."
    )
