"""ResourceQuotas: their books follow what comes and goes, in virtual time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from apimachinery.errors import ServiceUnavailableError
from apimachinery.objects import NamespacedName, Object, name_of
from apimachinery.scheme import CONFIG_MAPS, PODS, RESOURCE_QUOTAS, SECRETS, Resource
from client.rest import Client
from controller_manager.context import ControllerContext, SharedInformers
from controller_manager.manager import Recorders
from controller_manager.options import Options
from controller_manager.resource_quota import controller
from controller_manager.resource_quota.controller import ResourceQuotaController
from controller_manager.resource_quota.plan import calculate_status
from tests.fakes.api_connection import FakeApi

pytestmark = pytest.mark.looptime


def controller_on(api: FakeApi, **options: Any) -> tuple[ResourceQuotaController, SharedInformers]:
    client = cast(Client, api)
    informers, recorders = SharedInformers(client), Recorders(client, api.now)
    context = ControllerContext(client, informers, recorders, api.now, Options(**options))
    return ResourceQuotaController(context), informers


@asynccontextmanager
async def books(**hard: str) -> AsyncIterator[FakeApi]:
    """The API with one quota; names have `_` for `/`."""
    api = FakeApi()
    books, informers = controller_on(api)
    spec = {"hard": {name.replace("_", "/"): amount for name, amount in hard.items()}}
    await api.create(RESOURCE_QUOTAS, {"metadata": {"name": "q", "namespace": "ns"}, "spec": spec})
    tasks = [asyncio.ensure_future(each) for each in (informers.run(), books.run())]
    try:
        yield api
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def add(api: FakeApi, name: str, cpu: str = "100m") -> None:
    container = {"name": "c", "resources": {"requests": {"cpu": cpu}}}
    metadata = {"name": name, "namespace": "ns"}
    await api.create(PODS, {"metadata": metadata, "spec": {"containers": [container]}})


async def used(api: FakeApi, seconds: float = 1) -> Object:
    await asyncio.sleep(seconds)
    found: Object = api.find(RESOURCE_QUOTAS)[0]["status"]["used"]
    return found


async def test_pods_count_until_they_have_ended() -> None:
    async with books(pods="5", cpu="1") as api:
        assert await used(api) == {"pods": "0", "cpu": "0"}
        await add(api, "a")
        await add(api, "b", "250m")
        assert await used(api) == {"pods": "0", "cpu": "0"}, "the API server charges what it lets in"
        assert await used(api, 10) == {"pods": "2", "cpu": "350m"}
        await api.patch(PODS, "a", {"status": {"phase": "Succeeded"}}, "ns", subresource="status")
        assert await used(api) == {"pods": "1", "cpu": "250m"}
        await api.delete(PODS, "b", "ns")
        assert await used(api) == {"pods": "0", "cpu": "0"}


async def test_other_kinds_are_counted_from_the_first_quota_on_that_asks() -> None:
    async with books(count_configmaps="5") as api:
        assert await used(api) == {"count/configmaps": "0"}
        await api.create(CONFIG_MAPS, {"metadata": {"name": "a", "namespace": "ns"}})
        await api.create(CONFIG_MAPS, {"metadata": {"name": "b", "namespace": "other"}})
        assert await used(api, 10) == {"count/configmaps": "1"}
        await api.delete(CONFIG_MAPS, "a", "ns")
        assert await used(api) == {"count/configmaps": "0"}


async def test_a_kind_that_cannot_be_listed_keeps_no_other_from_being_counted() -> None:
    async with books(count_secrets="5", pods="5") as api:
        refused = ServiceUnavailableError("its server is away")
        api.refusals.append(lambda verb, kind, _: refused if (verb, kind) == ("list", SECRETS) else None)
        for number in range(Options().concurrent_resource_quota_syncs):
            spec = {"hard": {"count/secrets": "5"}}
            await api.create(
                RESOURCE_QUOTAS, {"metadata": {"name": f"q{number}", "namespace": "ns"}, "spec": spec}
            )
        assert await used(api, 10) == {"pods": "0"}
        await add(api, "a")
        await api.delete(PODS, "a", "ns")
        await api.patch(RESOURCE_QUOTAS, "q", {"spec": {"hard": {"services": "2"}}}, "ns")
        assert await used(api, 10) == {"pods": "0", "services": "0"}
        api.refusals.clear()
        assert await used(api, 60) == {"count/secrets": "0", "pods": "0", "services": "0"}


WIDGETS = Resource("example.com", "v1", "widgets", "Widget", namespaced=True)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Resource]:
    """What discovery tells of besides the built-in kinds."""
    served = [WIDGETS]

    async def discover(_: Client) -> list[Resource]:
        return list(served)

    monkeypatch.setattr(controller, "discover", discover)
    return served


async def test_a_kind_that_is_no_longer_served_is_no_longer_watched(served: list[Resource]) -> None:
    async with books(**{"count_widgets.example.com": "5", "pods": "5"}) as api:
        assert await used(api, 10) == {"count/widgets.example.com": "0", "pods": "0"}
        assert api.watchers(WIDGETS) == 1
        served.clear()
        await asyncio.sleep(controller.RESOURCES_SECONDS)
        assert api.watchers(WIDGETS) == 0
        served.append(WIDGETS)
        await asyncio.sleep(Options().resource_quota_sync_period)
        assert api.watchers(WIDGETS) == 1, "it is back"


async def test_a_kind_may_go_while_its_objects_are_counted(
    served: list[Resource], caplog: pytest.LogCaptureFixture
) -> None:
    async with books(**{"count_widgets.example.com": "5"}) as api:
        refused = ServiceUnavailableError("its server is away")
        api.refusals.append(lambda verb, kind, _: refused if (verb, kind) == ("list", SECRETS) else None)
        await asyncio.sleep(controller.RESOURCES_SECONDS - controller.SYNC_SECONDS / 2)
        hard = {"count/widgets.example.com": "7", "count/secrets": "5"}
        await api.patch(RESOURCE_QUOTAS, "q", {"spec": {"hard": hard}}, "ns")
        await asyncio.sleep(controller.SYNC_SECONDS / 4)
        assert api.watchers(WIDGETS) == 1
        served.clear()
        assert await used(api, controller.SYNC_SECONDS) == {"count/widgets.example.com": "0"}
        assert api.watchers(WIDGETS) == 0
        assert api.find(RESOURCE_QUOTAS)[0]["status"]["hard"] == hard
        assert "KeyError" not in caplog.text


def test_what_cannot_be_counted_stays_as_it_was_told() -> None:
    quota = {
        "spec": {"hard": {"pods": "5", "count/gone.example.com": "4", "services": "1"}},
        "status": {"used": {"pods": "3", "count/gone.example.com": "2", "secrets": "1"}},
    }
    status = calculate_status(quota, {PODS: ["pods"]}, lambda _: [], datetime.now(UTC))
    assert status["used"] == {"count/gone.example.com": "2", "pods": "0"}


async def test_a_quota_that_asks_for_something_else_is_counted_anew() -> None:
    async with books(pods="5") as api:
        await add(api, "a")
        assert await used(api, 11) == {"pods": "1"}
        await api.patch(RESOURCE_QUOTAS, "q", {"spec": {"hard": {"pods": "9", "cpu": "2"}}}, "ns")
        assert await used(api) == {"pods": "1", "cpu": "100m"}
        assert api.find(RESOURCE_QUOTAS)[0]["status"]["hard"] == {"pods": "9", "cpu": "2"}
        assert name_of(api.find(RESOURCE_QUOTAS)[0]) == "q"


async def test_a_pod_that_gets_a_deadline_counts_for_another_quota() -> None:
    async with books(pods="5") as api:
        quota = {"hard": {"pods": "5"}, "scopes": ["NotTerminating"]}
        await api.patch(RESOURCE_QUOTAS, "q", {"spec": quota}, "ns")
        await add(api, "a")
        assert await used(api, 11) == {"pods": "1"}
        await api.patch(PODS, "a", {"spec": {"activeDeadlineSeconds": 9}}, "ns")
        assert await used(api) == {"pods": "0"}


async def test_a_quota_is_counted_again_after_the_sync_period() -> None:
    api = FakeApi()
    quota = {"metadata": {"name": "q", "namespace": "ns"}, "spec": {"hard": {"pods": "5"}}}
    await api.create(RESOURCE_QUOTAS, quota)
    controller, informers = controller_on(api, resource_quota_sync_period=30.0)
    running = asyncio.ensure_future(informers.run())
    await asyncio.sleep(1)
    await controller.reconcile(NamespacedName("ns", "q"))
    await asyncio.sleep(1)
    assert await controller.reconcile(NamespacedName("ns", "q")) == 30
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
