"""The kubelet's flags that are fields of its configuration, under upstream's names.

One that is given wins over the file.

Source: cmd/kubelet/app/options/options.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from apimachinery.durations import parse_duration


def _setting(path: str, help: str, *, parse: Callable[[str], Any] | None = None) -> Any:
    """A flag of the configuration's field at `path`, which has dots in it; None unless it is given."""
    metadata = {"help": help, "name": None, "parse": parse, "path": tuple(path.split("."))}
    return field(default=None, metadata=metadata, kw_only=True)


def _accepted(path: str, *, parse: Callable[[str], Any] | None = None) -> Any:
    return _setting(path, "Checked, shown, and without effect.", parse=parse)


def _duration(text: str) -> str:
    parse_duration(text)
    return text


def _thresholds(text: str) -> dict[str, str]:
    """Of `signal<value,signal<value`."""
    parts = [part.partition("<") for part in text.split(",") if part.strip()]
    return {key.strip(): value.strip() for key, _, value in parts}


def parse_taints(text: str) -> list[dict[str, str]]:
    """`key=value:effect,key:effect`."""
    taints = []
    for part in filter(None, (each.strip() for each in text.split(","))):
        head, _, effect = part.rpartition(":")
        key, _, value = head.partition("=")
        if not key or not effect:
            raise ValueError(f"invalid taint spec: {part}")
        taints.append({"key": key, "effect": effect, **({"value": value} if value else {})})
    return taints


def _headers(text: str) -> dict[str, list[str]]:
    """Of `name:value,name:value`."""
    found: dict[str, list[str]] = {}
    for pair in filter(None, text.split(",")):
        name, colon, value = pair.partition(":")
        if not colon:
            raise ValueError("malformed pair, expect string:string")
        found.setdefault(name.strip(), []).append(value.strip())
    return found


def settings_of(flags: SettingFlags) -> dict[str, Any]:
    """What was given, be it empty, as a configuration has it."""
    settings: dict[str, Any] = {}
    for each in fields(flags):
        value, path = getattr(flags, each.name), each.metadata.get("path")
        if path and value is not None:
            holder = settings
            for name in path[:-1]:
                holder = holder.setdefault(name, {})
            holder[path[-1]] = list(value) if isinstance(value, tuple) else value
    return settings


@dataclass(frozen=True)
class AcceptedFlags:
    """Checked, shown by /configz, and without effect (docs/deviations.md)."""

    cgroup_driver: str | None = _accepted("cgroupDriver")
    container_runtime_endpoint: str | None = _accepted("containerRuntimeEndpoint")
    contention_profiling: bool | None = _accepted("enableContentionProfiling")
    cpu_cfs_quota_period: str | None = _accepted("cpuCFSQuotaPeriod", parse=_duration)
    cpu_manager_policy: str | None = _accepted("cpuManagerPolicy")
    cpu_manager_policy_options: Mapping[str, str] | None = _accepted("cpuManagerPolicyOptions")
    cpu_manager_reconcile_period: str | None = _accepted("cpuManagerReconcilePeriod", parse=_duration)
    enable_controller_attach_detach: bool | None = _accepted("enableControllerAttachDetach")
    fail_swap_on: bool | None = _accepted("failSwapOn")
    hairpin_mode: str | None = _accepted("hairpinMode")
    image_service_endpoint: str | None = _accepted("imageServiceEndpoint")
    kernel_memcg_notification: bool | None = _accepted("kernelMemcgNotification")
    kube_api_content_type: str | None = _accepted("contentType")
    kubelet_cgroups: str | None = _accepted("kubeletCgroups")
    make_iptables_util_chains: bool | None = _accepted("makeIPTablesUtilChains")
    memory_manager_policy: str | None = _accepted("memoryManagerPolicy")
    qos_reserved: Mapping[str, str] | None = _accepted("qosReserved")
    runonce: bool | None = _accepted("runOnce")
    system_cgroups: str | None = _accepted("systemCgroups")
    topology_manager_policy: str | None = _accepted("topologyManagerPolicy")
    topology_manager_policy_options: Mapping[str, str] | None = _accepted("topologyManagerPolicyOptions")
    topology_manager_scope: str | None = _accepted("topologyManagerScope")
    volume_plugin_dir: str | None = _accepted("volumePluginDir")


@dataclass(frozen=True)
class SettingFlags(AcceptedFlags):
    address: str | None = _setting("address", "The IP address for the Kubelet to serve on.")
    port: int | None = _setting("port", "The port for the Kubelet to serve on.")
    read_only_port: int | None = _setting(
        "readOnlyPort",
        "The port on which the kubelet tells anybody, without TLS, of its pods, statistics, metrics and "
        "health; 0 for none.",
    )
    kube_api_qps: int | None = _setting(
        "kubeAPIQPS",
        "QPS to use while talking with kubernetes API server, 5 if 0; heartbeats and Events do not count.",
    )
    kube_api_burst: int | None = _setting(
        "kubeAPIBurst", "Burst to use while talking with kubernetes API server, 10 if 0."
    )
    event_qps: int | None = _setting(
        "eventRecordQPS", "How many Events are sent a second in the long run; 5 if 0."
    )
    event_burst: int | None = _setting("eventBurst", "How many Events are sent at once; 10 if 0.")
    max_open_files: int | None = _setting(
        "maxOpenFiles", "Number of files that can be opened by the kubelet process."
    )
    fail_cgroupv1: bool | None = _setting(
        "failCgroupV1", "Prevent the kubelet from starting on a host that uses cgroups of version 1."
    )
    protect_kernel_defaults: bool | None = _setting(
        "protectKernelDefaults",
        "Default kubelet behaviour for kernel tuning. If set, kubelet errors if any of kernel tunables is "
        "different than kubelet defaults.",
    )
    runtime_request_timeout: str | None = _setting(
        "runtimeRequestTimeout",
        "Timeout of all runtime requests except long running ones: pull, logs, exec and attach.",
        parse=_duration,
    )
    sync_frequency: str | None = _setting(
        "syncFrequency", "Max period between synchronizing running containers and config.", parse=_duration
    )
    volume_stats_agg_period: str | None = _setting(
        "volumeStatsAggPeriod",
        "How often the disk usage of all pods and volumes is measured. To disable that of volumes, set to a "
        "negative number.",
        parse=_duration,
    )
    healthz_bind_address: str | None = _setting(
        "healthzBindAddress", "The IP address for the healthz server to serve on."
    )
    healthz_port: int | None = _setting("healthzPort", "The port of the healthz endpoint (0 disables it).")
    enable_debugging_handlers: bool | None = _setting(
        "enableDebuggingHandlers",
        "Enables server endpoints for log collection and local running of containers and commands.",
    )
    tls_cert_file: str | None = _setting(
        "tlsCertFile", "File containing x509 Certificate used for serving HTTPS."
    )
    tls_private_key_file: str | None = _setting(
        "tlsPrivateKeyFile", "File containing x509 private key matching --tls-cert-file."
    )
    tls_min_version: str | None = _setting("tlsMinVersion", "Minimum TLS version supported, as VersionTLS12.")
    tls_cipher_suites: Sequence[str] | None = _setting(
        "tlsCipherSuites", "Comma-separated list of cipher suites for the server, in Go's names."
    )
    rotate_certificates: bool | None = _setting(
        "rotateCertificates", "Rotate the kubelet client certificates before they expire."
    )
    rotate_server_certificates: bool | None = _setting(
        "serverTLSBootstrap", "Ask for a serving certificate and rotate it before it expires."
    )
    client_ca_file: str | None = _setting(
        "authentication.x509.clientCAFile",
        "Who presents a client certificate of these authorities is identified by its CommonName.",
    )
    anonymous_auth: bool | None = _setting(
        "authentication.anonymous.enabled", "Enables anonymous requests to the Kubelet server."
    )
    authentication_token_webhook: bool | None = _setting(
        "authentication.webhook.enabled",
        "Use the TokenReview API to determine authentication for bearer tokens.",
    )
    authentication_token_webhook_cache_ttl: str | None = _setting(
        "authentication.webhook.cacheTTL",
        "The duration to cache responses from the webhook token authenticator.",
        parse=_duration,
    )
    authorization_mode: str | None = _setting(
        "authorization.mode", "Authorization mode for Kubelet server: AlwaysAllow or Webhook."
    )
    authorization_webhook_cache_authorized_ttl: str | None = _setting(
        "authorization.webhook.cacheAuthorizedTTL",
        "The duration to cache 'authorized' responses from the webhook authorizer.",
        parse=_duration,
    )
    authorization_webhook_cache_unauthorized_ttl: str | None = _setting(
        "authorization.webhook.cacheUnauthorizedTTL",
        "The duration to cache 'unauthorized' responses from the webhook authorizer.",
        parse=_duration,
    )
    enable_server: bool | None = _setting("enableServer", "Enable the Kubelet's server.")
    oom_score_adj: int | None = _setting(
        "oomScoreAdj", "The oom-score-adj value for kubelet process. Values must be within [-1000, 1000]."
    )
    streaming_connection_idle_timeout: str | None = _setting(
        "streamingConnectionIdleTimeout",
        "Maximum time a streaming connection can be idle; 0 for ever.",
        parse=_duration,
    )
    cluster_dns: Sequence[str] | None = _setting(
        "clusterDNS", "Comma-separated list of DNS server IP address."
    )
    cluster_domain: str | None = _setting("clusterDomain", "Domain for this cluster.")
    resolv_conf: str | None = _setting(
        "resolvConf", "Resolver configuration file that pods' DNS configuration is based on."
    )
    pod_cidr: str | None = _setting(
        "podCIDR", "The CIDR of this node's pods; the Node's spec.podCIDR if empty."
    )
    pod_manifest_path: str | None = _setting(
        "staticPodPath",
        "Path to the directory containing static pod files to run, or the path to a single static pod file.",
    )
    file_check_frequency: str | None = _setting(
        "fileCheckFrequency", "Duration between checking config files for new data.", parse=_duration
    )
    manifest_url: str | None = _setting(
        "staticPodURL", "URL for accessing additional Pod specifications to run."
    )
    manifest_url_header: Mapping[str, list[str]] | None = _setting(
        "staticPodURLHeader",
        "Comma-separated list of HTTP headers to use when accessing the url provided to --manifest-url, each "
        "name:value. A name may come more than once, and so may the flag.",
        parse=_headers,
    )
    http_check_frequency: str | None = _setting(
        "httpCheckFrequency", "Duration between checking http for new data.", parse=_duration
    )
    register_node: bool | None = _setting("registerNode", "Register the node with the apiserver.")
    register_with_taints: Sequence[dict[str, str]] | None = _setting(
        "registerWithTaints",
        "Register the node with the given list of taints (comma separated <key>=<value>:<effect>).",
        parse=parse_taints,
    )
    provider_id: str | None = _setting(
        "providerID", "Unique identifier for identifying the node in a machine database."
    )
    node_status_update_frequency: str | None = _setting(
        "nodeStatusUpdateFrequency",
        "How often the kubelet looks whether the status of its node has changed.",
        parse=_duration,
    )
    node_status_max_images: int | None = _setting(
        "nodeStatusMaxImages",
        "The maximum number of images to report in the node's status; -1 for any number.",
    )
    max_pods: int | None = _setting("maxPods", "Number of Pods that can run on this Kubelet.")
    pods_per_core: int | None = _setting(
        "podsPerCore",
        "Number of Pods per core that can run on this Kubelet, not more than --max-pods; 0 for any number.",
    )
    pod_max_pids: int | None = _setting(
        "podPidsLimit", "Set the maximum number of processes per pod; -1 for any number."
    )
    cpu_cfs_quota: bool | None = _setting(
        "cpuCFSQuota", "Enable CPU CFS quota enforcement for containers that specify CPU limits."
    )
    seccomp_default: bool | None = _setting(
        "seccompDefault", "Run what names no seccomp profile with RuntimeDefault."
    )
    allowed_unsafe_sysctls: Sequence[str] | None = _setting(
        "allowedUnsafeSysctls",
        "Comma-separated list of unsafe sysctls or unsafe sysctl patterns (ending in `*`).",
    )
    container_log_max_size: str | None = _setting(
        "containerLogMaxSize", "The size of a container's log (e.g. 10Mi) at which it is rotated."
    )
    container_log_max_files: int | None = _setting(
        "containerLogMaxFiles", "The maximum number of log files of a container, at least 2."
    )
    serialize_image_pulls: bool | None = _setting("serializeImagePulls", "Pull images one at a time.")
    registry_qps: int | None = _setting(
        "registryPullQPS", "If > 0, limit registry pull QPS to this value. If 0, unlimited."
    )
    registry_burst: int | None = _setting(
        "registryBurst",
        "Maximum size of bursty pulls, while still not exceeding registry-qps. Only used if "
        "--registry-qps > 0.",
    )
    image_gc_high_threshold: int | None = _setting(
        "imageGCHighThresholdPercent",
        "The percent of disk usage after which image garbage collection is always run.",
    )
    image_gc_low_threshold: int | None = _setting(
        "imageGCLowThresholdPercent",
        "The percent of disk usage before which image garbage collection is never run.",
    )
    minimum_image_ttl_duration: str | None = _setting(
        "imageMinimumGCAge",
        "Minimum age for an unused image before it is garbage collected.",
        parse=_duration,
    )
    cgroup_root: str | None = _setting(
        "cgroupRoot", "The cgroup below which pods have theirs; it is made where it is missing."
    )
    cgroups_per_qos: bool | None = _setting(
        "cgroupsPerQOS",
        "Enable creation of QoS cgroup hierarchy, if true top level QoS and pod cgroups are created.",
    )
    enforce_node_allocatable: Sequence[str] | None = _setting(
        "enforceNodeAllocatable",
        "A comma separated list of levels of node allocatable enforcement to be enforced by kubelet: none, "
        "pods, system-reserved, kube-reserved.",
    )
    system_reserved: Mapping[str, str] | None = _setting(
        "systemReserved", "Resources reserved for non-kubernetes components: ResourceName=ResourceQuantity."
    )
    reserved_cpus: str | None = _setting(
        "reservedSystemCPUs",
        "A comma-separated list of CPUs or CPU ranges that are reserved for system and kubernetes usage: "
        "their number supersedes the cpu of --system-reserved and --kube-reserved.",
    )
    local_storage_capacity_isolation: bool | None = _setting(
        "localStorageCapacityIsolation",
        "Whether the node tells of its disk as ephemeral-storage, and limits of it are enforced.",
    )
    kube_reserved: Mapping[str, str] | None = _setting(
        "kubeReserved", "Resources reserved for kubernetes system components."
    )
    system_reserved_cgroup: str | None = _setting(
        "systemReservedCgroup",
        "The cgroup of non-kubernetes components for which compute resources were reserved.",
    )
    kube_reserved_cgroup: str | None = _setting(
        "kubeReservedCgroup", "The cgroup of kubernetes components for which compute resources were reserved."
    )
    eviction_hard: Mapping[str, str] | None = _setting(
        "evictionHard",
        "A set of eviction thresholds (e.g. memory.available<1Gi) that if met would trigger a pod eviction.",
        parse=_thresholds,
    )
    eviction_soft: Mapping[str, str] | None = _setting(
        "evictionSoft",
        "A set of eviction thresholds that if met over a corresponding grace period would trigger one.",
        parse=_thresholds,
    )
    eviction_soft_grace_period: Mapping[str, str] | None = _setting(
        "evictionSoftGracePeriod",
        "How long a soft eviction threshold must hold (e.g. memory.available=1m30s).",
    )
    eviction_minimum_reclaim: Mapping[str, str] | None = _setting(
        "evictionMinimumReclaim", "The least that is reclaimed under pressure (e.g. imagefs.available=2Gi)."
    )
    eviction_pressure_transition_period: str | None = _setting(
        "evictionPressureTransitionPeriod",
        "How long the kubelet waits before transitioning out of an eviction pressure condition.",
        parse=_duration,
    )
    eviction_max_pod_grace_period: int | None = _setting(
        "evictionMaxPodGracePeriod",
        "Maximum grace period (in seconds) for pods that go for a soft eviction threshold.",
    )
