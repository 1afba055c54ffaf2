"""The controller manager as a process, with real daemons around it and hollow nodes below: it never stops."""

from __future__ import annotations

import asyncio
import subprocess

import pytest

from apimachinery.conditions import condition_of
from apimachinery.errors import NotFoundError
from apimachinery.objects import Object, annotations_of, controller_of, is_terminating, name_of
from apimachinery.scheme import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    ENDPOINTS,
    EVENTS,
    HORIZONTAL_POD_AUTOSCALERS,
    NAMESPACES,
    PODS,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    SERVICE_ACCOUNTS,
    SERVICES,
    Resource,
)
from client.rest import Client
from tests.integration.plane import API, CONTROLLERS, LIMIT, Plane, deployment, eventually

NEW_IMAGE = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "busybox:2"}]}}}}
STRATEGIC = "application/strategic-merge-patch+json"


async def make(client: Client, name: str, replicas: int = 3) -> None:
    await client.create(DEPLOYMENTS, deployment(name, replicas))


async def complete(client: Client, name: str, replicas: int = 3) -> Object:
    """The Deployment, once all its replicas are new and available."""

    def is_so(it: Object) -> bool:
        status = it.get("status") or {}
        counts = {status.get(each) for each in ("replicas", "updatedReplicas", "availableReplicas")}
        return counts == {replicas} and status.get("observedGeneration") == it["metadata"]["generation"]

    return await eventually(lambda: client.get(DEPLOYMENTS, name, "default"), is_so)


async def items(client: Client, resource: Resource, app: str, namespace: str = "default") -> list[Object]:
    return list((await client.list(resource, namespace, label_selector=f"app={app}"))["items"])


async def gone(client: Client, resource: Resource, app: str) -> None:
    await eventually(lambda: items(client, resource, app), lambda found: not found)


def kubectl(plane: Plane, *words: str) -> str:
    command = ["kubectl", f"--kubeconfig={plane.config.admin_kubeconfig}", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=LIMIT).stdout


async def test_the_real_kubectl_rolls_out_and_back(plane: Plane, client: Client) -> None:
    await make(client, "web")
    await complete(client, "web")
    kubectl(plane, "set", "image", "deployment/web", "c=busybox:2")
    assert "successfully rolled out" in kubectl(plane, "rollout", "status", "deployment/web")
    kubectl(plane, "rollout", "undo", "deployment/web")
    assert "successfully rolled out" in kubectl(plane, "rollout", "status", "deployment/web")
    assert kubectl(plane, "rollout", "history", "deployment/web").split()[-4:] == [
        "2",
        "<none>",
        "3",
        "<none>",
    ]
    sets = {
        annotations_of(each)["deployment.kubernetes.io/revision"]: each
        for each in await items(client, REPLICA_SETS, "web")
    }
    assert {revision: each["spec"]["replicas"] for revision, each in sets.items()} == {"2": 0, "3": 3}


async def test_a_manager_killed_amid_a_rollout_goes_on_where_it_was(plane: Plane, client: Client) -> None:
    await make(client, "killed", 6)
    await complete(client, "killed", 6)
    await client.patch(DEPLOYMENTS, "killed", NEW_IMAGE, "default", patch_type=STRATEGIC)
    await eventually(lambda: items(client, REPLICA_SETS, "killed"), lambda found: len(found) == 2)
    await plane.restart_leader(CONTROLLERS, client)
    await complete(client, "killed", 6)
    assert len(await items(client, PODS, "killed")) == 6


async def test_an_apiserver_killed_amid_a_rollout_is_waited_for(plane: Plane, client: Client) -> None:
    await make(client, "waiting", 6)
    await complete(client, "waiting", 6)
    await client.patch(DEPLOYMENTS, "waiting", NEW_IMAGE, "default", patch_type=STRATEGIC)
    plane.restart(API)
    await complete(client, "waiting", 6)
    assert plane.is_running(CONTROLLERS)


async def test_a_history_that_is_gone_is_no_obstacle(plane: Plane, client: Client) -> None:
    plane.pause(CONTROLLERS)
    await make(client, "compacted")
    await asyncio.to_thread(plane.compact)
    plane.go_on(CONTROLLERS)
    await complete(client, "compacted")


@pytest.mark.parametrize("policy", ["Background", "Foreground"])
async def test_a_deleted_deployment_takes_all_it_made_along(
    plane: Plane, client: Client, policy: str
) -> None:
    name = policy.lower()
    await make(client, name)
    await complete(client, name)
    await client.delete(DEPLOYMENTS, name, "default", options={"propagationPolicy": policy})
    await gone(client, PODS, name)
    await gone(client, REPLICA_SETS, name)


def _is_there(name: str, found: Object) -> bool:
    return any(name_of(each) == name for each in found["items"])


async def test_orphans_stay_and_are_adopted(plane: Plane, client: Client) -> None:
    await make(client, "orphans")
    await complete(client, "orphans")
    before = {name_of(pod) for pod in await items(client, PODS, "orphans")}
    await client.delete(DEPLOYMENTS, "orphans", "default", options={"propagationPolicy": "Orphan"})
    await eventually(
        lambda: items(client, REPLICA_SETS, "orphans"),
        lambda found: len(found) == 1 and controller_of(found[0]) is None,
    )
    await eventually(
        lambda: client.list(DEPLOYMENTS, "default"), lambda found: not _is_there("orphans", found)
    )
    await make(client, "orphans")
    await complete(client, "orphans")
    assert {name_of(pod) for pod in await items(client, PODS, "orphans")} == before


async def test_a_replication_controller_scales_both_ways(plane: Plane, client: Client) -> None:
    made = deployment("rc", 2)
    spec = {"replicas": 2, "selector": {"app": "rc"}, "template": made["spec"]["template"]}
    await client.create(REPLICATION_CONTROLLERS, {"metadata": made["metadata"], "spec": spec})

    async def live_pods() -> int:
        return sum(not is_terminating(pod) for pod in await items(client, PODS, "rc"))

    for wanted in (2, 4, 1):
        await client.patch(REPLICATION_CONTROLLERS, "rc", {"spec": {"replicas": wanted}}, "default")
        await eventually(live_pods, lambda count, wanted=wanted: count == wanted)  # type: ignore[misc]

    async def reasons() -> set[str]:
        found = await client.list(EVENTS, "default", field_selector="involvedObject.name=rc")
        return {each["reason"] for each in found["items"]}

    # Events are sent behind the work they tell of.
    await eventually(reasons, lambda told: told == {"SuccessfulCreate", "SuccessfulDelete"})


@pytest.mark.parametrize("policy", ["", "Foreground", "Orphan"])
async def test_a_namespace_gets_its_account_and_goes_with_everything(
    plane: Plane, client: Client, policy: str
) -> None:
    """Whoever waits for it: a policy gives it a finalizer that the garbage collector takes away."""
    await client.create(NAMESPACES, {"metadata": {"name": "shop"}})
    await eventually(lambda: client.get(SERVICE_ACCOUNTS, "default", "shop"))
    await eventually(lambda: client.get(CONFIG_MAPS, "kube-root-ca.crt", "shop"))
    made = deployment("web", 2)
    made["metadata"]["namespace"] = "shop"
    await client.create(DEPLOYMENTS, made)
    await eventually(lambda: items(client, PODS, "web", "shop"), lambda found: len(found) == 2)
    await client.delete(NAMESPACES, "shop", options={"propagationPolicy": policy} if policy else None)

    async def is_gone() -> bool:
        try:
            await client.get(NAMESPACES, "shop")
        except NotFoundError:
            return True
        return False

    await eventually(is_gone)
    assert await items(client, PODS, "web", "shop") == []


async def test_a_service_finds_its_pods_in_endpoints_and_one_slice(plane: Plane, client: Client) -> None:
    spec = {"selector": {"app": "backend"}, "ports": [{"port": 80, "targetPort": 8080}]}
    await client.create(SERVICES, {"metadata": {"name": "backend", "namespace": "default"}, "spec": spec})
    await make(client, "backend")
    await complete(client, "backend")
    addresses = {pod["status"]["podIP"] for pod in await items(client, PODS, "backend")}

    async def in_endpoints() -> set[str]:
        found = await client.get(ENDPOINTS, "backend", "default")
        subsets = found.get("subsets") or []
        return {each["ip"] for subset in subsets for each in subset.get("addresses") or []}

    async def in_slices() -> list[set[str]]:
        selector = "kubernetes.io/service-name=backend"
        found = (await client.list(ENDPOINT_SLICES, "default", label_selector=selector))["items"]
        return [{each["addresses"][0] for each in slice_["endpoints"]} for slice_ in found]

    await eventually(in_endpoints, lambda found: found == addresses)
    await eventually(in_slices, lambda found: found == [addresses])


async def test_a_rollout_that_cannot_be_says_why(plane: Plane, client: Client) -> None:
    made = deployment("stuck", 1)
    made["spec"]["progressDeadlineSeconds"] = 1
    made["spec"]["template"]["spec"]["nodeSelector"] = {"no": "such"}
    await client.create(DEPLOYMENTS, made)
    found = await eventually(
        lambda: client.get(DEPLOYMENTS, "stuck", "default"),
        lambda it: (condition_of(it, "Progressing") or {}).get("status") == "False",
    )
    assert (condition_of(found, "Progressing") or {})["reason"] == "ProgressDeadlineExceeded"


def autoscaler(name: str) -> Object:
    """Between one and three replicas of a Deployment, as many as makes a pod use half of its request."""
    target = {"type": "Utilization", "averageUtilization": 50}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "maxReplicas": 3,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}},
        },
    }


async def test_what_is_used_decides_how_many_there_are(plane: Plane, client: Client) -> None:
    """A pod that uses twice its request becomes three, three that do nothing become one."""
    busy = deployment("busy", 1)
    busy["spec"]["template"]["metadata"]["annotations"] = {"hollow.sampan.io/cpu": "20m"}
    await client.create(DEPLOYMENTS, busy)
    await make(client, "idle")
    await complete(client, "busy", 1)
    await complete(client, "idle", 3)
    for name in ("busy", "idle"):
        await client.create(HORIZONTAL_POD_AUTOSCALERS, autoscaler(name))
    await complete(client, "busy", 3)
    await complete(client, "idle", 1)
    found = await eventually(
        lambda: client.get(HORIZONTAL_POD_AUTOSCALERS, "busy", "default"),
        lambda it: (condition_of(it, "ScalingLimited") or {}).get("reason") == "TooManyReplicas",
    )
    [metric] = found["status"]["currentMetrics"]
    assert 180 < metric["resource"]["current"]["averageUtilization"] < 220
    able = condition_of(found, "AbleToScale") or {}
    assert (able["status"], able["reason"] in ("SucceededRescale", "ReadyForNewScale")) == ("True", True)
    assert "busy" in kubectl(plane, "top", "pods", "--no-headers", "-l", "app=busy")
