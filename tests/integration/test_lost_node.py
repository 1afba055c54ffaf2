"""A node falls silent and comes back."""

from __future__ import annotations

import pytest

from apimachinery import conditions, pods
from apimachinery.objects import Object
from apimachinery.scheme import DEPLOYMENTS, NODES
from client.rest import Client
from tests.integration.deployments import of_app, settled
from tests.integration.plane import SHORT_GRACE_OF_NODES, Flags, Plane, deployment, eventually


@pytest.fixture(scope="module")
def plane_flags() -> Flags:
    return SHORT_GRACE_OF_NODES


async def test_a_lost_node_is_noticed_and_its_pods_come_up_elsewhere(plane: Plane, client: Client) -> None:
    plane.run_nodes("doomed", 1)
    await until_pods_go_to(client, "doomed")
    lost = deployment("lost", 4)
    lost["spec"]["template"]["spec"]["affinity"] = preferring("doomed")
    await client.create(DEPLOYMENTS, lost)
    await settled(client, "lost", 4)
    assert await nodes_of(client, "lost") == {"doomed"}
    plane.kill("doomed")
    node = await eventually(lambda: client.get(NODES, "doomed"), lambda node: not is_node_ready(node))
    ready = conditions.condition_of(node, "Ready") or {}
    assert (ready["status"], ready["reason"], ready["message"]) == (
        "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.",
    )  # fmt: skip
    node = await eventually(
        lambda: client.get(NODES, "doomed"), lambda node: len(node["spec"].get("taints", ())) > 1
    )
    taints = {(taint["key"], taint["effect"]) for taint in node["spec"]["taints"]}
    assert taints == {("node.kubernetes.io/unreachable", each) for each in ("NoSchedule", "NoExecute")}

    async def elsewhere() -> list[Object]:
        found = await of_app(client, "lost")
        return [pod for pod in found if pods.is_ready(pod) and pod["spec"].get("nodeName") != "doomed"]

    await eventually(elsewhere, lambda found: len(found) == 4)
    left = [pod for pod in await of_app(client, "lost") if pod["spec"].get("nodeName") == "doomed"]
    assert all(pod["metadata"].get("deletionTimestamp") for pod in left), "they wait for their kubelet"
    plane.run_nodes("doomed", 1)
    await eventually(lambda: client.get(NODES, "doomed"), is_node_ready)
    await eventually(lambda: client.get(NODES, "doomed"), lambda node: not node["spec"].get("taints"))
    await eventually(lambda: nodes_of(client, "lost"), lambda nodes: "doomed" not in nodes)
    await client.delete(DEPLOYMENTS, "lost", "default")


async def until_pods_go_to(client: Client, node: str) -> None:
    """It may be ready, and still have its taint in the scheduler's eyes."""
    first = deployment("first", 1)
    first["spec"]["template"]["spec"]["nodeSelector"] = {"kubernetes.io/hostname": node}
    await client.create(DEPLOYMENTS, first)
    await settled(client, "first", 1)
    await client.delete(DEPLOYMENTS, "first", "default")


def is_node_ready(node: Object) -> bool:
    return conditions.is_condition_true(node, "Ready")


def preferring(node: str) -> Object:
    expression = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    term = {"weight": 100, "preference": {"matchExpressions": [expression]}}
    return {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [term]}}


async def nodes_of(client: Client, name: str) -> set[str]:
    return {pod["spec"]["nodeName"] for pod in await of_app(client, name)}
