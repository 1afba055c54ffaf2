"""In-place resize: what is granted, what is done to containers, and what the status says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from apimachinery.conditions import find_condition
from apimachinery.objects import Object, get_path
from kubelet.containers.resources import resources_of
from kubelet.pods.actions import KillContainer, KillReason, compute_pod_actions
from kubelet.pods.admission import judge_resize
from kubelet.pods.allocation import PendingResize, granted_before, resources_in, with_resources
from kubelet.pods.container_status import StatusInputs
from kubelet.pods.resize import (
    MEMORY_REQUEST_ANNOTATION,
    ResizePlan,
    UpdateContainer,
    plan_resize,
    why_not_lowered,
)
from kubelet.pods.resize_metrics import resize_operations
from kubelet.pods.status import pod_status
from kubelet.pods.status_patch import status_patch
from kubelet.runtime.interface import Resources
from tests.fakes.counts import Counts
from tests.unit.kubelet.builders import make_container, make_pod, make_seen, running
from tests.unit.kubelet.world import living


def asking(cpu: str, memory: str = "64Mi", **fields: Any) -> Object:
    amounts = {"cpu": cpu, "memory": memory}
    return make_container(resources={"requests": amounts, "limits": amounts}, **fields)


FOREVER = ["sh", "-c", "sleep 100000"]
NODE = {"cpu": "2", "memory": "1Gi", "pods": "10"}


@pytest.mark.parametrize(
    ("wanted", "others", "verdict"),
    [
        (asking("2"), [], None),
        (
            asking("3"),
            [],
            PendingResize(
                "Infeasible",
                "Node didn't have enough capacity: cpu, requested: 3000, capacity: 2000",
                "insufficient_node_allocatable",
            ),
        ),
        (
            asking("1", "2Gi"),
            [],
            PendingResize(
                "Infeasible",
                "Node didn't have enough capacity: memory, requested: 2147483648, capacity: 1073741824",
                "insufficient_node_allocatable",
            ),
        ),
        (
            asking("1500m"),
            [make_pod(asking("1"))],
            PendingResize(
                "Deferred",
                "Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000",
            ),
        ),
    ],
    ids=["granted", "never-cpu", "never-memory", "not-now"],
)
def test_what_a_node_grants(wanted: Object, others: list[Object], verdict: PendingResize | None) -> None:
    assert judge_resize(make_pod(wanted), NODE, others) == verdict


def test_a_pod_keeps_what_it_had() -> None:
    old, new = make_pod(asking("1")), make_pod(asking("2"))
    assert with_resources(new, resources_in(old)) == old
    status = {
        "conditions": [{"type": "PodResizePending", "status": "True"}],
        "containerStatuses": [
            {
                "name": "web",
                "allocatedResources": {"cpu": "1", "memory": "64Mi"},
                "resources": asking("1")["resources"],
            }
        ],
    }
    restarted = granted_before(make_pod(asking("2"), status=status))
    assert resources_in(restarted) == resources_in(old)
    assert granted_before(new) == new


def plan(wanted: Object, actual: Resources | None, **fields: Any) -> ResizePlan:
    pod = make_pod(wanted)
    seen = make_seen(running(resources=actual, **fields))
    return plan_resize(pod, seen, lambda container: resources_of(pod, container, memory_capacity=0))


RESTARTING = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]
ONE = Resources(1024, 100_000, 64 << 20)


@pytest.mark.parametrize(
    ("wanted", "actual", "updated", "restarted"),
    [
        (asking("1"), ONE, (), set()),
        (asking("1"), None, (), set()),
        (asking("2"), ONE, (2048, 200_000, 64 << 20), set()),
        (asking("1", "128Mi"), ONE, (1024, 100_000, 128 << 20), set()),
        (asking("1", "128Mi", resizePolicy=RESTARTING), ONE, (), {"web"}),
        (asking("2", resizePolicy=RESTARTING), ONE, (2048, 200_000, 64 << 20), set()),
        (make_container(), ONE, (2, 0, 0), set()),
    ],
    ids=["same", "unknown", "cpu", "memory", "restarts", "other-resource-restarts", "limits-go"],
)
def test_what_becomes_of_a_container(
    wanted: Object, actual: Resources | None, updated: tuple[int, ...], restarted: set[str]
) -> None:
    found = plan(wanted, actual)
    amounts = [
        (e.resources.cpu_shares, e.resources.cpu_quota, e.resources.memory_limit) for e in found.update
    ]
    assert (amounts, found.restart) == ([updated] if updated else [], restarted)


def burstable(memory: str, **fields: Any) -> Object:
    resources = {"requests": {"cpu": "1", "memory": memory}, "limits": {"cpu": "1", "memory": "64Mi"}}
    return make_container(resources=resources, **fields)


MADE_WITH_64_MI = {MEMORY_REQUEST_ANNOTATION: str(64 << 20)}


@pytest.mark.parametrize(
    ("wanted", "remembered", "restarted"),
    [
        (burstable("32Mi", resizePolicy=RESTARTING), MADE_WITH_64_MI, {"web"}),
        (burstable("64Mi", resizePolicy=RESTARTING), MADE_WITH_64_MI, set()),
        (burstable("32Mi"), MADE_WITH_64_MI, set()),
        (burstable("32Mi", resizePolicy=RESTARTING), {}, set()),
    ],
    ids=["other", "same", "not-restarted-for-memory", "not-known"],
)
def test_a_container_is_restarted_for_another_request_of_memory(
    wanted: Object, remembered: dict[str, str], restarted: set[str]
) -> None:
    found = plan(wanted, ONE, annotations=remembered)
    assert (found.update, found.restart) == ((), restarted)


def lowering(name: str, before: int, limit: int) -> UpdateContainer:
    return UpdateContainer(name, name, Resources(2, 0, limit), before)


@pytest.mark.parametrize(
    ("update", "pod_limit", "usage", "reason"),
    [
        pytest.param([lowering("a", 100, 50)], 0, {"a": 49}, "", id="enough"),
        pytest.param([lowering("a", 50, 60)], 60, {"a": 90}, "", id="more"),
        pytest.param([lowering("a", 50, 50)], 50, {"a": 90}, "", id="as much"),
        pytest.param([lowering("a", 50, 0)], 0, {"a": 90}, "", id="no limit any more"),
        pytest.param(
            [lowering("a", 100, 50)],
            0,
            {"a": 50},
            'attempting to set container "a" memory limit (50) below current usage (50)',
            id="a container",
        ),
        pytest.param(
            [lowering("a", 0, 50)],
            90,
            {"a": 60, "b": 40},
            "[attempting to set pod memory limit (90) below current usage (100), "
            'attempting to set container "a" memory limit (50) below current usage (60)]',
            id="the pod too",
        ),
        pytest.param(
            [lowering("a", 100, 50), lowering("b", 10, 60)], 110, {"a": 9, "b": 200}, "", id="same sum"
        ),
    ],
)
def test_memory_is_not_lowered_below_what_is_used(
    update: list[UpdateContainer], pod_limit: int, usage: dict[str, int], reason: str
) -> None:
    wanted = f"cannot decrease memory limits: {reason}" if reason else ""
    assert why_not_lowered(update, pod_limit, usage) == wanted


def test_a_container_is_restarted_for_its_new_resources() -> None:
    actions = compute_pod_actions(make_pod(), make_seen(running()), resized={"web"})
    message = "Container web resize requires restart"
    assert actions.kill == (KillContainer("docker://web-0", "web", message, KillReason.RESIZED),)
    assert actions.start == ("web",)


OLD_STATUS = {"containerStatuses": [{"name": "web", "resources": asking("1")["resources"]}]}


def status(**inputs: Any) -> Object:
    pod = make_pod(asking("2"), status=OLD_STATUS)
    return pod_status(pod, StatusInputs(make_seen(running()), **inputs), ("192.0.2.1",), "now")


def test_the_status_tells_of_a_resize() -> None:
    doing = status(resizing=frozenset({"web"}), resize_generation=2, resize_error="no room")
    (container,) = doing["containerStatuses"]
    assert container["resources"] == asking("1")["resources"]
    assert container["allocatedResources"] == {"cpu": "2", "memory": "64Mi"}
    condition = find_condition(doing["conditions"], "PodResizeInProgress")
    assert condition is not None
    assert (condition["reason"], condition["message"]) == ("Error", "no room")
    assert condition["observedGeneration"] == 2

    done = status()
    assert done["containerStatuses"][0]["resources"] == asking("2")["resources"]
    patch = status_patch(doing, done)
    assert {"type": "PodResizeInProgress", "$patch": "delete"} in patch["conditions"]


def test_a_pending_resize_says_why() -> None:
    pending = status(pending=PendingResize("Deferred", "not now"))
    condition = find_condition(pending["conditions"], "PodResizePending")
    assert condition is not None
    assert (condition["status"], condition["reason"], condition["message"]) == ("True", "Deferred", "not now")


def test_an_update_names_the_container() -> None:
    (update,) = plan(asking("2"), ONE).update
    assert replace(update, resources=ONE) == UpdateContainer("docker://web-0", "web", ONE, ONE.memory_limit)


@pytest.mark.looptime
async def test_a_pod_that_starts_is_not_resized() -> None:
    async with living() as world:
        world.api.put(make_pod(asking("100m", command=FOREVER)))
        await world.until_ready()
        told = [get_path(pod, "status.conditions") or [] for pod in world.api.history]
        assert not any(find_condition(each, "PodResizeInProgress") for each in told)


@pytest.mark.looptime
async def test_a_container_keeps_the_memory_that_it_uses() -> None:
    async with living() as world:
        pod = make_pod(asking("1", command=FOREVER))
        world.api.put(pod)
        await world.until_ready()
        world.api.put({**world.pod(), "spec": make_pod(asking("1", "10Ki", command=FOREVER))["spec"]})
        await world.until(lambda: "below current usage" in world.condition("PodResizeInProgress", "message"))
        assert world.condition("PodResizeInProgress", "reason") == "Error"
        assert world.container()["resources"]["limits"]["memory"] == "64Mi"
        world.api.put({**world.pod(), "spec": pod["spec"]})
        await world.until(lambda: world.condition("PodResizeInProgress") != "True")


@pytest.mark.looptime
async def test_a_request_of_memory_restarts_once_what_asks_for_it() -> None:
    async with living() as world:
        restarting = {"command": FOREVER, "resizePolicy": RESTARTING}
        world.api.put(make_pod(burstable("64Mi", **restarting)))
        await world.until_ready()
        world.api.put({**world.pod(), "spec": make_pod(burstable("32Mi", **restarting))["spec"]})
        await world.until(lambda: "ResizeCompleted" in world.events.reasons())
        await world.until_ready()
        assert world.container()["restartCount"] == 1
        assert world.container()["resources"]["requests"]["memory"] == "32Mi"


@pytest.mark.looptime
async def test_a_deferred_resize_is_granted_when_there_is_room() -> None:
    async with living() as world:
        world.api.put(make_pod(asking("1", command=FOREVER)))
        await world.until_ready()
        other = make_pod(asking("1", command=FOREVER), meta={"name": "other", "uid": "u2"})
        world.api.put(other)
        await world.until(lambda: world.condition("Ready") == "True")
        world.api.put({**world.pod(), "spec": make_pod(asking("1500m", command=FOREVER))["spec"]})
        await world.until(lambda: world.condition("PodResizePending") == "True")
        assert world.container()["allocatedResources"]["cpu"] == "1"
        world.api.remove(other)
        await world.until(lambda: world.condition("PodResizePending") != "True")
        assert world.container()["allocatedResources"]["cpu"] == "1500m"
        await world.until(lambda: "ResizeCompleted" in world.events.reasons())
        completed = next(each for each in world.events.seen if "ResizeCompleted" in each)
        assert completed == (
            'ResizeCompleted: Pod resize completed: {"containers":[{"name":"web","resources":'
            '{"limits":{"cpu":"1500m","memory":"64Mi"},"requests":{"cpu":"1500m","memory":"64Mi"}}}]}'
        )


@pytest.mark.looptime
async def test_a_deferred_resize_is_granted_when_another_pod_asks_for_less() -> None:
    counts = Counts(
        accepted=("pod_deferred_accepted_resizes_total", {"retry_trigger": "pod_updated"}),
        done=("pod_resize_duration_milliseconds_count", {"success": "true"}),
        waiting=("pod_pending_resizes", {"reason": "deferred"}),
        under_way=("pod_in_progress_resizes", {}),
    )
    async with living() as world:
        world.api.put(make_pod(asking("1", command=FOREVER)))
        await world.until_ready()
        other = make_pod(asking("1", command=FOREVER), meta={"name": "other", "uid": "u2"})
        world.api.put(other)
        await world.until(lambda: world.phase("other") == "Running")
        world.api.put({**world.pod(), "spec": make_pod(asking("1500m", command=FOREVER))["spec"]})
        await world.until(lambda: world.condition("PodResizePending") == "True")
        assert counts.grown() == {"accepted": 0, "done": 0, "waiting": 1, "under_way": 0}
        world.api.put({**other, "spec": make_pod(asking("500m", command=FOREVER))["spec"]})
        await world.until(lambda: world.container()["allocatedResources"]["cpu"] == "1500m")
        await world.until(lambda: world.condition("PodResizeInProgress") != "True")
    assert counts.grown() == {"accepted": 1, "done": 2, "waiting": 0, "under_way": 0}


ONE_CPU = {"requests": {"cpu": "1"}, "limits": {"cpu": "1"}}


@pytest.mark.parametrize(
    ("before", "after", "operations"),
    [
        (ONE_CPU, ONE_CPU, []),
        (ONE_CPU, {"requests": {"cpu": "1000m"}, "limits": {"cpu": "1"}}, []),
        (
            ONE_CPU,
            {"requests": {"cpu": "2"}, "limits": {"cpu": "500m"}},
            ["requests increase", "limits decrease"],
        ),
        (ONE_CPU, {"requests": {"cpu": "1"}}, ["limits remove"]),
        ({}, {"limits": {"cpu": "1"}}, ["limits add"]),
    ],
    ids=["same", "same-amount", "both-ways", "removed", "added"],
)
def test_what_a_resize_asks_for(before: Object, after: Object, operations: list[str]) -> None:
    pods = [make_pod(make_container(resources=each)) for each in (before, after)]
    assert list(resize_operations(*pods)) == [("cpu", *each.split()) for each in operations]


def test_static_pods_are_not_resized() -> None:
    static = make_pod(asking("1"), meta={"annotations": {"kubernetes.io/config.source": "file"}})
    verdict = judge_resize(static, NODE, [])
    assert verdict == PendingResize(
        "Infeasible", "In-place resize of static-pods is not supported", "static_pod"
    )
