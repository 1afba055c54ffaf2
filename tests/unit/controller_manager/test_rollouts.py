"""Deployments and ReplicaSets live through rollouts, in virtual time, with a kubelet of a few lines."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from apimachinery.conditions import condition_of
from apimachinery.errors import ForbiddenError, StatusError
from apimachinery.objects import Object, annotations_of, name_of
from apimachinery.scheme import DEPLOYMENTS, PODS, REPLICA_SETS, REPLICATION_CONTROLLERS
from apimachinery.well_known import REVISION, ROLLBACK_TO
from client.errors import ConnectionFailed
from controller_manager.deployment import DeploymentController
from controller_manager.replicaset import ReplicaSetController
from controller_manager.replication_controller import ReplicationControllerController
from tests.unit.controller_manager.builders import make_deployment, make_template
from tests.unit.controller_manager.cluster import Cluster, disturb, running, unreliable

pytestmark = pytest.mark.looptime


class Rollouts(Cluster):
    """The controllers of Deployments and what they stand on."""

    def __init__(self) -> None:
        super().__init__(
            [DeploymentController, ReplicaSetController, ReplicationControllerController],
            [DEPLOYMENTS, REPLICA_SETS, REPLICATION_CONTROLLERS],
        )
        self.most_pods = 0

    def look(self) -> None:
        self.most_pods = max(self.most_pods, len(self.api.find(PODS)))

    async def change(self, **spec: Any) -> None:
        await self.api.patch(DEPLOYMENTS, "web", {"spec": spec}, "ns")

    @property
    def deployment(self) -> Object:
        return self.api.find(DEPLOYMENTS)[0]

    def progress(self) -> str:
        found = condition_of(self.deployment, "Progressing") or {}
        return f"{found.get('status')}:{found.get('reason')}"

    def sizes(self) -> dict[str, int]:
        """Replicas by revision."""
        sets = self.api.find(REPLICA_SETS)
        return {annotations_of(each)[REVISION]: each["spec"]["replicas"] for each in sets}

    async def until_complete(self, replicas: int = 3) -> None:
        def complete() -> bool:
            status = self.deployment.get("status") or {}
            counts = {status.get(name) for name in ("replicas", "updatedReplicas", "availableReplicas")}
            observed = status.get("observedGeneration") == self.deployment["metadata"]["generation"]
            return counts == {replicas} and observed and self.progress() == "True:NewReplicaSetAvailable"

        await self.until(complete)


@asynccontextmanager
async def cluster(deployment: Object | None = None) -> AsyncIterator[Rollouts]:
    async with running(Rollouts()) as it:
        if deployment is not None:
            await it.api.create(DEPLOYMENTS, deployment)
        yield it


async def test_a_deployment_makes_its_pods_and_says_so() -> None:
    async with cluster(make_deployment(3)) as it:
        await it.until_complete()
        [replica_set] = it.api.find(REPLICA_SETS)
        assert it.events("ScalingReplicaSet") == [f"Scaled up replica set {name_of(replica_set)} from 0 to 3"]
        assert len(it.events("SuccessfulCreate")) == 3
        assert annotations_of(it.deployment)[REVISION] == "1"


async def test_an_annotation_asks_for_an_earlier_revision_once() -> None:
    async with cluster(make_deployment(3)) as it:
        await it.until_complete()
        await it.change(template=make_template("new", app="web"))
        await it.until_complete()
        ask = {"metadata": {"annotations": {ROLLBACK_TO: "1"}}}
        await it.api.patch(DEPLOYMENTS, "web", ask, "ns")
        await it.until(lambda: it.sizes() == {"2": 0, "3": 3})
        await it.until_complete()
        assert it.deployment["spec"]["template"] == make_template(app="web")
        assert ROLLBACK_TO not in annotations_of(it.deployment)
        assert it.events("DeploymentRollback") == ['Rolled back deployment "web" to revision 1']


async def test_a_rolling_update_keeps_to_surge_and_availability() -> None:
    async with cluster(make_deployment(4, surge=1, unavailable=1)) as it:
        await it.until_complete(4)
        await it.change(template=make_template("new", app="web"))
        await it.until_complete(4)
        assert it.sizes() == {"1": 0, "2": 4}
        assert it.most_pods <= 5


async def test_recreate_ends_all_old_pods_first() -> None:
    async with cluster(make_deployment(3, strategy="Recreate")) as it:
        await it.until_complete()
        await it.change(template=make_template("new", app="web"))
        await it.until_complete()
        assert (it.sizes(), it.most_pods) == ({"1": 0, "2": 3}, 3)


async def test_going_back_to_an_old_template_reuses_its_replica_set() -> None:
    async with cluster(make_deployment(2)) as it:
        await it.until_complete(2)
        await it.change(template=make_template("new", app="web"))
        await it.until_complete(2)
        await it.change(template=make_template("busybox", app="web"))
        await it.until_complete(2)
        assert it.sizes() == {"2": 0, "3": 2}


async def test_scaling_in_the_midst_of_a_rollout_is_in_proportion() -> None:
    async with cluster(make_deployment(4, surge=1, unavailable=0)) as it:
        await it.until_complete(4)
        it.broken_images.add("broken")
        await it.change(template=make_template("broken", app="web"))
        await it.until(lambda: it.sizes() == {"1": 4, "2": 1})
        await it.change(replicas=8)
        await it.until(lambda: it.sizes() == {"1": 7, "2": 2})


async def test_a_rollout_that_stands_still_misses_its_deadline_and_can_be_undone() -> None:
    async with cluster(make_deployment(2, progressDeadlineSeconds=30)) as it:
        await it.until_complete(2)
        it.broken_images.add("broken")
        await it.change(template=make_template("broken", app="web"))
        await it.until(lambda: it.progress() == "False:ProgressDeadlineExceeded")
        await it.change(template=make_template("busybox", app="web"))
        await it.until_complete(2)


async def test_a_paused_deployment_only_scales() -> None:
    async with cluster(make_deployment(2)) as it:
        await it.until_complete(2)
        await it.change(paused=True, replicas=3, template=make_template("new", app="web"))
        await it.until(lambda: it.progress() == "Unknown:DeploymentPaused")
        await asyncio.sleep(20)
        assert it.sizes() == {"1": 3}
        await it.change(paused=None)
        await it.until_complete(3)
        assert it.sizes() == {"1": 0, "2": 3}


async def test_old_history_is_dropped() -> None:
    async with cluster(make_deployment(1, revisionHistoryLimit=1)) as it:
        for image in ("busybox", "b", "c"):
            await it.change(template=make_template(image, app="web"))
            await it.until_complete(1)
        await it.until(lambda: it.sizes() == {"2": 0, "3": 1})


async def test_a_deleted_pod_is_replaced() -> None:
    async with cluster(make_deployment(2)) as it:
        await it.until_complete(2)
        victim = it.api.find(PODS)[0]
        await it.api.delete(PODS, name_of(victim), "ns")
        await it.until_complete(2)
        assert name_of(victim) not in map(name_of, it.api.find(PODS))


async def test_a_missed_event_makes_no_pod_too_many() -> None:
    async with cluster(make_deployment(3)) as it:
        await it.until_complete()
        with it.api.lose_events():
            await it.api.delete(PODS, name_of(it.api.find(PODS)[0]), "ns")
        it.api.compact()
        it.api.break_watches()
        await it.until(lambda: len(it.api.find(PODS)) == 3)
        await asyncio.sleep(400)
        assert len(it.api.find(PODS)) == 3


async def test_a_quota_costs_few_requests_and_shows_in_the_status() -> None:
    async with cluster() as it:
        it.api.refusals.append(
            lambda verb, resource, obj: (
                ForbiddenError(PODS, "p", "exceeded quota") if verb == "create" and resource is PODS else None
            )
        )
        await it.api.create(DEPLOYMENTS, make_deployment(200))
        await asyncio.sleep(1)
        assert len([call for call in it.api.calls if call.startswith("create pods")]) < 12
        failure = condition_of(it.deployment, "ReplicaFailure") or {}
        assert (failure["reason"], "exceeded quota" in failure["message"]) == ("FailedCreate", True)
        it.api.refusals.clear()
        await it.until_complete(200)
        assert condition_of(it.deployment, "ReplicaFailure") is None


def controller(name: str, replicas: int) -> Object:
    spec = {"replicas": replicas, "selector": {"app": name}, "template": make_template(app=name)}
    return {"metadata": {"name": name, "namespace": "ns"}, "spec": spec}


async def test_a_replication_controller_does_the_same_and_adopts_and_releases() -> None:
    async with cluster() as it:
        stray = {"metadata": {"name": "stray", "namespace": "ns", "labels": {"app": "rc"}}}
        await it.api.create(PODS, stray | {"spec": make_template()["spec"]})
        await it.api.create(REPLICATION_CONTROLLERS, controller("rc", 2))
        await it.until(lambda: len(it.api.find(PODS)) == 2)
        [owner] = it.api.find(PODS)[0]["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"], owner["controller"]) == ("ReplicationController", "rc", True)
        await it.api.patch(PODS, "stray", {"metadata": {"labels": {"app": "free"}}}, "ns")
        await it.until(lambda: len(it.api.find(PODS)) == 3)
        released = await it.api.get(PODS, "stray", "ns")
        await it.until(lambda: not it.api.find(PODS)[0]["metadata"].get("ownerReferences"))
        assert name_of(released) == "stray"


async def trouble(it: Rollouts, rng: random.Random) -> None:
    """One of the things that go wrong, or that users do."""
    match rng.randrange(6):
        case 0:
            await it.change(replicas=rng.randrange(8))
        case 1:
            await it.change(template=make_template(rng.choice("abc"), app="web"))
        case _:
            await disturb(it, rng)


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_goes_wrong_in_the_end_all_is_as_wanted(seed: int) -> None:
    rng = random.Random(seed)
    async with cluster(make_deployment(3)) as it:
        refusal = unreliable(rng)
        it.api.refusals.append(refusal)
        for _ in range(30):
            await asyncio.sleep(rng.random() * 3)
            with suppress(StatusError, ConnectionFailed):
                await trouble(it, rng)
        it.api.refusals.remove(refusal)
        replicas = it.deployment["spec"]["replicas"]
        image = it.deployment["spec"]["template"]["spec"]["containers"][0]["image"]

        def is_as_wanted() -> bool:
            images = [pod["spec"]["containers"][0]["image"] for pod in it.api.find(PODS)]
            status = it.deployment.get("status") or {}
            return images == [image] * replicas and (status.get("availableReplicas") or 0) == replicas

        await it.until(is_as_wanted, seconds=2000)


async def test_two_changes_in_a_row_keep_to_the_surge_although_the_cache_lags() -> None:
    async with cluster(make_deployment(4, surge=1, unavailable=0)) as it:
        await it.until_complete(4)
        with it.api.lose_events(REPLICA_SETS):
            await it.change(template=make_template("second"))
            await asyncio.sleep(5)
            await it.change(template=make_template("third"))
            await asyncio.sleep(5)
            assert [each["spec"]["replicas"] for each in it.api.find(REPLICA_SETS)] == [4, 1]
        it.api.compact()
        it.api.break_watches()
        await it.until_complete(4)
        assert it.most_pods <= 5
