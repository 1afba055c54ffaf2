"""Who makes room for a critical pod."""

from __future__ import annotations

import pytest

from apimachinery.objects import Object, name_of
from kubelet.pods.preemption import NoVictims, victims
from tests.fakes.counts import Counts
from tests.unit.kubelet.builders import make_container, make_pod
from tests.unit.kubelet.world import living

CRITICAL = 2_000_000_000
NODE = {"cpu": "4", "memory": "4Gi", "pods": "5"}


def pod(name: str, cpu: str = "", *, guaranteed: bool = False, priority: int = 0) -> Object:
    amounts = {"cpu": cpu, "memory": "1Gi"} if guaranteed else {"cpu": cpu}
    resources = {"requests": amounts, **({"limits": amounts} if guaranteed else {})} if cpu else {}
    return make_pod(make_container(resources=resources), meta={"name": name, "uid": name}, priority=priority)


@pytest.mark.parametrize(
    ("wanted", "others", "ended"),
    [
        (pod("new", "1", priority=CRITICAL), [pod("a", "1")], ""),
        (pod("new", "2", priority=CRITICAL), [pod("a", "1"), pod("b", "2"), pod("c", "1")], "b"),
        (pod("new", "1", priority=CRITICAL), [pod("a", "1"), pod("b", "3", guaranteed=True)], "a"),
        (pod("new", "3", priority=CRITICAL), [pod("a", "1"), pod("b", "3", guaranteed=True)], "b"),
        (pod("new", "2", priority=CRITICAL), [pod("a", "1"), pod("b", "1"), pod("c", "2")], "c"),
        (pod("new", priority=CRITICAL), [pod(name) for name in "abcde"], "a"),
    ],
    ids=["room", "nearest", "burstable-first", "guaranteed-if-need-be", "one-for-two", "too-many-pods"],
)  # fmt: skip
def test_who_makes_room(wanted: Object, others: list[Object], ended: str) -> None:
    assert "".join(name_of(each) for each in victims(wanted, NODE, others)) == ended


@pytest.mark.parametrize(
    ("wanted", "others", "left"),
    [
        (
            pod("new", "4", priority=CRITICAL),
            [pod("a", "1", priority=CRITICAL), pod("b", "3")],
            "[(res: cpu, q: 1000), ]",
        ),
        (pod("new", "9", guaranteed=True, priority=CRITICAL), [pod("a", "1")], "[(res: cpu, q: 5000), ]"),
    ],
    ids=["never-a-critical-one", "in-vain"],
)
def test_nobody_can_make_room(wanted: Object, others: list[Object], left: str) -> None:
    with pytest.raises(NoVictims) as told:
        victims(wanted, NODE, others)
    assert str(told.value) == f"no set of running pods found to reclaim resources: {left}"


@pytest.mark.looptime
async def test_nobody_ends_for_a_critical_pod_that_is_turned_away_all_the_same() -> None:
    async with living() as world:
        forever = make_container(command=["sh", "-c", "sleep 100000"])
        for name in ("a", "b", "c"):
            world.api.put(make_pod(forever, meta={"name": name, "uid": name}))
        await world.until(lambda: len(world.assembly.kubelet.active_pods()) == 3)
        critical = make_pod(
            forever, meta={"name": "z", "uid": "z"}, priority=CRITICAL, nodeSelector={"disk": "hdd"}
        )
        world.api.put(critical)
        await world.until(lambda: world.phase("z") == "Failed")
        assert "NodeAffinity" in world.events.reasons()
        assert "Preempting" not in world.events.reasons()


@pytest.mark.looptime
async def test_a_critical_pod_gets_its_place() -> None:
    async with living() as world:
        forever = make_container(command=["sh", "-c", "sleep 100000"])
        for name in ("a", "b", "c"):
            world.api.put(make_pod(forever, meta={"name": name, "uid": name}))
        await world.until(lambda: len(world.assembly.kubelet.active_pods()) == 3)
        counts = Counts(pods=("preemptions", {"preemption_signal": "pods"}))
        world.api.put(make_pod(forever, meta={"name": "z", "uid": "z"}, priority=CRITICAL))
        await world.until(lambda: world.phase("z") == "Running")
        await world.until(lambda: [world.phase(name) for name in "abc"].count("Failed") == 1)
        assert "Preempting: Preempted in order to admit critical pod" in world.events.seen
        assert counts.grown() == {"pods": 1}
        world.api.put(make_pod(forever, meta={"name": "y", "uid": "y"}))
        await world.until(lambda: world.phase("y") == "Failed")
