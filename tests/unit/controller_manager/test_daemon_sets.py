"""DaemonSets live through nodes that come and go, updates and trouble, in virtual time."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from apimachinery.errors import StatusError
from apimachinery.objects import Object, is_terminating, name_of
from apimachinery.pods import is_ready
from apimachinery.scheme import CONTROLLER_REVISIONS, DAEMON_SETS, NODES, PODS
from client.errors import ConnectionFailed
from controller_manager.daemon_set.controller import DaemonSetController
from controller_manager.daemon_set.placement import node_of
from tests.unit.controller_manager.builders import make_daemon_set, make_node, make_template
from tests.unit.controller_manager.cluster import Cluster, disturb, running, unreliable

pytestmark = pytest.mark.looptime


class DaemonSets(Cluster):
    """Counts each second how many wanted nodes have no ready pod, and the most pods on one node."""

    def __init__(self) -> None:
        super().__init__([DaemonSetController], [DAEMON_SETS, NODES, CONTROLLER_REVISIONS])
        self.api.graceful = True
        self.ends: dict[str, str] = {}
        self.most_missing = self.most_beside = 0

    def outcome(self, pod: Object) -> str:
        return self.ends.get(node_of(pod), "")

    def look(self) -> None:
        pods = [pod for pod in self.api.find(PODS) if not is_terminating(pod)]
        ready = {node_of(pod) for pod in pods if is_ready(pod)}
        self.most_missing = max(self.most_missing, len(self.api.find(NODES)) - len(ready))
        self.most_beside = max([self.most_beside, *Counter(map(node_of, pods)).values()])

    @property
    def set(self) -> Object:
        return self.api.find(DAEMON_SETS)[0]

    async def change(self, **spec: Any) -> None:
        await self.api.patch(DAEMON_SETS, "agent", {"spec": spec}, "ns")

    def is_complete(self) -> bool:
        wanted = len(self.api.find(NODES))
        status = self.set.get("status") or {}
        fields = ("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable")
        observed = status.get("observedGeneration") == self.set["metadata"]["generation"]
        counts = {status.get(field) or 0 for field in fields}
        return observed and counts == {wanted} and len(self.api.find(PODS)) == wanted

    async def until_complete(self, seconds: float = 60) -> None:
        await self.until(self.is_complete, seconds)


@asynccontextmanager
async def cluster(daemon_set: Object | None = None, nodes: int = 4) -> AsyncIterator[DaemonSets]:
    async with running(DaemonSets()) as it:
        for number in range(nodes):
            await it.api.create(NODES, make_node(f"n{number}"))
        await it.api.create(DAEMON_SETS, daemon_set or make_daemon_set())
        yield it


async def test_conditions_of_others_stay() -> None:
    async with cluster(nodes=1) as it:
        await it.until_complete()
        foreign = {"conditions": [{"type": "Audited", "status": "True"}]}
        await it.api.patch(DAEMON_SETS, "agent", {"status": foreign}, "ns", subresource="status")
        await it.change(minReadySeconds=1)
        await it.until_complete()
        assert it.set["status"]["conditions"] == foreign["conditions"]


async def test_each_node_gets_a_pod_and_a_node_that_leaves_takes_its_own_along() -> None:
    async with cluster() as it:
        await it.until_complete()
        assert len(it.events("SuccessfulCreate")) == 4
        await it.api.create(NODES, make_node("late"))
        await it.until(lambda: sorted(map(node_of, it.api.find(PODS))) == ["late", "n0", "n1", "n2", "n3"])
        await it.api.patch(NODES, "late", {"spec": {"taints": [{"key": "x", "effect": "NoExecute"}]}})
        await it.until(lambda: len(it.api.find(PODS)) == 4)


async def test_an_update_goes_node_by_node_and_keeps_its_history() -> None:
    async with cluster(make_daemon_set(revisionHistoryLimit=1)) as it:
        await it.until_complete()
        it.most_missing = 0
        for image in "bcd":
            await it.change(template=make_template(image, app="agent"))
            await it.until_complete()
        assert (it.most_missing, it.most_beside) == (1, 1)
        await it.until(lambda: [each["revision"] for each in it.api.find(CONTROLLER_REVISIONS)] == [3, 4])


async def test_with_surge_no_node_is_without_its_pod() -> None:
    async with cluster(make_daemon_set(rolling={"maxSurge": 2, "maxUnavailable": 0})) as it:
        await it.until_complete()
        it.most_missing = 0
        await it.change(template=make_template("new", app="agent"))
        await it.until_complete()
        assert (it.most_missing, it.most_beside) == (0, 2)


async def test_on_delete_waits_for_somebody_to_delete() -> None:
    async with cluster(make_daemon_set(strategy="OnDelete")) as it:
        await it.until(lambda: len(it.api.find(PODS)) == 4)
        await it.change(template=make_template("new", app="agent"))
        await asyncio.sleep(30)
        victim = it.api.find(PODS)[0]
        await it.api.delete(PODS, name_of(victim), "ns")
        await asyncio.sleep(30)
        images = Counter(pod["spec"]["containers"][0]["image"] for pod in it.api.find(PODS))
        assert images == {"busybox": 3, "new": 1}
        assert it.set["status"]["updatedNumberScheduled"] == 1


async def test_a_pod_that_keeps_failing_is_replaced_less_and_less_often() -> None:
    async with cluster() as it:
        await it.until_complete()
        it.ends["n1"] = "Failed"
        await asyncio.sleep(130)
        made = [call for call in it.api.calls if call.startswith("create pods")]
        assert 8 <= len(made) <= 12, "1, 2, 4, ... 64 s apart"
        assert any("Found failed daemon pod ns/agent-" in text for text in it.events("FailedDaemonPod"))


@pytest.mark.parametrize(
    "rolling", [{"maxUnavailable": 2, "maxSurge": 0}, {"maxSurge": 2, "maxUnavailable": 0}]
)
@pytest.mark.parametrize("seed", range(5))
async def test_whatever_goes_wrong_in_the_end_all_is_as_wanted(seed: int, rolling: Object) -> None:
    rng = random.Random(seed)
    async with cluster(make_daemon_set(rolling=rolling)) as it:
        refusal = unreliable(rng)
        it.api.refusals.append(refusal)
        for number in range(30):
            await asyncio.sleep(rng.random() * 3)
            with suppress(StatusError, ConnectionFailed):
                match rng.randrange(6):
                    case 0:
                        await it.api.create(NODES, make_node(f"late{number}"))
                    case 1:
                        await it.change(template=make_template(rng.choice("abc"), app="agent"))
                    case 2 if len(it.api.find(NODES)) > 1:
                        taints = [{"key": "x", "effect": rng.choice(["NoExecute", "PreferNoSchedule"])}]
                        node = rng.choice(it.api.find(NODES))
                        await it.api.patch(NODES, name_of(node), {"spec": {"taints": taints}})
                    case _:
                        await disturb(it, rng)
        it.api.refusals.remove(refusal)
        for node in it.api.find(NODES):
            await it.api.patch(NODES, name_of(node), {"spec": {"taints": None}})
        await it.until_complete(seconds=3000)
        image = it.set["spec"]["template"]["spec"]["containers"][0]["image"]
        assert {pod["spec"]["containers"][0]["image"] for pod in it.api.find(PODS)} == {image}


@pytest.mark.parametrize("seed", range(4))
async def test_an_update_never_takes_more_than_it_may_whatever_is_lost(seed: int) -> None:
    rng = random.Random(seed)
    async with cluster(make_daemon_set(rolling={"maxUnavailable": 2, "maxSurge": 0}), nodes=8) as it:
        await it.until_complete()
        it.most_missing = 0
        refusal = unreliable(rng)
        for image in "abc":
            await it.change(template=make_template(image, app="agent"))
            it.api.refusals.append(refusal)
            for _ in range(20):
                await asyncio.sleep(rng.random())
                it.api.break_watches()
                if rng.random() < 0.3:
                    it.api.compact()
            it.api.refusals.remove(refusal)
        await it.until_complete(seconds=3000)
        assert (it.most_missing <= 2, it.most_beside) == (True, 1)
