"""The apiserver's flags, with upstream's names, and what they mean where that takes more than reading."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass

from apiserver.audit.options import AuditOptions, audit_problem
from apiserver.auth.options import AuthOptions, auth_problem
from apiserver.filters.fixed_headers import directives_problem, origins_problem
from component_base.features import FeatureGateError, GatedOptions, parse_gates
from component_base.flag_values import parse_port_range
from component_base.flags import duration, flag, unused
from component_base.serving_options import SecureServingOptions, port_problem
from component_base.unused_flags import EVERY, SERVING

DEFAULT_PLUGINS = (
    "NamespaceLifecycle", "LimitRanger", "ServiceAccount", "TaintNodesByCondition", "PodSecurity", "Priority",
    "DefaultTolerationSeconds", "DefaultStorageClass", "StorageObjectInUseProtection",
    "PersistentVolumeClaimResize", "RuntimeClass", "CertificateApproval", "CertificateSigning",
    "ClusterTrustBundleAttest", "CertificateSubjectRestriction", "DefaultIngressClass",
    "PodTopologyLabels", "MutatingAdmissionPolicy", "MutatingAdmissionWebhook",
    "ValidatingAdmissionPolicy", "ValidatingAdmissionWebhook", "ResourceQuota",
)  # fmt: skip
"""What upstream switches on without being told."""

UNUSED = (
    EVERY
    | SERVING
    | unused(
        bools=(
            "aggregator-reject-forwarding-redirect emulation-forward-compatible enable-aggregator-routing "
            "enable-garbage-collector enable-logs-handler "
            "runtime-config-emulation-forward-compatible send-retry-after-while-not-ready-once "
            "watch-cache"
        ),
        numbers=(
            "default-watch-cache-size delete-collection-workers goaway-chance kubelet-port "
            "kubelet-read-only-port lease-reuse-duration-seconds "
            "max-connection-bytes-per-sec"
        ),
        durations=(
            "audit-webhook-batch-initial-backoff coordinated-leadership-lease-duration "
            "coordinated-leadership-renew-deadline coordinated-leadership-retry-period "
            "etcd-count-metric-poll-period etcd-db-metric-poll-interval "
            "kubelet-timeout "
            "shutdown-watch-termination-grace-period storage-initialization-timeout"
        ),
        texts=(
            "admission-control debug-socket-path egress-selector-config-file "
            "etcd-servers-overrides peer-advertise-ip peer-advertise-port peer-ca-file runtime-config "
            "service-account-signing-endpoint storage-backend storage-media-type tracing-config-file "
            "watch-cache-sizes"
        ),
    )
)


@dataclass(frozen=True)
class Options(AuditOptions, AuthOptions, SecureServingOptions, GatedOptions):
    etcd_servers: tuple[str, ...] = flag(
        ("http://127.0.0.1:2379",),
        "List of etcd servers to connect with (scheme://ip:port), comma separated.",
    )
    etcd_cafile: str = flag("", "SSL Certificate Authority file used to secure etcd communication.")
    etcd_certfile: str = flag("", "SSL certification file used to secure etcd communication.")
    etcd_keyfile: str = flag("", "SSL key file used to secure etcd communication.")
    sole_apiserver: bool = flag(
        False,
        "Nobody else writes to this etcd: reads that must be current need not ask it. Never with several "
        "apiservers, which would read what has been changed through another.",
    )
    etcd_prefix: str = flag("/registry", "The prefix of all resource paths in etcd, which no other may be.")
    encryption_provider_config: str = flag(
        "",
        "The file containing configuration for encryption providers to be used for storing secrets in etcd.",
    )
    encryption_provider_config_automatic_reload: bool = flag(
        False,
        "Determines if the file set by --encryption-provider-config should be automatically reloaded if the "
        "disk contents change.",
    )
    etcd_compaction_interval: float = duration(
        300, "The interval of compaction requests. If 0, the compaction request from apiserver is disabled."
    )
    etcd_healthcheck_timeout: float = duration(2, "The timeout to use when checking etcd health.")
    etcd_readycheck_timeout: float = duration(2, "The timeout to use when checking etcd readiness.")
    event_ttl: float = duration(3600, "Amount of time to retain events.")

    secure_port: int = flag(6443, "The port on which to serve HTTPS with authentication and authorization.")
    advertise_address: str = flag(
        "", "The IP address on which to advertise the apiserver to members of the cluster."
    )
    external_hostname: str = flag(
        "", "The hostname to use when generating externalized URLs for this master (e.g. OpenID Discovery)."
    )
    cors_allowed_origins: tuple[str, ...] = flag(
        (),
        "List of allowed origins for CORS, comma separated. An allowed origin can be a regular expression to "
        "support subdomain matching. If this list is empty CORS will not be enabled.",
    )
    strict_transport_security_directives: tuple[str, ...] = flag(
        (), "List of directives for HSTS, comma separated. Example: 'max-age=31536000,includeSubDomains'."
    )
    proxy_client_cert_file: str = flag(
        "", "Client certificate used to prove the identity of the aggregator when it must call out."
    )
    proxy_client_key_file: str = flag(
        "", "Private key for the client certificate that proves the identity of the aggregator."
    )

    enable_admission_plugins: tuple[str, ...] = flag(
        (), "admission plugins that should be enabled in addition to default enabled ones."
    )
    disable_admission_plugins: tuple[str, ...] = flag(
        (), "admission plugins that should be disabled although they are in the default enabled plugins list."
    )
    admission_plugins_from: tuple[str, ...] = flag(
        (), "Python modules or files with admission plugins of one's own; see docs/admission.md."
    )
    admission_control_config_file: str = flag("", "File with admission control configuration.")
    allow_privileged: bool = flag(True, "Allow privileged containers. PodSecurity is what may forbid them.")

    service_cluster_ip_range: str = flag(
        "10.0.0.0/24", "A CIDR notation IP range from which to assign service cluster IPs."
    )
    service_node_port_range: str = flag(
        "30000-32767",
        "A port range to reserve for services with NodePort visibility.",
        parse=parse_port_range,
    )

    kubernetes_service_node_port: int = flag(
        0,
        "If non-zero, the Kubernetes master service (which apiserver creates) will be of type NodePort, "
        "using this as the value of the port. If zero, it will be of type ClusterIP.",
    )
    endpoint_reconciler_type: str = flag(
        "lease",
        "Use an endpoint reconciler (master-count, lease, none): who keeps the endpoints of the Kubernetes "
        "master service. With none they are left alone. master-count is deprecated.",
    )
    apiserver_count: int = flag(
        1,
        "The number of apiservers running in the cluster, must be a positive number. (In use when "
        "--endpoint-reconciler-type=master-count is enabled.)",
    )

    kubelet_certificate_authority: str = flag("", "Path to a cert file for the certificate authority.")
    kubelet_client_certificate: str = flag("", "Path to a client cert file for TLS.")
    kubelet_client_key: str = flag("", "Path to a client key file for TLS.")
    kubelet_preferred_address_types: tuple[str, ...] = flag(
        ("InternalIP", "ExternalIP", "Hostname"),
        "List of the preferred NodeAddressTypes to use for kubelet connections.",
    )

    max_requests_inflight: int = flag(
        400,
        "This and --max-mutating-requests-inflight are summed to determine the server's total concurrency "
        "limit (which must be positive).",
    )
    max_mutating_requests_inflight: int = flag(
        200,
        "This and --max-requests-inflight are summed to determine the server's total concurrency limit "
        "(which must be positive).",
    )
    enable_priority_and_fairness: bool = flag(
        True,
        "If true, requests are queued and dispatched with priority and fairness. If false, so many that "
        "read, and so many that write, are served at once, and more are refused.",
    )
    profiling: bool = flag(
        True, "Lets who may do so change how much is logged (PUT /debug/flags/v). There are no profiles."
    )
    request_timeout: float = duration(
        60, "The duration a handler must keep a request open before timing it out."
    )
    shutdown_delay_duration: float = duration(
        0,
        "Time to delay the termination. During that time the server keeps serving requests normally. The "
        "endpoints /healthz and /livez will return success, but /readyz immediately returns failure.",
    )
    shutdown_send_retry_after: bool = flag(
        False,
        "If true the HTTP Server will continue listening until all non long running request(s) in flight "
        "have been drained, during this window all incoming requests will be rejected with a status code "
        "429 and a 'Retry-After' response header.",
    )
    livez_grace_period: float = duration(
        0,
        "The maximum amount of time it should take to complete the startup: so long, /livez assumes that "
        "hooks which are not finished will be.",
    )
    min_request_timeout: int = flag(1800, "The minimum number of seconds a handler keeps a watch open.")
    default_not_ready_toleration_seconds: int = flag(
        300, "The tolerationSeconds of the toleration for notReady:NoExecute that is added by default."
    )
    default_unreachable_toleration_seconds: int = flag(
        300, "The tolerationSeconds of the toleration for unreachable:NoExecute that is added by default."
    )

    write_journal: str = flag("", "The file to which a JSON line is appended for every write.")

    @property
    def kubernetes_service_ip(self) -> str:
        """The first address of the service range, which the Service default/kubernetes has."""
        return str(ipaddress.ip_network(self.service_cluster_ip_range.split(",")[0])[1])

    @property
    def enabled_plugins(self) -> frozenset[str]:
        return frozenset((*DEFAULT_PLUGINS, *self.enable_admission_plugins)) - set(
            self.disable_admission_plugins
        )


def advertised_address(options: Options) -> str:
    """--advertise-address, else the address we listen on, else that of the default route."""
    for address in (options.advertise_address, options.bind_address):
        if address and not ipaddress.ip_address(address).is_unspecified:
            return address
    # Connecting a datagram socket chooses a source address and sends nothing.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _in_flight_problem(options: Options) -> str:
    reads, writes = options.max_requests_inflight, options.max_mutating_requests_inflight
    if reads < 0:
        return "--max-requests-inflight can not be negative value"
    if writes < 0:
        return "--max-mutating-requests-inflight can not be negative value"
    if options.enable_priority_and_fairness and reads + writes <= 0:
        return (
            f"invalid configuration: MaxRequestsInFlight={reads} and MaxMutatingRequestsInFlight={writes}; "
            "they must add up to something positive"
        )
    return ""


def _kubernetes_service_problem(options: Options) -> str:
    port, ports = options.kubernetes_service_node_port, options.service_node_port_range
    if not 0 <= port <= 65535:
        return (
            f"--kubernetes-service-node-port {port} must be between 0 and 65535, inclusive. If 0, the "
            "Kubernetes master service will be of type ClusterIP"
        )
    first, _, last = ports.partition("-")
    if port and not int(first) <= port <= int(last):
        return f"kubernetes service node port range {ports} doesn't contain {port}"
    if options.endpoint_reconciler_type not in ("", "lease", "master-count", "none"):
        return f"Reconciler not implemented: {options.endpoint_reconciler_type}"
    if options.apiserver_count <= 0:
        return (
            f"--apiserver-count should be a positive number, but value '{options.apiserver_count}' provided"
        )
    return ""


def _unsupported_problem(options: Options) -> str:
    """What would be dangerous to pass over."""
    if options.etcd_prefix.strip("/") != "registry":
        return f"--etcd-prefix={options.etcd_prefix} is not supported, only /registry is"
    if not options.allow_privileged:
        return "--allow-privileged=false is not supported: label namespaces for PodSecurity instead"
    return ""


class OptionsError(Exception):
    """Flags that cannot be served together; the message says which."""


def validate(options: Options) -> None:
    """Raises OptionsError."""
    try:
        parse_gates(options.feature_gates)
    except FeatureGateError as error:
        raise OptionsError(str(error)) from None
    if problem := (
        port_problem(options.secure_port, is_required=True)
        or auth_problem(options)
        or audit_problem(options)
        or _in_flight_problem(options)
        or _kubernetes_service_problem(options)
        or _unsupported_problem(options)
    ):
        raise OptionsError(problem)
    if problem := origins_problem(options.cors_allowed_origins) or directives_problem(
        options.strict_transport_security_directives
    ):
        raise OptionsError(problem)
    if bool(options.tls_cert_file) != bool(options.tls_private_key_file):
        raise OptionsError("--tls-cert-file and --tls-private-key-file must be given together")
    if options.encryption_provider_config_automatic_reload and not options.encryption_provider_config:
        raise OptionsError(
            "--encryption-provider-config-automatic-reload must be set with --encryption-provider-config"
        )
    try:
        network = ipaddress.ip_network(options.service_cluster_ip_range.split(",")[0])
    except ValueError as error:
        raise OptionsError(f"--service-cluster-ip-range: {error}") from None
    if network.num_addresses < 8:
        raise OptionsError("--service-cluster-ip-range must contain at least 8 IP addresses")
