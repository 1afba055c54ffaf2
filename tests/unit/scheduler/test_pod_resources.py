"""What pods ask for, as the scheduler's cache has them and /metrics/resources tells it."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from apimachinery.objects import Object
from scheduler.pod_info import trim
from scheduler.pod_resources import render


def make_pod(name: str, node: str = "", phase: str = "Pending") -> Object:
    resources = {"requests": {"cpu": "250m", "memory": "1Mi"}, "limits": {"hugepages-2Mi": "2Mi", "a/b": "1"}}
    pod = {
        "metadata": {"name": name, "namespace": "ns"},
        "spec": {
            "schedulerName": "default-scheduler",
            "priority": 7,
            "overhead": {"cpu": "50m"},
            "containers": [{"name": "c", "image": "i", "resources": resources}],
            **({"nodeName": node} if node else {}),
        },
        "status": {"phase": phase},
    }
    trim(pod)
    return pod


def told(*pods: Object) -> dict[str, dict[str, float]]:
    """Metric -> all labels but those of the namespace, priority and scheduler -> value."""
    return {
        family.name: {
            " ".join(sample.labels[name] for name in ("pod", "node", "resource", "unit")): sample.value
            for sample in family.samples
        }
        for family in text_string_to_metric_families(render(pods).decode())
    }


def test_requests_and_limits_of_pods_that_have_not_ended() -> None:
    assert told(make_pod("a", "n1"), make_pod("b", "n1", "Succeeded")) == {
        "kube_pod_resource_request": {"a n1 cpu cores": 0.3, "a n1 memory bytes": 1 << 20},
        "kube_pod_resource_limit": {"a n1 hugepages-2Mi bytes": 2 << 20, "a n1 a/b ": 1},
    }


def test_pods_that_wait_have_no_node() -> None:
    requests = told(make_pod("a"))["kube_pod_resource_request"]
    assert requests == {"a  cpu cores": 0.3, "a  memory bytes": 1 << 20}


def test_who_they_are_is_told() -> None:
    text = render([make_pod("a")]).decode()
    assert 'namespace="ns"' in text
    assert 'priority="7",resource="cpu",scheduler="default-scheduler"' in text
