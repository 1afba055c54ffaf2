"""The kubelet's metrics, under upstream's names."""

from __future__ import annotations

from component_base.metrics import DEFAULT_BUCKETS, Counter, Gauge, Histogram

_TYPE = "operation_type"
POD_BUCKETS = (
    0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480, 600,
    900, 1200, 1800, 2700, 3600,
)  # fmt: skip

POD_START = Histogram(
    "kubelet_pod_start_duration_seconds",
    "Duration in seconds from kubelet seeing a pod for the first time to the pod starting to run",
    buckets=POD_BUCKETS,
)
POD_START_SLI = Histogram(
    "kubelet_pod_start_sli_duration_seconds",
    "Duration in seconds to start a pod, excluding time to pull images and run init containers, measured "
    "from pod creation timestamp to when all its containers are reported as started and observed via watch",
    buckets=POD_BUCKETS,
)
POD_START_TOTAL = Histogram(
    "kubelet_pod_start_total_duration_seconds",
    "Duration in seconds to start a pod since creation, including time to pull images and run init "
    "containers, measured from pod creation timestamp to when all its containers are reported as started and "
    "observed via watch",
    buckets=POD_BUCKETS,
)
WORKER_START = Histogram(
    "kubelet_pod_worker_start_duration_seconds",
    "Duration in seconds from kubelet seeing a pod to starting a worker.",
    buckets=DEFAULT_BUCKETS,
)
STATUS_SYNC = Histogram(
    "kubelet_pod_status_sync_duration_seconds",
    "Duration in seconds to sync a pod status update. Measures time from detection of a change to pod status "
    "until the API is successfully updated for that pod, even if multiple intevening changes to pod status "
    "occur.",
    buckets=(0.010, 0.050, 0.100, 0.500, 1, 5, 10, 20, 30, 45, 60),
)
ORPHANED_PODS = Counter(
    "kubelet_orphaned_runtime_pods",
    "Number of pods that have been detected in the container runtime without being already known to the pod "
    "worker. This typically indicates the kubelet was restarted while a pod was force deleted in the API or "
    "in the local configuration, which is unusual.",
)
RESTARTED_PODS = Counter(
    "kubelet_restarted_pods",
    "Number of pods that have been restarted because they were deleted and recreated with the same UID while "
    "the kubelet was watching them (common for static pods, extremely uncommon for API pods)",
    ["static"],
)
ORPHANS_CLEANED = Gauge(
    "kubelet_orphan_pod_cleaned_volumes",
    "The total number of orphaned Pods whose volumes were cleaned in the last periodic sweep.",
)
ORPHANS_NOT_CLEANED = Gauge(
    "kubelet_orphan_pod_cleaned_volumes_errors",
    "The number of orphaned Pods whose volumes failed to be cleaned in the last periodic sweep.",
)
NODE_STARTUP = {
    part: Gauge(
        f"kubelet_node_startup_{part}duration_seconds", f"Duration in seconds of node startup {what}."
    )
    for part, what in (
        ("pre_kubelet_", "before kubelet starts"),
        ("pre_registration_", "before registration"),
        ("registration_", "during registration"),
        ("post_registration_", "after registration"),
        ("", "in total"),
    )
}
HTTP_FALLBACKS = Counter(
    "kubelet_lifecycle_handler_http_fallbacks",
    "The number of times lifecycle handlers successfully fell back to http from https.",
)
SLEEPS_CUT_SHORT = Counter(
    "kubelet_sleep_action_terminated_early",
    "The number of times lifecycle sleep handler got terminated before it finishes",
)
RUNNING_PODS = Gauge("kubelet_running_pods", "Number of pods that have a running pod sandbox")
RUNNING_CONTAINERS = Gauge(
    "kubelet_running_containers", "Number of containers currently running", ["container_state"]
)
SYNC_DURATION = Histogram(
    "kubelet_pod_worker_duration_seconds",
    "Duration in seconds to sync a single pod. Broken down by operation type: create, update, or sync",
    ["operation_type"],
    buckets=DEFAULT_BUCKETS,
)
RELIST_DURATION = Histogram(
    "kubelet_pleg_relist_duration_seconds",
    "Duration in seconds for relisting pods in PLEG.",
    buckets=DEFAULT_BUCKETS,
)
RELIST_INTERVAL = Histogram(
    "kubelet_pleg_relist_interval_seconds",
    "Interval in seconds between relisting in PLEG.",
    buckets=DEFAULT_BUCKETS,
)
PLEG_SEEN = Gauge("kubelet_pleg_last_seen_seconds", "Timestamp in seconds when PLEG was last seen active.")
CONTAINERS_PER_POD = Histogram(
    "kubelet_containers_per_pod_count", "The number of containers per pod.", buckets=(1, 2, 4, 8, 16)
)
CGROUP_VERSION = Gauge("kubelet_cgroup_version", "cgroup version on the hosts.")
CGROUP_SECONDS = Histogram(
    "kubelet_cgroup_manager_duration_seconds",
    "Duration in seconds for cgroup manager operations. Broken down by method.",
    [_TYPE],
    buckets=DEFAULT_BUCKETS,
)
SANDBOX_SECONDS = Histogram(
    "kubelet_run_podsandbox_duration_seconds",
    "Duration in seconds of the run_podsandbox operations. Broken down by RuntimeClass.Handler.",
    ["runtime_handler"],
    buckets=DEFAULT_BUCKETS,
)
SANDBOX_ERRORS = Counter(
    "kubelet_run_podsandbox_errors",
    "Cumulative number of the run_podsandbox operation errors by RuntimeClass.Handler.",
    ["runtime_handler"],
)
PULL_SECONDS = Histogram(
    "kubelet_image_pull_duration_seconds",
    "Duration in seconds to pull an image.",
    ["image_size_in_bytes"],
    buckets=(1, 5, 10, 20, 30, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800, 2700, 3600),
)
IMAGES_COLLECTED = Counter(
    "kubelet_image_garbage_collected",
    "Total number of images garbage collected by the kubelet, whether through disk usage or image age.",
    ["reason"],
)
NODE_NAME = Gauge("kubelet_node_name", "The node's name. The count is always 1.", ["node"])
ADMISSION_REJECTIONS = Counter(
    "kubelet_admission_rejections",
    "Cumulative number pod admission rejections by the Kubelet.",
    ["reason"],
)
RUNTIME_OPERATIONS = Counter(
    "kubelet_runtime_operations", "Cumulative number of runtime operations by operation type.", [_TYPE]
)
RUNTIME_ERRORS = Counter(
    "kubelet_runtime_operations_errors",
    "Cumulative number of runtime operation errors by operation type.",
    [_TYPE],
)
RUNTIME_SECONDS = Histogram(
    "kubelet_runtime_operations_duration_seconds",
    "Duration in seconds of runtime operations. Broken down by operation type.",
    [_TYPE],
    buckets=tuple(0.005 * 2.5**power for power in range(14)),
)
CLIENT_TTL = Gauge(
    "kubelet_certificate_manager_client_ttl_seconds",
    "Gauge of the TTL (time-to-live) of the Kubelet's client certificate. The value is in seconds until "
    "certificate expiry (negative if already expired). If client certificate is invalid or unused, the value "
    "will be +INF.",
)
SERVER_TTL = Gauge(
    "kubelet_certificate_manager_server_ttl_seconds",
    "Gauge of the shortest TTL (time-to-live) of the Kubelet's serving certificate. The value is in seconds "
    "until certificate expiry (negative if already expired). If serving certificate is invalid or unused, "
    "the value will be +INF.",
)
REQUESTED_RESIZES = Counter(
    "kubelet_container_requested_resizes",
    "Number of requested resizes, counted at the container level. Different resources on the same container "
    "are counted separately. The 'requirement' label refers to 'memory' or 'limits'; the 'operation' label "
    "can be one of 'add', 'remove', 'increase' or 'decrease'.",
    ["resource", "requirement", "operation"],
)
RESIZE_MILLISECONDS = Histogram(
    "kubelet_pod_resize_duration_milliseconds",
    "Duration in milliseconds to actuate a pod resize",
    ["success"],
    buckets=(
        10, 50, 100, 500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000,
    ),
)  # fmt: skip
PENDING_RESIZES = Gauge("kubelet_pod_pending_resizes", "Number of pending resizes for pods.", ["reason"])
INFEASIBLE_RESIZES = Counter(
    "kubelet_pod_infeasible_resizes", "Number of infeasible resizes for pods.", ["reason_detail"]
)
RESIZES_IN_PROGRESS = Gauge("kubelet_pod_in_progress_resizes", "Number of in-progress resizes for pods.")
DEFERRED_RESIZES_ACCEPTED = Counter(
    "kubelet_pod_deferred_accepted_resizes",
    "Cumulative number of resizes that were accepted after being deferred.",
    ["retry_trigger"],
)
SERVER_ROTATION = Histogram(
    "kubelet_certificate_manager_server_rotation_seconds",
    "Histogram of the number of seconds the previous certificate lived before being rotated.",
    buckets=(
        60, 3600, 14_400, 86_400, 604_800, 2_592_000, 7_776_000, 15_552_000, 31_104_000, 124_416_000,
    ),
)  # fmt: skip
SHUTDOWN_START = Gauge(
    "kubelet_graceful_shutdown_start_time_seconds",
    "Last graceful shutdown start time since unix epoch in seconds",
)
SHUTDOWN_END = Gauge(
    "kubelet_graceful_shutdown_end_time_seconds",
    "Last graceful shutdown end time since unix epoch in seconds",
)
# Counters: see `component_base.metric_types`.
EVICTIONS = Gauge(
    "kubelet_evictions", "Cumulative number of pod evictions by eviction signal", ["eviction_signal"]
)
EVICTION_STATS_AGE = Histogram(
    "kubelet_eviction_stats_age_seconds",
    "Time between when stats are collected, and when pod is evicted based on those stats by eviction signal",
    ["eviction_signal"],
    buckets=DEFAULT_BUCKETS,
)
PREEMPTIONS = Gauge(
    "kubelet_preemptions",
    "Cumulative number of pod preemptions by preemption resource",
    ["preemption_signal"],
)
CLIENT_RENEWAL_ERRORS = Gauge(
    "kubelet_certificate_manager_client_expiration_renew_errors",
    "Counter of certificate renewal errors.",
)
SERVER_RENEWAL_ERRORS = Gauge(
    "kubelet_server_expiration_renew_errors", "Counter of certificate renewal errors."
)
VOLUMES = Gauge(
    "volume_manager_total_volumes", "Number of volumes in Volume Manager", ["plugin_name", "state"]
)
VOLUME_STATS_SECONDS = Histogram(
    "kubelet_volume_metric_collection_duration_seconds",
    "Duration in seconds to calculate volume stats",
    ["metric_source"],
    buckets=DEFAULT_BUCKETS,
)
DEVICE_SECONDS = Histogram(
    "dra_operations_duration_seconds",
    "Latency histogram in seconds for the duration of handling all ResourceClaims referenced by a pod when "
    "the pod starts or stops. Identified by the name of the operation (PrepareResources or "
    "UnprepareResources) and separated by the success of the operation. The number of failed operations is "
    "provided through the histogram's overall count.",
    ["operation_name", "is_error"],
    buckets=tuple(0.1 * 400 ** (power / 14) for power in range(15)),
)
STORAGE_OPERATIONS = Histogram(
    "storage_operation_duration_seconds",
    "Storage operation duration",
    ["volume_plugin", "operation_name", "status", "migrated"],
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 25, 50, 120, 300, 600),
)
_REQUEST = ["method", "path", "server_type", "long_running"]
HTTP_REQUESTS = Counter(
    "kubelet_http_requests", "Number of the http requests received since the server started", _REQUEST
)
HTTP_SECONDS = Histogram(
    "kubelet_http_requests_duration_seconds",
    "Duration in seconds to serve http requests",
    _REQUEST,
    buckets=DEFAULT_BUCKETS,
)
HTTP_IN_FLIGHT = Gauge("kubelet_http_inflight_requests", "Number of the inflight http requests", _REQUEST)
STARTED_CONTAINERS = Counter(
    "kubelet_started_containers", "Cumulative number of containers started", ["container_type"]
)
STARTED_CONTAINERS_ERRORS = Counter(
    "kubelet_started_containers_errors",
    "Cumulative number of errors when starting containers",
    ["container_type", "code"],
)
STARTED_PODS = Counter("kubelet_started_pods", "Cumulative number of pods started")
STARTED_PODS_ERRORS = Counter("kubelet_started_pods_errors", "Cumulative number of errors when starting pods")
USER_NAMESPACED_PODS = Counter(
    "kubelet_started_user_namespaced_pods",
    "Cumulative number of pods with user namespaces started. This metric will only be collected on Linux.",
)
USER_NAMESPACED_PODS_ERRORS = Counter(
    "kubelet_started_user_namespaced_pods_errors",
    "Cumulative number of errors when starting pods with user namespaces. This metric will only be collected "
    "on Linux.",
)
