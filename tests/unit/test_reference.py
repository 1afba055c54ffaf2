"""docs/reference says what the code says."""

from __future__ import annotations

import pytest

from docs import generate


@pytest.mark.parametrize("name", generate.PAGES)
def test_a_page_is_what_make_docs_writes(name: str) -> None:
    path = generate.FOLDER / name
    assert path.exists(), "run: make docs"
    assert path.read_text() == generate.PAGES[name](), f"{name} is stale; run: make docs"


# Of kubernetes-mixin's rules and dashboards, what our daemons tell; deviations.md names what they do not.
READ_BY_DASHBOARDS = (
    "aggregator_unavailable_apiservice", "aggregator_unavailable_apiservice_total",
    "apiserver_client_certificate_expiration_seconds", "apiserver_request_sli_duration_seconds",
    "apiserver_request_terminations_total", "apiserver_request_total", "etcd_request_duration_seconds",
    "kubelet_certificate_manager_client_expiration_renew_errors",
    "kubelet_certificate_manager_client_ttl_seconds", "kubelet_certificate_manager_server_ttl_seconds",
    "kubelet_evictions", "kubelet_node_name", "kubelet_pleg_relist_duration_seconds",
    "kubelet_pleg_relist_interval_seconds", "kubelet_pod_start_duration_seconds",
    "kubelet_pod_worker_duration_seconds", "kubelet_running_containers", "kubelet_running_pods",
    "kubelet_runtime_operations_duration_seconds", "kubelet_runtime_operations_errors_total",
    "kubelet_runtime_operations_total", "kubelet_server_expiration_renew_errors",
    "kubeproxy_network_programming_duration_seconds", "kubeproxy_sync_proxy_rules_duration_seconds",
    "kubernetes_build_info", "rest_client_request_duration_seconds", "rest_client_requests_total",
    "scheduler_pod_scheduling_sli_duration_seconds", "scheduler_scheduling_algorithm_duration_seconds",
    "scheduler_scheduling_attempt_duration_seconds", "storage_operation_duration_seconds",
    "volume_manager_total_volumes", "workqueue_adds_total", "workqueue_depth",
    "workqueue_queue_duration_seconds",
)  # fmt: skip


def test_what_dashboards_read_is_told() -> None:
    page = generate.PAGES["metrics.md"]()
    assert [name for name in READ_BY_DASHBOARDS if f"| `{name}` |" not in page] == []


def test_no_page_is_left_that_nobody_writes() -> None:
    assert {path.name for path in generate.FOLDER.iterdir()} == set(generate.PAGES)
