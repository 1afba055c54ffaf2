"""Plugins of one's own at every extension point, in a scheduler in virtual time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from apimachinery.objects import Object, annotations_of
from apimachinery.scheme import PODS
from client.rest import Client
from scheduler.assembly import assemble
from scheduler.config import ConfigError, Configuration, parse_configuration
from scheduler.framework.fit_error import FitError
from scheduler.framework.interface import NO_HINTS, EventKind, PostFiltered, Verdict
from scheduler.framework.own import OwnPlugin, load_plugins
from scheduler.node_info import NodeInfo
from scheduler.plugins.registry import check_plugins
from scheduler.pod_info import PodInfo
from tests.fakes.api_connection import FakeApi
from tests.unit.scheduler.builders import make_node, make_pod
from tests.unit.scheduler.cluster import running
from tests.unit.scheduler.own_plugins import at, warnings

ROOT = Path(__file__).parents[3]
HEAD = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration"}
pytestmark = pytest.mark.looptime


class Gate(OwnPlugin):
    """Holds pods back until there is a node of their kind."""

    name = "Gate"
    hints = {EventKind.NODE_ADD: lambda pod, subject: True}  # noqa: RUF012

    def pre_enqueue(self, pod: PodInfo) -> Verdict | None:
        kinds = [node.labels.get("kind") for node in self.handle.cache.nodes]
        return None if pod.labels.get("kind") in kinds else Verdict(self.name, ("too early",))


class Approver(OwnPlugin):
    """Wants pods to be approved of, which annotations tell."""

    name = "Approver"

    def filter(self, pod: PodInfo, node: NodeInfo, state: Any) -> Verdict | None:
        return None if annotations_of(pod.pod).get("approved") else Verdict(self.name, ("not approved",))


class Fragile(OwnPlugin):
    """Breaks over pods as long as there is only one node."""

    name = "Fragile"

    def pre_enqueue(self, pod: PodInfo) -> None:
        assert len(self.handle.cache.nodes) > 1, "broken"


class Guess(OwnPlugin):
    """Refuses every pod for the present, and breaks when it is asked what would help."""

    name = "Guess"
    hints = dict.fromkeys(EventKind, lambda pod, subject: bool(1 / 0))

    def filter(self, pod: PodInfo, node: NodeInfo, state: Any) -> Verdict | None:
        return Verdict(self.name, ("too small",)) if node.name == "a" else None


class Odd(OwnPlugin):
    """Wants nodes with an odd name, the last of them most."""

    name = "Odd"

    def filter(self, pod: PodInfo, node: NodeInfo, state: Any) -> Verdict | None:
        if node.name == "broken":
            raise ZeroDivisionError("division by zero")
        return None if int(node.name) % 2 else Verdict(self.name, ("node(s) were even",))

    def score(self, pod: PodInfo, node: NodeInfo, state: Any) -> int:
        return 100 * (node.name == "7")


class Helper(OwnPlugin):
    """Does something for pods that fit nowhere, and ends it there."""

    name = "Helper"
    hints = NO_HINTS
    helped: list[str]

    def post_filter(self, pod: PodInfo, error: FitError, state: Any) -> PostFiltered:
        async def help() -> None:
            self.helped = [*getattr(self, "helped", ()), pod.key.name]

        return PostFiltered("help is on its way", help, is_final=bool(self.args.get("final")))


async def test_a_pod_is_held_back_without_a_word_until_an_event_that_matters() -> None:
    async with running(own=[Gate]) as cluster:
        cluster.handlers.node(None, make_node("a"))
        cluster.put(make_pod("p", labels={"kind": "new"}))
        cluster.put(make_pod("q", node="a"))
        await asyncio.sleep(400)
        assert cluster.log == []
        cluster.handlers.node(None, make_node("b", labels={"kind": "new"}, pods="0"))
        await asyncio.sleep(0.5)
        assert cluster.bindings == ["bind p a"]


async def test_a_plugin_may_decide_by_annotations() -> None:
    async with running(own=[Approver]) as cluster:
        cluster.handlers.node(None, make_node("a"))
        cluster.put(pod := make_pod("p"))
        await asyncio.sleep(5)
        assert not cluster.bindings
        cluster.put({**pod, "metadata": {**pod["metadata"], "annotations": {"approved": "yes"}}})
        await asyncio.sleep(1)
        assert cluster.bindings == ["bind p a"]


async def test_a_plugin_that_breaks_before_the_queue_loses_no_pod() -> None:
    async with running(own=[Fragile]) as cluster:
        cluster.handlers.node(None, make_node("a"))
        cluster.put(make_pod("p"))
        cluster.put(make_pod("q", node="a"))
        await asyncio.sleep(1)
        assert cluster.log == []
        cluster.handlers.node(None, make_node("b", pods="0"))
        await asyncio.sleep(0.5)
        assert cluster.bindings == ["bind p a"]


async def test_a_hint_that_breaks_lets_pods_be_tried() -> None:
    async with running(own=[Guess]) as cluster:
        cluster.handlers.node(None, make_node("a"))
        cluster.put(make_pod("p"))
        await asyncio.sleep(2)
        assert not cluster.bindings
        cluster.handlers.node(None, make_node("b"))
        await asyncio.sleep(2)
        assert cluster.bindings == ["bind p b"]


@pytest.mark.parametrize("count", [8, 80])
async def test_nodes_are_filtered_and_scored(count: int) -> None:
    """One by one where they are few, and all at once where they are many."""
    async with running(own=[Odd]) as cluster:
        for number in range(count):
            cluster.handlers.node(None, make_node(str(number)))
        cluster.put(make_pod("p"))
        await asyncio.sleep(0.5)
        assert cluster.bindings == ["bind p 7"]


async def test_a_plugin_that_breaks_fails_the_attempt_and_nothing_else() -> None:
    async with running(own=[Odd]) as cluster:
        cluster.handlers.node(None, make_node("broken"))
        cluster.put(make_pod("p"))
        await asyncio.sleep(0.5)
        assert warnings(cluster) == ["division by zero"]
        cluster.handlers.node(make_node("broken"), None)
        cluster.handlers.node(None, make_node("1"))
        await asyncio.sleep(2)
        assert cluster.bindings == ["bind p 1"]


@pytest.mark.parametrize("final", [False, True])
async def test_something_is_done_for_a_pod_that_fits_nowhere(final: bool) -> None:
    async with running(own=[Helper], own_args={"Helper": {"final": final}}) as cluster:
        cluster.handlers.node(None, make_node("a", cpu="1"))
        cluster.put(make_pod("p", cpu="2"))
        await asyncio.sleep(0.5)
        helper: Any = cluster.plugins["Helper"]
        assert helper.helped == ["p"]
        says = "help is on its way" if final else (
            "no new claims to deallocate, preemption: 0/1 nodes are available: "
            "1 Preemption is not helpful for scheduling., help is on its way"
        )  # fmt: skip
        assert warnings(cluster) == [f"0/1 nodes are available: 1 Insufficient cpu. {says}"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "there is no list PLUGINS"),
        ("import nothing_such", "nothing_such"),
        ("(", "never closed"),
        ("PLUGINS = [int]", "is no OwnPlugin with a name"),
    ],
)
def test_a_file_that_is_none_is_told(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "broken.py"
    file.write_text(text)
    with pytest.raises(ConfigError, match=complaint):
        load_plugins((str(file),))


@pytest.mark.parametrize(("own", "seen"), [([Odd], {"color": "red"}), ([], None)])
async def test_plugins_see_pods_as_they_are(own: list[type[OwnPlugin]], seen: Object | None) -> None:
    """The scheduler itself keeps only what it asks for."""
    api = FakeApi()
    api.put(PODS, make_pod("p", metadata={"annotations": {"color": "red"}}))
    assembly = assemble(cast(Client, api), Configuration(), Random(0), api.now, own)
    (pods,) = (each for each in assembly.informers if each.resource is PODS)
    watching = asyncio.create_task(pods.run())
    await pods.wait_synced()
    watching.cancel()
    (pod,) = pods.list()
    assert pod["metadata"].get("annotations") == seen


class Sorter(OwnPlugin):
    name = "Sorter"

    def sort_key(self, pod: PodInfo, since: float) -> tuple[float, ...]:
        return (since,)


class Twin(Odd):
    name = "NodeName"


@pytest.mark.parametrize(
    ("own", "plugins", "complaint"),
    [
        pytest.param([], at("permit", "Slow"), 'PermitPlugin "Slow" does not exist', id="unknown"),
        pytest.param(
            [Odd], at("permit", "Odd"), 'plugin "Odd" does not extend PermitPlugin plugin',
            id="at a point it has nothing for",
        ),
        pytest.param([Twin], {}, "a plugin named NodeName already exists", id="a name that is taken"),
        pytest.param(
            [Sorter], at("queueSort", "Sorter"),
            'different queue sort plugins for profile "other": "PrioritySort", first: "Sorter"',
            id="who sorts only for some",
        ),
    ],
)  # fmt: skip
def test_what_profiles_cannot_choose(own: list[type[OwnPlugin]], plugins: Any, complaint: str) -> None:
    profiles = [{"schedulerName": "default-scheduler", "plugins": plugins}, {"schedulerName": "other"}]
    with pytest.raises(ConfigError, match=complaint):
        check_plugins(parse_configuration({**HEAD, "profiles": profiles}), own)


async def test_the_example_keeps_a_gang_together() -> None:
    (gang,) = load_plugins((str(ROOT / "deploy/examples/scheduler/gang.py"),))
    labels = {"example.com/group": "g", "example.com/group-size": "3"}
    async with running(own=[gang]) as cluster:
        cluster.handlers.node(None, make_node("a", cpu="2"))
        for name in ("p0", "p1", "p2"):
            cluster.put(make_pod(name, cpu="1", labels=labels))
        await asyncio.sleep(20)
        assert not cluster.bindings
        cluster.handlers.node(None, make_node("b", cpu="1"))
        await asyncio.sleep(2)
        assert sorted(cluster.bindings) == ["bind p0 a", "bind p1 a", "bind p2 b"]


async def test_the_example_gives_up_together() -> None:
    (gang,) = load_plugins((str(ROOT / "deploy/examples/scheduler/gang.py"),))
    labels = {"example.com/group": "g", "example.com/group-size": "3"}
    async with running(own=[gang], own_args={"Gang": {"seconds": 5}}) as cluster:
        cluster.handlers.node(None, make_node("a", cpu="2"))
        cluster.put(make_pod("p0", cpu="1", labels=labels))
        await asyncio.sleep(2)
        cluster.put(make_pod("p1", cpu="1", labels=labels))
        await asyncio.sleep(3.5)
        assert not cluster.bindings
        first = "0/1 nodes are available: 1 rejected due to timeout after waiting 5s at plugin Gang."
        assert first in warnings(cluster)
        assert "0/1 nodes are available: 1 p0 of group g did not get a node." in warnings(cluster)
