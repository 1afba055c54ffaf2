"""Extenders: what they are asked, and what becomes of their answers. In virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from apimachinery.objects import NamespacedName, Object
from client.errors import ConnectionRefused
from scheduler.extender import Extender, ignored_resources
from tests.unit.scheduler.builders import make_node, make_pod
from tests.unit.scheduler.cluster import Cluster, running

pytestmark = pytest.mark.looptime
Answer = Callable[[Object], Any]
VERBS = {"filterVerb": "filter", "prioritizeVerb": "prioritize", "preemptVerb": "preempt", "bindVerb": "bind"}


class Server:
    """Answers each verb with a function of what it was told, after a while; without one it refuses."""

    def __init__(self, **answers: Answer) -> None:
        self.told: list[tuple[str, Object]] = []
        self._answers = answers

    async def __call__(self, url: str, body: bytes) -> tuple[int, bytes]:
        verb = url.removeprefix("http://e/")
        self.told.append((verb, orjson.loads(body)))
        await asyncio.sleep(0.2)
        if verb not in self._answers:
            raise ConnectionRefused("e:80")
        answer = self._answers[verb](orjson.loads(body))
        return (answer, b"") if isinstance(answer, int) else (200, orjson.dumps(answer))

    def as_extender(self, *verbs: str, **config: Any) -> Extender:
        named = {field: verb for field, verb in VERBS.items() if verb in verbs}
        whole = {"urlPrefix": "http://e/", "nodeCacheCapable": True, "weight": 1, **named, **config}
        return Extender(whole, self, node_object)


def node_object(key: NamespacedName) -> Object | None:
    return make_node(key.name)


def only(name: str) -> Answer:
    def answer(told: Object) -> Object:
        failed = {each: "not this one" for each in told["NodeNames"] if each != name}
        return {"NodeNames": [each for each in told["NodeNames"] if each == name], "FailedNodes": failed}

    return answer


def add_nodes(cluster: Cluster, *names: str, **spec: Any) -> None:
    for name in names:
        cluster.handlers.node(None, make_node(name, **spec))


async def test_an_extender_narrows_the_nodes_down() -> None:
    server = Server(filter=only("b"))
    async with running(server.as_extender("filter")) as cluster:
        add_nodes(cluster, "a", "b", "c")
        pod = make_pod("p")
        cluster.put(pod)
        await asyncio.sleep(1)
        assert cluster.bindings == ["bind p b"]
        ((_, told),) = server.told
        assert (told["Pod"], told["NodeNames"], told["Nodes"]) == (pod, ["a", "b", "c"], None)


async def test_an_extender_without_a_cache_is_sent_whole_nodes() -> None:
    server = Server(filter=lambda told: {"nodes": {"items": told["Nodes"]["items"][:1]}})
    async with running(server.as_extender("filter", nodeCacheCapable=False)) as cluster:
        add_nodes(cluster, "a", "b")
        cluster.put(make_pod("p"))
        await asyncio.sleep(1)
        assert cluster.bindings == ["bind p a"]
        assert server.told[0][1]["Nodes"]["items"] == [make_node("a"), make_node("b")]


async def test_what_an_extender_has_against_nodes_is_told_and_anything_may_help() -> None:
    async with running(Server(filter=only("nobody")).as_extender("filter")) as cluster:
        add_nodes(cluster, "a", "b")
        cluster.put(make_pod("p"))
        await asyncio.sleep(1)
        assert cluster.log == [
            "Warning FailedScheduling 0/2 nodes are available: 2 not this one. no new claims to deallocate, "
            "preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod."
        ]
        (attempt,) = cluster.journal.attempts()
        assert [attempt.verdicts[name]["Extender"] for name in "ab"] == ["not this one"] * 2
        cluster.handlers.node(None, make_node("nobody"))
        await asyncio.sleep(1)
        assert cluster.bindings == ["bind p nobody"]


async def test_scores_of_extenders_outweigh_those_of_plugins() -> None:
    def prefer(told: Object) -> list[Object]:
        return [{"Host": name, "Score": 10 if name == "b" else 0} for name in told["NodeNames"]]

    async with running(Server(prioritize=prefer).as_extender("prioritize", weight=5)) as cluster:
        add_nodes(cluster, "a", "b", "c")
        cluster.put(make_pod("q", node="b", cpu="3"))
        cluster.put(make_pod("p", cpu="1"))
        await asyncio.sleep(1)
        assert cluster.bindings == ["bind p b"]
        assert cluster.journal.attempts()[0].scores["b"]["http://e/"] == 500


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({}, 'Post "http://e/filter": dial tcp e:80: connect: connection refused'),
        ({"filter": lambda told: 500}, "failed filter with extender at URL http://e/filter, code 500"),
        ({"filter": lambda told: {"Error": "too late"}}, "too late"),
        (
            {"filter": lambda told: {"NodeNames": ["z"]}},
            'extender "http://e/" claims a filtered node "z" which is not found in the input node list',
        ),
    ],
    ids=["nobody there", "an error of HTTP", "an error told", "an unknown node"],
)  # fmt: skip
@pytest.mark.parametrize("ignorable", [False, True])
async def test_a_filter_that_fails_fails_the_attempt_unless_it_may_be_ignored(
    answers: dict[str, Answer], message: str, ignorable: bool
) -> None:
    extender = Server(**answers).as_extender("filter", ignorable=ignorable)
    async with running(extender) as cluster:
        add_nodes(cluster, "a")
        cluster.put(make_pod("p"))
        await asyncio.sleep(0.9)
        if ignorable:
            assert cluster.bindings == ["bind p a"]
        else:
            assert cluster.log == [f"Warning FailedScheduling {message}"]
            (condition,) = cluster.patches[0]["status"]["conditions"]
            assert (condition["reason"], condition["message"]) == ("SchedulerError", message)


async def test_an_extender_binds() -> None:
    server = Server(bind=lambda told: {})
    async with running(server.as_extender("bind")) as cluster:
        add_nodes(cluster, "a")
        pod = make_pod("p")
        cluster.put(pod)
        await asyncio.sleep(1)
        told = {
            "PodName": "p", "PodNamespace": "default", "PodUID": pod["metadata"]["uid"], "Node": "a",
        }  # fmt: skip
        assert server.told == [("bind", told)]
        assert cluster.log == ["Normal Scheduled Successfully assigned default/p to a"]


async def test_an_extender_may_spare_victims() -> None:
    def spare(told: Object) -> Object:
        victims = told["NodeNameToMetaVictims"]
        return {"NodeNameToMetaVictims": {"b": victims["b"]}}

    server = Server(preempt=spare)
    async with running(server.as_extender("preempt")) as cluster:
        add_nodes(cluster, "a", "b", cpu="1")
        for name in "ab":
            cluster.put(make_pod(f"on-{name}", node=name, cpu="1"))
        cluster.put(make_pod("p", cpu="1", priority=5))
        await asyncio.sleep(1)
        assert "delete on-b" in cluster.log
        assert "delete on-a" not in cluster.log


@pytest.mark.parametrize(("managed", "asked"), [("example.com/gpu", True), ("example.com/nic", False)])
async def test_only_pods_that_want_its_resources_concern_it(managed: str, asked: bool) -> None:
    server = Server(filter=only("a"))
    extender = server.as_extender("filter", managedResources=[{"name": managed}])
    async with running(extender) as cluster:
        node = make_node("a")
        node["status"]["allocatable"]["example.com/gpu"] = "2"
        cluster.handlers.node(None, node)
        limits = {"example.com/gpu": "1"}
        cluster.put(make_pod("p", containers=[{"name": "c", "resources": {"limits": limits}}]))
        await asyncio.sleep(1)
        assert cluster.bindings == ["bind p a"]
        assert bool(server.told) is asked


@pytest.mark.parametrize("change", ["the node goes", "the pod goes", "room comes"])
async def test_what_happens_while_an_extender_thinks_is_not_missed(change: str) -> None:
    async with running(
        Server(filter=lambda told: {"NodeNames": told["NodeNames"]}).as_extender("filter")
    ) as cluster:
        add_nodes(cluster, "a")
        cluster.put(make_pod("p"))
        await asyncio.sleep(0.1)  # the extender is at it
        if change == "the node goes":
            cluster.handlers.node(make_node("a"), None)
            add_nodes(cluster, "b")
        elif change == "the pod goes":
            cluster.remove("p")
        else:
            cluster.put({**cluster.objects[NamespacedName("default", "p")], "status": {"conditions": []}})
        await asyncio.sleep(3)
        wanted = {"the node goes": ["bind p b"], "the pod goes": [], "room comes": ["bind p a"]}
        assert cluster.bindings == wanted[change]


def test_resources_may_be_for_extenders_alone() -> None:
    managed = [{"name": "a.b/c", "ignoredByScheduler": True}, {"name": "a.b/d"}]
    assert ignored_resources([{"managedResources": managed}, {}]) == {"a.b/c"}
