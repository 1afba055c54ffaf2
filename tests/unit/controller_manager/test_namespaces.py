"""Namespaces that go: what their conditions say meanwhile."""

import asyncio
from dataclasses import replace
from typing import cast

import pytest

from apimachinery import conditions
from apimachinery.errors import ServiceUnavailableError, StatusError
from apimachinery.objects import NamespacedName, Object, name_of
from apimachinery.scheme import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, PODS, Resource
from client.rest import Client
from controller_manager import namespace
from controller_manager.context import ControllerContext, SharedInformers
from controller_manager.manager import Recorders
from controller_manager.namespace import Content, NamespaceController, content_conditions, is_unexpected
from controller_manager.options import Options
from tests.fakes.api_connection import FakeApi
from tests.unit.controller_manager.cluster import Cluster, running

FINE = {
    "NamespaceDeletionDiscoveryFailure": "ResourcesDiscovered: All resources successfully discovered",
    "NamespaceDeletionGroupVersionParsingFailure": (
        "ParsedGroupVersions: All legacy kube types successfully parsed"
    ),
    "NamespaceDeletionContentFailure": (
        "ContentDeleted: All content successfully deleted, may be waiting on finalization"
    ),
    "NamespaceContentRemaining": "ContentRemoved: All content successfully removed",
    "NamespaceFinalizersRemaining": "ContentHasNoFinalizers: All content-preserving finalizers finished",
}


def left(*finalizers: str) -> Object:
    return {"metadata": {"finalizers": list(finalizers)}}


def content(*failures: str, **remaining: list[Object]) -> Content:
    found = Content(failures=list(failures))
    for resource in (CONFIG_MAPS, DEPLOYMENTS):
        found.add(resource, remaining.get(resource.plural, []))
    return found


@pytest.mark.parametrize(
    ("found", "troubles"),
    [
        pytest.param(content(), {}, id="nothing is left"),
        pytest.param(
            content(configmaps=[left("a/b"), left()], deployments=[left("a/b", "c/d")]),
            {
                "NamespaceContentRemaining": (
                    "SomeResourcesRemain: Some resources are remaining: "
                    "configmaps. has 2 resource instances, deployments.apps has 1 resource instances"
                ),
                "NamespaceFinalizersRemaining": (
                    "SomeFinalizersRemain: Some content in the namespace has finalizers remaining: "
                    "a/b in 2 resource instances, c/d in 1 resource instances"
                ),
            },
            id="some have finalizers",
        ),
        pytest.param(
            content("no", "never"),
            {
                "NamespaceDeletionContentFailure": (
                    "ContentDeletionFailed: Failed to delete all resource types, 2 remaining: never, no"
                )
            },
            id="some cannot be deleted",
        ),
    ],
)
def test_conditions_tell_what_holds_a_namespace_up(found: Content, troubles: dict[str, str]) -> None:
    told = {each["type"]: f"{each['reason']}: {each['message']}" for each in content_conditions(found)}
    assert told == FINE | troubles
    held_up = {each["type"] for each in content_conditions(found) if each["status"] == "True"}
    assert held_up == set(troubles)


def pod(phase: str = "Running", *finalizers: str, grace: int = 30) -> Object:
    spec = {"terminationGracePeriodSeconds": grace}
    return {"metadata": {"finalizers": list(finalizers)}, "spec": spec, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("resource", "items", "expected"),
    [
        pytest.param(PODS, [], False, id="nothing is left"),
        pytest.param(PODS, [pod(grace=31)], False, id="a pod may still end"),
        pytest.param(PODS, [pod(grace=30), pod(grace=1)], True, id="pods had the time to"),
        pytest.param(PODS, [pod("Succeeded", grace=31)], True, id="a pod that has ended is left"),
        pytest.param(PODS, [pod("Running", "a/b")], False, id="somebody holds a pod"),
        pytest.param(CONFIG_MAPS, [left()], True, id="nobody holds anything else"),
        pytest.param(CONFIG_MAPS, [left(), left("a/b")], False, id="somebody holds one of several"),
    ],
)
def test_what_is_left_longer_than_anything_explains(
    resource: Resource, items: list[Object], expected: bool
) -> None:
    assert is_unexpected(resource, items, since=30.0) is expected


def make_namespace(**metadata: str) -> Object:
    """It is there until it is replaced."""
    always = {"name": "ns", "generation": 1, "finalizers": ["example.com/stays"]}
    return {"metadata": {**always, **metadata}, "spec": {"finalizers": ["kubernetes"]}}


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> None:
    async def discover(_: Client) -> list[Resource]:
        return [replace(CONFIG_MAPS, verbs=("list", "delete"))]

    monkeypatch.setattr(namespace, "discover", discover)


@pytest.mark.looptime
async def test_what_is_in_a_new_namespace_of_the_same_name_stays(served: None) -> None:
    """Nobody has told yet that the old one is gone."""
    it = Cluster([NamespaceController], [NAMESPACES])
    is_held = True

    def hold(verb: str, resource: Resource, _: Object) -> StatusError | None:
        return ServiceUnavailableError("not now") if is_held and verb == "delete" else None

    it.api.refusals.append(hold)
    await it.api.create(CONFIG_MAPS, {"metadata": {"name": "old", "namespace": "ns"}})
    it.api.put(NAMESPACES, make_namespace(uid="old", deletionTimestamp="2026-01-01T00:00:00Z"))
    async with running(it):
        await it.until(lambda: "delete configmaps old" in it.api.calls)
        with it.api.lose_events(NAMESPACES):
            it.api.put(NAMESPACES, make_namespace(uid="new"))
            is_held = False
            await asyncio.sleep(5)
        assert [name_of(each) for each in it.api.find(CONFIG_MAPS)] == ["old"]


@pytest.mark.looptime
async def test_a_pod_that_does_not_end_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    async def discover(_: Client) -> list[Resource]:
        return [replace(each, verbs=("list", "delete")) for each in (PODS, CONFIG_MAPS)]

    def told(kind: str) -> str:
        return str((conditions.condition_of(api.find(NAMESPACES)[0], kind) or {})["message"])

    monkeypatch.setattr(namespace, "discover", discover)
    api = FakeApi()
    metadata = {"name": "a", "namespace": "ns", "uid": "a", "deletionTimestamp": "2026-01-01T00:00:30Z"}
    api.put(PODS, pod() | {"metadata": metadata})
    api.put(NAMESPACES, make_namespace(uid="ns", deletionTimestamp="2026-01-01T00:00:00Z"))
    client = cast(Client, api)
    informers = SharedInformers(client)
    controller = NamespaceController(
        ControllerContext(client, informers, Recorders(client, api.now), api.now, Options())
    )
    caches = asyncio.ensure_future(informers.run())
    await informers.wait_synced()
    await controller.reconcile(NamespacedName("", "ns"))
    remaining = told("NamespaceContentRemaining")
    assert remaining == "Some resources are remaining: pods. has 1 resource instances"
    assert told("NamespaceDeletionContentFailure").startswith("All content successfully deleted")
    await asyncio.sleep(30)
    await controller.reconcile(NamespacedName("", "ns"))
    assert told("NamespaceDeletionContentFailure") == (
        "Failed to delete all resource types, 1 remaining: "
        "unexpected items still remain in namespace: ns for gvr: /v1, Resource=pods"
    )
    caches.cancel()
