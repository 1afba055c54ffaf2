"""The ownership graph and the decision about one object."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

import pytest

from apimachinery.metadata import FOREGROUND_FINALIZER, ORPHAN_FINALIZER
from apimachinery.objects import owner_reference, uid_of
from apimachinery.scheme import DEPLOYMENTS, EVENTS, REPLICA_SETS, Resource
from client.rest import Client
from controller_manager.context import ControllerContext, SharedInformers
from controller_manager.garbage_collector import controller
from controller_manager.garbage_collector.graph import Graph, Node, Owner
from controller_manager.garbage_collector.plan import (
    Delete,
    DropForegroundFinalizer,
    DropOwners,
    LookAt,
    Nothing,
    OrphanDependents,
    OwnerState,
    plan,
)
from controller_manager.manager import Recorders
from controller_manager.options import Options
from tests.fakes.api_connection import FakeApi


def owner(uid: str, *, blocks: bool = True) -> Owner:
    return Owner("apps/v1", "ReplicaSet", uid, uid, blocks)


def node(uid: str, *owners: Owner, terminating: bool = False, finalizers: tuple[str, ...] = ()) -> Node:
    return Node(REPLICA_SETS, "n", uid, uid, owners, terminating, finalizers)


SOLID, DANGLING, WAITING = OwnerState.SOLID, OwnerState.DANGLING, OwnerState.WAITING
POD = node("pod", owner("a"), owner("b"))


@pytest.mark.parametrize(
    ("subject", "dependents", "states", "expected"),
    [
        pytest.param(node("x"), [], [], Nothing(), id="nobody owns it"),
        pytest.param(POD, [], [SOLID, SOLID], Nothing(), id="its owners are there"),
        pytest.param(POD, [], [SOLID, DANGLING], DropOwners(("b",)), id="one of two owners is gone"),
        pytest.param(POD, [], [SOLID, WAITING], DropOwners(("b",)), id="one of two owners waits for it"),
        pytest.param(POD, [], [DANGLING, DANGLING], Delete("Background"), id="all owners are gone"),
        pytest.param(
            node("x", owner("a"), finalizers=(ORPHAN_FINALIZER,)),
            [],
            [DANGLING],
            Delete("Orphan"),
            id="it asks to orphan",
        ),
        pytest.param(
            node("rs", owner("a")),
            [node("p", owner("rs"))],
            [WAITING],
            Delete("Foreground"),
            id="waits in turn",
        ),
        pytest.param(node("x", owner("a")), [], [WAITING], Delete("Background"), id="its owner waits for it"),
        pytest.param(
            node("x", terminating=True, finalizers=(ORPHAN_FINALIZER,)),
            [node("p", owner("x"))],
            [],
            OrphanDependents((node("p", owner("x")),)),
            id="it is deleted and leaves its dependents",
        ),
        pytest.param(
            node("x", terminating=True, finalizers=(FOREGROUND_FINALIZER,)),
            [node("p", owner("x"))],
            [],
            LookAt(("p",)),
            id="it waits for a blocking dependent",
        ),
        pytest.param(
            node("x", terminating=True, finalizers=(FOREGROUND_FINALIZER,)),
            [node("p", owner("x", blocks=False))],
            [],
            DropForegroundFinalizer(),
            id="what does not block is not waited for",
        ),
        pytest.param(
            node("x", owner("a"), terminating=True), [], [DANGLING], Nothing(), id="it goes already"
        ),
    ],
)
def test_an_object_is_decided(
    subject: Node, dependents: list[Node], states: list[Any], expected: Any
) -> None:
    owners = list(zip(subject.owners, states, strict=True)) if states else []
    assert plan(subject, dependents, owners) == expected


def test_dependents_of_a_forgotten_owner_are_looked_at() -> None:
    graph = Graph()
    graph.observe(node("rs"))
    assert graph.observe(node("pod", owner("rs"))) == set()
    assert graph.forget("rs") == {"pod"}


def test_a_dependent_that_comes_before_its_owner_is_looked_at() -> None:
    graph = Graph()
    assert graph.observe(node("pod", owner("rs"))) == {"pod"}
    assert [each.uid for each in graph.dependents("rs")] == ["pod"]


def test_foreground_deletion_looks_at_the_owner_and_its_dependents_and_again_when_they_go() -> None:
    graph = Graph()
    graph.observe(node("rs"))
    graph.observe(node("pod", owner("rs")))
    assert graph.observe(node("rs", terminating=True, finalizers=(FOREGROUND_FINALIZER,))) == {"rs", "pod"}
    assert graph.forget("pod") == {"rs"}
    assert graph.dependents("rs") == []


def test_an_owner_that_was_dropped_has_one_dependent_less() -> None:
    graph = Graph()
    graph.observe(node("rs"))
    graph.observe(node("pod", owner("rs")))
    graph.observe(node("pod"))
    assert graph.dependents("rs") == []
    assert graph.forget("rs") == set()


@asynccontextmanager
async def collecting(
    monkeypatch: pytest.MonkeyPatch,
    *later: Resource,
    shared: tuple[Resource, ...] = (),
    options: Options | None = None,
) -> AsyncIterator[tuple[FakeApi, Recorders]]:
    """A collector at work, of a server with Deployments and ReplicaSets; with others `later`, if any.

    Beside controllers that watch what is `shared`.
    """
    told = [[DEPLOYMENTS, REPLICA_SETS], *([[*later]] if later else [])]

    async def served(client: Client) -> list[Resource]:
        return told.pop(0) if len(told) > 1 else told[0]

    monkeypatch.setattr(controller, "discover", served)
    api = FakeApi()
    client = cast(Client, api)
    informers, recorders = SharedInformers(client), Recorders(client, api.now)
    collector = controller.GarbageCollector(
        ControllerContext(client, informers, recorders, api.now, options or Options())
    )
    for each in shared:
        informers.informer(each)
    running = [asyncio.ensure_future(each.run()) for each in (informers, collector, recorders)]
    await asyncio.sleep(1)
    yield api, recorders
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(replace(node("rs"), namespace="other"), id="of another namespace"),
        pytest.param(replace(node("rs"), name="other"), id="of another name"),
        pytest.param(replace(node("rs"), resource=DEPLOYMENTS), id="of another kind"),
    ],
)
def test_an_owner_that_is_not_what_the_reference_says_is_doubtful(known: Node) -> None:
    graph, pod = Graph(), node("pod", owner("rs"))
    graph.observe(known)
    assert graph.observe(pod) == {"pod"}
    assert graph.owner(pod, owner("rs")) is None


def test_references_out_of_a_namespace_are_told_of_by_who_comes_last_and_once() -> None:
    pod, elsewhere = node("pod", owner("rs")), replace(node("rs"), namespace="other")
    for first, last in ((pod, elsewhere), (elsewhere, pod)):
        graph = Graph()
        assert graph.misplaced(first) == []
        graph.observe(first)
        assert graph.misplaced(last) == [(pod, owner("rs"))]
        graph.observe(last)
        assert graph.misplaced(first) == graph.misplaced(last) == []


def test_an_owner_without_a_namespace_owns_in_every_one() -> None:
    graph, pod = Graph(), node("pod", owner("rs"))
    graph.observe(replace(node("rs"), namespace=""))
    assert graph.observe(pod) == set()


@pytest.mark.looptime
async def test_there_are_as_many_workers_as_the_flag_says(monkeypatch: pytest.MonkeyPatch) -> None:
    async with collecting(monkeypatch, options=Options(concurrent_gc_syncs=3)):
        names = [task.get_name() for task in asyncio.all_tasks()]
    assert sum(name.startswith(controller.GarbageCollector.name) for name in names) == 3


@pytest.mark.looptime
async def test_an_owner_in_another_namespace_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    async with collecting(monkeypatch) as (api, recorders):
        made = await api.create(DEPLOYMENTS, {"metadata": {"name": "web", "namespace": "elsewhere"}})
        reference = owner_reference(made | {"apiVersion": "apps/v1", "kind": "Deployment"})
        metadata = {"name": "web-1", "namespace": "ns", "ownerReferences": [reference]}
        await api.create(REPLICA_SETS, {"metadata": metadata})
        await asyncio.sleep(10)
        assert not api.find(REPLICA_SETS)
        await recorders(controller.GarbageCollector.name).drain()
        [event] = api.find(EVENTS)
        assert (event["reason"], event["message"]) == (
            "OwnerRefInvalidNamespace",
            f"ownerRef [apps/v1/Deployment, namespace: ns, name: web, uid: {uid_of(made)}] "
            'does not exist in namespace "ns"',
        )


@pytest.mark.looptime
async def test_an_owner_in_another_namespace_is_told_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often the dependent is looked at: here a second owner is of a kind that nobody serves."""
    async with collecting(monkeypatch) as (api, recorders):
        made = await api.create(DEPLOYMENTS, {"metadata": {"name": "web", "namespace": "elsewhere"}})
        references = [
            owner_reference(
                {"apiVersion": "example.io/v1", "kind": "Unknown", "metadata": {"name": "x", "uid": "x"}}
            ),
            owner_reference(made | {"apiVersion": "apps/v1", "kind": "Deployment"}),
        ]
        metadata = {"name": "web-1", "namespace": "ns", "ownerReferences": references}
        await api.create(REPLICA_SETS, {"metadata": metadata})
        await asyncio.sleep(100)
        await recorders(controller.GarbageCollector.name).drain()
        assert [event["count"] for event in api.find(EVENTS)] == [1]


@pytest.mark.looptime
async def test_an_owner_of_which_no_event_tells_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It came and went while its watch was being made anew: nobody tells that it is gone."""
    async with collecting(monkeypatch) as (api, _):
        with api.lose_events(DEPLOYMENTS):
            made = await api.create(DEPLOYMENTS, {"metadata": {"name": "web", "namespace": "ns"}})
            reference = owner_reference(made | {"apiVersion": "apps/v1", "kind": "Deployment"})
            metadata = {"name": "web-1", "namespace": "ns", "ownerReferences": [reference]}
            await api.create(REPLICA_SETS, {"metadata": metadata})
            await asyncio.sleep(1)
            assert api.find(REPLICA_SETS), "its owner is there"
            await api.delete(DEPLOYMENTS, "web", "ns")
        await asyncio.sleep(10)
        assert not api.find(REPLICA_SETS)


@pytest.mark.looptime
async def test_what_is_no_longer_served_is_no_longer_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its definition went while the server told what there is: nobody tells that it is gone."""
    async with collecting(monkeypatch, REPLICA_SETS) as (api, _):
        assert api.watchers(DEPLOYMENTS) == 1
        await asyncio.sleep(controller.RESOURCES_PERIOD)
        assert (api.watchers(DEPLOYMENTS), api.watchers(REPLICA_SETS)) == (0, 1)


@pytest.mark.looptime
async def test_what_controllers_watch_already_is_not_watched_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    async with collecting(monkeypatch, REPLICA_SETS, shared=(DEPLOYMENTS,)) as (api, _):
        assert (api.watchers(DEPLOYMENTS), api.watchers(REPLICA_SETS)) == (1, 1)
        made = await api.create(DEPLOYMENTS, {"metadata": {"name": "web", "namespace": "ns"}})
        reference = owner_reference(made | {"apiVersion": "apps/v1", "kind": "Deployment"})
        await api.create(
            REPLICA_SETS, {"metadata": {"name": "web-1", "namespace": "ns", "ownerReferences": [reference]}}
        )
        await asyncio.sleep(1)
        assert api.find(REPLICA_SETS), "its owner is there"
        await api.delete(DEPLOYMENTS, "web", "ns")
        await asyncio.sleep(1)
        assert not api.find(REPLICA_SETS)
        await asyncio.sleep(controller.RESOURCES_PERIOD)
        assert api.watchers(DEPLOYMENTS) == 1, "controllers still want it"
