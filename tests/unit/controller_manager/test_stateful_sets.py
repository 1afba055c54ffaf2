"""StatefulSets live through scaling, updates and trouble, in virtual time."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from apimachinery.errors import ConflictError, ForbiddenError, StatusError
from apimachinery.objects import Object, annotations_of, is_terminating, name_of
from apimachinery.pods import is_ready
from apimachinery.scheme import CONTROLLER_REVISIONS, PERSISTENT_VOLUME_CLAIMS, PODS, STATEFUL_SETS, Resource
from client.errors import ConnectionFailed
from controller_manager.stateful_set.controller import StatefulSetController
from controller_manager.stateful_set.identity import ordinal_of
from tests.unit.controller_manager.builders import make_stateful_set, make_template
from tests.unit.controller_manager.cluster import Cluster, disturb, running, unreliable

pytestmark = pytest.mark.looptime


class StatefulSets(Cluster):
    """Watches each second that names are unique and that ordered sets begin from below."""

    def __init__(self) -> None:
        super().__init__([StatefulSetController], [STATEFUL_SETS, CONTROLLER_REVISIONS])
        self.api.graceful = True
        self.most_unready = 0

    @property
    def set(self) -> Object:
        return self.api.find(STATEFUL_SETS)[0]

    def look(self) -> None:
        unready = [pod for pod in self.api.find(PODS) if not is_ready(pod) or is_terminating(pod)]
        self.most_unready = max(self.most_unready, len(unready))

    async def change(self, **spec: Any) -> None:
        await self.api.patch(STATEFUL_SETS, "web", {"spec": spec}, "ns")

    def images(self) -> dict[int, str]:
        found = {ordinal_of(pod): pod["spec"]["containers"][0]["image"] for pod in self.api.find(PODS)}
        return dict(sorted(found.items()))

    def is_complete(self, replicas: int) -> bool:
        status = self.set.get("status") or {}
        counts = {status.get(f"{each}Replicas") or 0 for each in ("current", "updated", "ready", "available")}
        observed = status.get("observedGeneration") == self.set["metadata"]["generation"]
        return observed and counts == {replicas} and len(self.api.find(PODS)) == replicas

    async def until_complete(self, replicas: int = 3, seconds: float = 60) -> None:
        await self.until(lambda: self.is_complete(replicas), seconds)


@asynccontextmanager
async def cluster(stateful_set: Object | None = None) -> AsyncIterator[StatefulSets]:
    async with running(StatefulSets()) as it:
        if stateful_set is not None:
            await it.api.create(STATEFUL_SETS, stateful_set)
        yield it


async def test_conditions_of_others_stay_until_there_is_more_to_write() -> None:
    async with cluster(make_stateful_set(1)) as it:
        await it.until_complete(1)
        foreign = {"conditions": [{"type": "Audited", "status": "True"}]}
        await it.api.patch(STATEFUL_SETS, "web", {"status": foreign}, "ns", subresource="status")
        await asyncio.sleep(60)
        assert it.set["status"]["conditions"] == foreign["conditions"]


async def test_pods_come_one_after_the_other_with_claims_of_their_own() -> None:
    async with cluster(make_stateful_set(3, claims={})) as it:
        await it.until_complete()
        assert it.most_unready == 1
        assert list(map(name_of, it.api.find(PERSISTENT_VOLUME_CLAIMS))) == [
            "data-web-0",
            "data-web-1",
            "data-web-2",
        ]
        assert it.events("SuccessfulCreate")[:2] == [
            "create Claim data-web-0 Pod web-0 in StatefulSet web success",
            "create Pod web-0 in StatefulSet web successful",
        ]


async def test_a_parallel_set_makes_all_at_once_and_takes_all_away_at_once() -> None:
    async with cluster(make_stateful_set(40, policy="Parallel")) as it:
        await it.until_complete(40, seconds=4)
        await it.change(replicas=2)
        await it.until_complete(2, seconds=4)
        assert list(it.images()) == [0, 1]


async def test_an_update_goes_from_the_highest_down_and_keeps_its_history() -> None:
    async with cluster(make_stateful_set(3, revisionHistoryLimit=1)) as it:
        await it.until_complete()
        for image in ("b", "c", "d"):
            await it.change(template=make_template(image, app="web"))
            await it.until_complete()
        assert it.images() == {0: "d", 1: "d", 2: "d"}
        assert it.most_unready == 1
        await it.until(lambda: len(it.api.find(CONTROLLER_REVISIONS)) == 2)
        assert it.events("SuccessfulDelete") == [
            f"delete Pod web-{ordinal} in StatefulSet web successful" for ordinal in (2, 1, 0)
        ]


async def test_deletions_that_meet_conflicts_are_tried_again() -> None:
    left = 3  # the first one is followed by a write of the status, which wakes the controller anyway

    def refuse(verb: str, resource: Resource, obj: Object) -> StatusError | None:
        nonlocal left
        if verb != "delete" or not left:
            return None
        left -= 1
        return ConflictError(resource, name_of(obj))

    async with cluster(make_stateful_set(1)) as it:
        await it.until_complete(1)
        it.api.refusals.append(refuse)
        await it.change(template=make_template("b", app="web"))
        await it.until(lambda: it.images() == {0: "b"})
        assert not left


async def test_a_template_that_comes_back_is_the_newest_revision_again() -> None:
    async with cluster(make_stateful_set(1)) as it:
        await it.api.patch(STATEFUL_SETS, "web", {"metadata": {"annotations": {"why": "first"}}}, "ns")
        for image in ("busybox", "b", "busybox"):
            await it.change(template=make_template(image, app="web"))
            await it.until_complete(1)
        numbers = {each["revision"]: annotations_of(each) for each in it.api.find(CONTROLLER_REVISIONS)}
        assert sorted(numbers) == [2, 3]
        assert it.set["status"]["currentRevision"] == it.set["status"]["updateRevision"]


async def test_only_ordinals_from_the_partition_on_are_updated() -> None:
    async with cluster(make_stateful_set(3, rolling={"partition": 2})) as it:
        await it.until_complete()
        await it.change(template=make_template("new", app="web"))
        await it.until(lambda: it.images() == {0: "busybox", 1: "busybox", 2: "new"})
        await it.api.delete(PODS, "web-0", "ns")
        await asyncio.sleep(30)
        assert it.images() == {0: "busybox", 1: "busybox", 2: "new"}
        await it.change(updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 0}})
        await it.until(lambda: set(it.images().values()) == {"new"})


async def test_a_broken_update_stops_at_its_first_pod_and_goes_on_when_that_is_mended() -> None:
    async with cluster(make_stateful_set(3)) as it:
        await it.until_complete()
        it.broken_images.add("broken")
        await it.change(template=make_template("broken", app="web"))
        await asyncio.sleep(60)
        assert it.images() == {0: "busybox", 1: "busybox", 2: "broken"}
        await it.change(template=make_template("good", app="web"))
        await it.api.delete(PODS, "web-2", "ns")
        await it.until_complete()


async def test_claims_are_owned_as_the_policy_says_when_ordinals_go_and_come() -> None:
    async with cluster(make_stateful_set(2, claims={"whenScaled": "Delete"})) as it:
        await it.until_complete(2)
        await it.change(replicas=1)
        await it.until_complete(1)
        [kept, condemned] = it.api.find(PERSISTENT_VOLUME_CLAIMS)
        assert not kept["metadata"].get("ownerReferences")
        assert [owner["kind"] for owner in condemned["metadata"]["ownerReferences"]] == ["Pod"]
        await it.change(replicas=2)
        await asyncio.sleep(10)
        assert list(it.images()) == [0], "the claim belongs to a pod that is gone"
        await it.api.delete(PERSISTENT_VOLUME_CLAIMS, "data-web-1", "ns")  # as the garbage collector does
        await it.until_complete(2)


async def test_a_refused_pod_is_told_and_tried_again() -> None:
    async with cluster() as it:
        refused = ForbiddenError(PODS, "web-0", "exceeded quota")
        it.api.refusals.append(lambda verb, what, obj: refused if (verb, what) == ("create", PODS) else None)
        await it.api.create(STATEFUL_SETS, make_stateful_set(1))
        await asyncio.sleep(1)
        text = 'create Pod web-0 in StatefulSet web failed error: pods "web-0" is forbidden: exceeded quota'
        assert text in it.events("FailedCreate")
        it.api.refusals.clear()
        await it.until_complete(1)


async def trouble(it: StatefulSets, rng: random.Random, limit: int) -> None:
    """One of the things that go wrong, or that users do."""
    match rng.randrange(6):
        case 0:
            await it.change(replicas=rng.randrange(limit))
        case 1:
            await it.change(template=make_template(rng.choice("abc"), app="web"))
        case _:
            await disturb(it, rng)


@pytest.mark.parametrize("policy", ["OrderedReady", "Parallel"])
@pytest.mark.parametrize("seed", range(6))
async def test_whatever_goes_wrong_in_the_end_all_is_as_wanted(seed: int, policy: str) -> None:
    rng = random.Random(seed)
    async with cluster(make_stateful_set(3, policy=policy, claims={})) as it:
        refusal = unreliable(rng)
        it.api.refusals.append(refusal)
        for _ in range(30):
            await asyncio.sleep(rng.random() * 3)
            with suppress(StatusError, ConnectionFailed):
                await trouble(it, rng, 6)
        it.api.refusals.remove(refusal)
        replicas = it.set["spec"]["replicas"]
        await it.until_complete(replicas, seconds=3000)
        image = it.set["spec"]["template"]["spec"]["containers"][0]["image"]
        assert it.images() == dict.fromkeys(range(replicas), image)


@pytest.mark.parametrize("seed", range(4))
async def test_an_ordered_set_has_one_unready_pod_at_most_whatever_events_are_lost(seed: int) -> None:
    rng = random.Random(seed)
    async with cluster(make_stateful_set(5)) as it:
        refusal = unreliable(rng)
        for image in "abc":
            it.api.refusals.append(refusal)
            for _ in range(25):
                await asyncio.sleep(rng.random())
                it.api.break_watches()
                if rng.random() < 0.3:
                    it.api.compact()
            it.api.refusals.remove(refusal)
            await it.until_complete(it.set["spec"]["replicas"], seconds=3000)
            await it.change(template=make_template(image, app="web"), replicas=rng.randrange(2, 8))
        assert it.most_unready == 1


@pytest.mark.parametrize("most", [1, 2])
@pytest.mark.parametrize("seed", range(4))
async def test_an_update_never_takes_more_than_it_may_whatever_events_are_lost(seed: int, most: int) -> None:
    rng = random.Random(seed)
    owner = make_stateful_set(5, policy="Parallel", rolling={"maxUnavailable": most})
    async with cluster(owner) as it:
        await it.until_complete(5)
        it.most_unready = 0
        refusal = unreliable(rng)
        for image in "abc":
            await it.change(template=make_template(image, app="web"))
            it.api.refusals.append(refusal)
            for _ in range(20):
                await asyncio.sleep(rng.random())
                it.api.break_watches()
                if rng.random() < 0.3:
                    it.api.compact()
            it.api.refusals.remove(refusal)
        await it.until_complete(5, seconds=3000)
        assert it.most_unready <= most
