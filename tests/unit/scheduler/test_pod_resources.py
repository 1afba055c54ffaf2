"""What pods ask for, as the scheduler's cache has them and /metrics/resources tells it."""

from __future__ import annotations

import asyncio

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


async def told(*pods: Object) -> dict[str, dict[str, float]]:
    """Metric -> all labels but those of the namespace, priority and scheduler -> value."""
    return {
        family.name: {
            " ".join(sample.labels[name] for name in ("pod", "node", "resource", "unit")): sample.value
            for sample in family.samples
        }
        for family in text_string_to_metric_families((await render(pods)).decode())
    }


async def test_requests_and_limits_of_pods_that_have_not_ended() -> None:
    assert await told(make_pod("a", "n1"), make_pod("b", "n1", "Succeeded")) == {
        "kube_pod_resource_request": {"a n1 cpu cores": 0.3, "a n1 memory bytes": 1 << 20},
        "kube_pod_resource_limit": {"a n1 hugepages-2Mi bytes": 2 << 20, "a n1 a/b ": 1},
    }


async def test_pods_that_wait_have_no_node() -> None:
    requests = (await told(make_pod("a")))["kube_pod_resource_request"]
    assert requests == {"a  cpu cores": 0.3, "a  memory bytes": 1 << 20}


async def test_who_they_are_is_told() -> None:
    text = (await render([make_pod("a")])).decode()
    assert 'namespace="ns"' in text
    assert 'priority="7",resource="cpu",scheduler="default-scheduler"' in text


async def test_others_have_their_turn_while_many_are_told() -> None:
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    pods = [make_pod(f"p{number}") for number in range(500)]
    other = asyncio.create_task(take_turns())
    found = await told(*pods)
    other.cancel()
    assert [len(series) for series in found.values()] == [1000, 1000]
    assert turns > 2 * len(pods) / 50
