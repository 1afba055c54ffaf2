"""How far one may rely on a metric: it stands before what the metric says of itself. Pure.

Source: test/instrumentation/testdata/stable-metrics-list.yaml of Kubernetes 1.34, and
staging/src/k8s.io/component-base/metrics/opts.go for the words.
"""

from __future__ import annotations

STABLE = frozenset({
    "apiserver_admission_controller_admission_duration_seconds",
    "apiserver_admission_step_admission_duration_seconds",
    "apiserver_admission_webhook_admission_duration_seconds", "apiserver_current_inflight_requests",
    "apiserver_longrunning_requests", "apiserver_request_duration_seconds", "apiserver_request_total",
    "apiserver_requested_deprecated_apis", "apiserver_response_sizes", "apiserver_storage_objects",
    "apiserver_storage_size_bytes", "cronjob_controller_job_creation_skew_duration_seconds",
    "job_controller_job_pods_finished_total", "job_controller_job_sync_duration_seconds",
    "job_controller_job_syncs_total", "job_controller_jobs_finished_total", "kube_pod_resource_limit",
    "kube_pod_resource_request", "kubernetes_healthcheck", "kubernetes_healthchecks_total",
    "node_collector_evictions_total", "scheduler_framework_extension_point_duration_seconds",
    "scheduler_pending_pods", "scheduler_pod_scheduling_attempts", "scheduler_preemption_attempts_total",
    "scheduler_preemption_victims", "scheduler_queue_incoming_pods_total",
    "scheduler_schedule_attempts_total", "scheduler_scheduling_attempt_duration_seconds",
})  # fmt: skip

BETA = frozenset({
    "apiserver_authentication_config_controller_automatic_reload_last_timestamp_seconds",
    "apiserver_authentication_config_controller_automatic_reloads_total",
    "apiserver_authorization_config_controller_automatic_reload_last_timestamp_seconds",
    "apiserver_authorization_config_controller_automatic_reloads_total",
    "apiserver_cel_compilation_duration_seconds", "apiserver_cel_evaluation_duration_seconds",
    "apiserver_flowcontrol_current_executing_requests", "apiserver_flowcontrol_current_executing_seats",
    "apiserver_flowcontrol_current_inqueue_requests", "apiserver_flowcontrol_dispatched_requests_total",
    "apiserver_flowcontrol_nominal_limit_seats", "apiserver_flowcontrol_rejected_requests_total",
    "apiserver_flowcontrol_request_wait_duration_seconds",
    "apiserver_validating_admission_policy_check_duration_seconds",
    "apiserver_validating_admission_policy_check_total", "disabled_metrics_total",
    "hidden_metrics_total",
    "kubernetes_feature_enabled", "registered_metrics_total",
    "scheduler_pod_scheduling_sli_duration_seconds",
})  # fmt: skip

_EXPERIMENTAL = frozenset({
    "apiserver_flowcontrol_demand_seats", "apiserver_flowcontrol_priority_level_request_utilization",
    "apiserver_flowcontrol_priority_level_seat_utilization",
})  # fmt: skip
"""Those that weigh what they observe by time."""
_NOT_OF_KUBERNETES = ("coredns_", "process_", "python_", "sampan_")


def level_of(name: str) -> str:
    """Of a metric by its full name; other projects' have none."""
    if name.startswith(_NOT_OF_KUBERNETES):
        return ""
    return "STABLE" if name in STABLE else "BETA" if name in BETA else "ALPHA"


def described(name: str, text: str) -> str:
    """What `/metrics` says of a metric, by its full name."""
    level = level_of(name)
    told = f"[{level}] {text}" if level else text
    return f"EXPERIMENTAL: {told}" if name in _EXPERIMENTAL else told
