"""kube-proxy's metrics, under upstream's names."""

from __future__ import annotations

from component_base.metrics import LATENCY_BUCKETS, Counter, Gauge, Histogram

FAMILY = "IPv4"

_BY_FAMILY = ("ip_family",)
_BY_TABLE = ("table", "ip_family")


def _seconds(name: str, help: str) -> Histogram:
    return Histogram(name, help, _BY_FAMILY, buckets=LATENCY_BUCKETS).labels(FAMILY)


def _failures(name: str, help: str) -> Counter:
    return Counter(name, help, _BY_FAMILY)


SYNC_DURATION = _seconds("kubeproxy_sync_proxy_rules_duration_seconds", "SyncProxyRules latency in seconds")
FULL_SYNC_DURATION = _seconds(
    "kubeproxy_sync_full_proxy_rules_duration_seconds", "SyncProxyRules latency in seconds for full resyncs"
)
PARTIAL_SYNC_DURATION = _seconds(
    "kubeproxy_sync_partial_proxy_rules_duration_seconds",
    "SyncProxyRules latency in seconds for partial resyncs",
)
PROGRAMMING_DURATION = Histogram(
    "kubeproxy_network_programming_duration_seconds",
    "In Cluster Network Programming Latency in seconds",
    _BY_FAMILY,
    buckets=(0.25, 0.5, *range(1, 60), *range(60, 120, 5), *range(120, 301, 30)),
).labels(FAMILY)
LAST_SYNC = Gauge(
    "kubeproxy_sync_proxy_rules_last_timestamp_seconds",
    "The last time proxy rules were successfully synced",
    _BY_FAMILY,
).labels(FAMILY)
LAST_QUEUED = Gauge(
    "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds",
    "The last time a sync of proxy rules was queued",
    _BY_FAMILY,
).labels(FAMILY)
NO_LOCAL_ENDPOINTS = Gauge(
    "kubeproxy_sync_proxy_rules_no_local_endpoints_total",
    "Number of services with a Local traffic policy and no endpoints",
    ("ip_family", "traffic_policy"),
)

SERVICE_CHANGES = Counter(
    "kubeproxy_sync_proxy_rules_service_changes_total", "Cumulative proxy rules Service changes"
)
SERVICE_CHANGES_PENDING = Gauge(
    "kubeproxy_sync_proxy_rules_service_changes_pending", "Pending proxy rules Service changes"
)
ENDPOINT_CHANGES = Counter(
    "kubeproxy_sync_proxy_rules_endpoint_changes_total", "Cumulative proxy rules Endpoint changes"
)
ENDPOINT_CHANGES_PENDING = Gauge(
    "kubeproxy_sync_proxy_rules_endpoint_changes_pending", "Pending proxy rules Endpoint changes"
)

# Of one mode only, where they begin at zero; they have no values in the other.
NFTABLES_SYNC_FAILURES = _failures(
    "kubeproxy_sync_proxy_rules_nftables_sync_failures_total", "Cumulative proxy nftables sync failures"
)
NFTABLES_CLEANUP_FAILURES = _failures(
    "kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total", "Cumulative proxy nftables cleanup failures"
)
IPTABLES_RESTORE_FAILURES = _failures(
    "kubeproxy_sync_proxy_rules_iptables_restore_failures_total", "Cumulative proxy iptables restore failures"
)
IPTABLES_PARTIAL_RESTORE_FAILURES = _failures(
    "kubeproxy_sync_proxy_rules_iptables_partial_restore_failures_total",
    "Cumulative proxy iptables partial restore failures",
)
IPTABLES_RULES = Gauge(
    "kubeproxy_sync_proxy_rules_iptables_total",
    "Total number of iptables rules owned by kube-proxy",
    _BY_TABLE,
)
IPTABLES_RULES_LAST = Gauge(
    "kubeproxy_sync_proxy_rules_iptables_last",
    "Number of iptables rules written by kube-proxy in last sync",
    _BY_TABLE,
)

CONNTRACK_DURATION = _seconds(
    "kubeproxy_conntrack_reconciler_sync_duration_seconds",
    "ReconcileConntrackFlowsLatency latency in seconds",
)
CONNTRACK_DELETED = Counter(
    "kubeproxy_conntrack_reconciler_deleted_entries_total",
    "Cumulative conntrack flows deleted by conntrack reconciler",
    _BY_FAMILY,
).labels(FAMILY)
HEALTHZ = Counter("kubeproxy_proxy_healthz_total", "Cumulative proxy healthz HTTP status", ("code",))
LIVEZ = Counter("kubeproxy_proxy_livez_total", "Cumulative proxy livez HTTP status", ("code",))

_OF_MODE = {
    "nftables": (NFTABLES_SYNC_FAILURES, NFTABLES_CLEANUP_FAILURES),
    "iptables": (IPTABLES_RESTORE_FAILURES, IPTABLES_PARTIAL_RESTORE_FAILURES),
}


def begin(mode: str) -> None:
    for counter in _OF_MODE[mode]:
        counter.labels(FAMILY)
