"""PodDisruptionBudgets: what is wanted, what is healthy, what may go."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from apimachinery.conditions import condition_of
from apimachinery.objects import Object, name_of
from apimachinery.pods import is_ready
from apimachinery.scheme import DEPLOYMENTS, POD_DISRUPTION_BUDGETS, PODS, REPLICA_SETS
from apimachinery.times import format_time
from controller_manager.deployment import DeploymentController
from controller_manager.disruption.controller import DisruptionController
from controller_manager.disruption.plan import (
    Wanted,
    calculate_status,
    disrupted,
    failed_status,
    stale_after,
    wanted,
)
from controller_manager.disruption.stale import StaleDisruptionController
from controller_manager.replicaset import ReplicaSetController
from tests.unit.controller_manager.builders import NOW, ago, make_deployment, make_pod, make_template
from tests.unit.controller_manager.cluster import Cluster, running

COUNTS = ("expectedPods", "desiredHealthy", "currentHealthy", "disruptionsAllowed")


def budget(*, status: Object | None = None, **spec: Any) -> Object:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "pdb", "namespace": "ns", "generation": 1},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, **spec},
        "status": status or {},
    }


@pytest.mark.parametrize(
    ("spec", "pods", "scale", "want"),
    [
        ({"minAvailable": 2}, 5, 0, Wanted(5, 2)),
        ({"minAvailable": "50%"}, 5, 7, Wanted(7, 4)),
        ({"maxUnavailable": 1}, 2, 3, Wanted(3, 2)),
        ({"maxUnavailable": "30%"}, 2, 10, Wanted(10, 7)),
        ({"maxUnavailable": 9}, 2, 3, Wanted(3, 0)),
        ({}, 2, 0, Wanted(2, 0)),
    ],
)
def test_what_is_wanted(spec: Object, pods: int, scale: int, want: Wanted) -> None:
    assert wanted(budget(**spec), [make_pod(str(number)) for number in range(pods)], scale) == want


@pytest.mark.parametrize(
    ("want", "leaving", "healthy", "allowed", "reason"),
    [
        (Wanted(4, 1), {}, 2, 1, "SufficientPods"),
        (Wanted(4, 2), {}, 2, 0, "InsufficientPods"),
        (Wanted(4, 1), {"a": ago(5)}, 1, 0, "InsufficientPods"),
        (Wanted(0, 0), {}, 2, 0, "InsufficientPods"),
    ],
)
def test_what_may_go(want: Wanted, leaving: dict[str, str], healthy: int, allowed: int, reason: str) -> None:
    going = make_pod("c")
    going["metadata"]["deletionTimestamp"] = ago(1)
    pods = [make_pod("a"), make_pod("b"), going, make_pod("d", ready=None)]
    status = calculate_status(budget(), pods, want, leaving, NOW)
    counts = [status[field] for field in COUNTS]
    assert counts == [want.pods, want.healthy, healthy, allowed]
    assert (status["conditions"][0]["reason"], status.get("disruptedPods", {})) == (reason, leaving)


def test_an_allowed_eviction_counts_for_two_minutes() -> None:
    since = {"a": ago(10), "b": ago(120), "c": ago(5), "gone": ago(1)}
    going = make_pod("c")
    going["metadata"]["deletionTimestamp"] = ago(1)
    found = disrupted(budget(status={"disruptedPods": since}), [make_pod("a"), make_pod("b"), going], NOW)
    assert (found.pods, list(map(name_of, found.overdue)), found.wait) == ({"a": ago(10)}, ["b"], 110)


def test_an_eviction_allowed_at_no_time_was_so_long_ago() -> None:
    found = disrupted(budget(status={"disruptedPods": {"a": None}}), [make_pod("a")], NOW)
    assert (found.pods, list(map(name_of, found.overdue)), found.wait) == ({}, ["a"], None)


def test_nothing_is_allowed_while_nobody_knows() -> None:
    status = failed_status(budget(status={"disruptionsAllowed": 3, "currentHealthy": 4}), "why", NOW)
    assert (status["disruptionsAllowed"], status["currentHealthy"]) == (0, 4)
    [condition] = status["conditions"]
    assert (condition["status"], condition["reason"], condition["message"]) == ("False", "SyncFailed", "why")


def test_an_announced_eviction_that_does_not_come_is_taken_back() -> None:
    pod = make_pod("a")
    assert stale_after(pod, NOW) is None
    target = {"type": "DisruptionTarget", "status": "True", "lastTransitionTime": ago(100)}
    pod["status"]["conditions"].append(target)
    assert stale_after(pod, NOW) == 20
    target["lastTransitionTime"] = None
    assert (stale_after(pod, NOW) or 0) < 0, "long ago"
    pod["metadata"]["deletionTimestamp"] = ago(1)
    assert stale_after(pod, NOW) is None


class Disruption(Cluster):
    def __init__(self) -> None:
        super().__init__(
            [DeploymentController, ReplicaSetController, DisruptionController, StaleDisruptionController],
            [DEPLOYMENTS, REPLICA_SETS, POD_DISRUPTION_BUDGETS],
        )

    @property
    def status(self) -> Object:
        found: Object = self.api.find(POD_DISRUPTION_BUDGETS)[0].get("status") or {}
        return found

    def counts(self) -> tuple[int, int, int, int]:
        one, two, three, four = (self.status.get(field, -1) for field in COUNTS)
        return one, two, three, four


@asynccontextmanager
async def cluster(**spec: Any) -> AsyncIterator[Disruption]:
    async with running(Disruption()) as it:
        await it.api.create(POD_DISRUPTION_BUDGETS, budget(**spec))
        yield it


pytestmark = pytest.mark.looptime


async def test_a_budget_follows_its_deployment_through_a_rollout() -> None:
    async with cluster(maxUnavailable="50%") as it:
        await it.api.create(DEPLOYMENTS, make_deployment(4))
        await it.until(lambda: it.counts() == (4, 2, 4, 2))
        it.broken_images.add("broken")
        await it.api.patch(
            DEPLOYMENTS, "web", {"spec": {"template": make_template("broken", app="web")}}, "ns"
        )
        await it.until(lambda: it.counts() == (4, 2, 3, 1))


async def test_pods_of_nobody_count_only_where_a_number_is_given() -> None:
    async with cluster(minAvailable="50%") as it:
        pod = {"metadata": {"name": "bare", "namespace": "ns", "labels": {"app": "web"}}}
        await it.api.create(PODS, pod | {"spec": make_template()["spec"]})
        await it.until(lambda: it.counts() == (0, 0, 1, 0))
        assert it.events("UnmanagedPods")[0].startswith(
            "Pods selected by this PodDisruptionBudget (selector: app=web)"
        )
        await it.api.patch(POD_DISRUPTION_BUDGETS, "pdb", {"spec": {"minAvailable": 0}}, "ns")
        await it.until(lambda: it.counts() == (1, 0, 1, 1))


async def test_a_controller_that_is_not_there_allows_nothing() -> None:
    async with cluster(maxUnavailable=1) as it:
        reference = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "name": "x",
            "uid": "x",
            "controller": True,
        }
        metadata = {"name": "a", "namespace": "ns", "labels": {"app": "web"}, "ownerReferences": [reference]}
        await it.api.create(PODS, {"metadata": metadata, "spec": make_template()["spec"]})
        await it.until(lambda: bool(it.events("CalculateExpectedPodCountFailed")))
        assert it.status["conditions"][0]["message"] == 'found no controllers for pod "a"'


async def test_a_pod_forgets_an_eviction_that_never_came() -> None:
    async with cluster(minAvailable=0) as it:
        pod = {"metadata": {"name": "a", "namespace": "ns"}, "spec": make_template()["spec"]}
        await it.api.create(PODS, pod)
        await it.until(lambda: is_ready(it.api.find(PODS)[0]))
        moment = format_time(it.api.now())
        target = {"type": "DisruptionTarget", "status": "True", "reason": "r", "lastTransitionTime": moment}
        conditions = [*it.api.find(PODS)[0]["status"]["conditions"], target]
        await it.api.patch(PODS, "a", {"status": {"conditions": conditions}}, "ns", subresource="status")
        await asyncio.sleep(125)
        found = condition_of(it.api.find(PODS)[0], "DisruptionTarget") or {}
        assert (found["status"], found.get("reason")) == ("False", None)
