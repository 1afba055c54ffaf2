"""The reconcile loop: what each outcome of a pass leads to."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from apimachinery.errors import ConflictError
from apimachinery.objects import NamespacedName
from apimachinery.scheme import PODS
from client.controller import Controller, NotYetError, TerminalError, Watch, by_name, by_owner
from client.informer import Informer
from client.rest import Client
from component_base import tracing
from tests.fakes.api_connection import FakeApi

pytestmark = pytest.mark.looptime

A = NamespacedName("ns", "a")


async def times_of(outcomes: list[float | Exception | None], until: float = 100) -> list[float]:
    """When a controller whose passes end like this looks at its key."""
    times: list[float] = []

    async def reconcile(key: NamespacedName) -> float | None:
        times.append(round(asyncio.get_running_loop().time(), 3))
        outcome = outcomes.pop(0) if outcomes else None
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    await run(reconcile, until)
    return times


async def run(reconcile: Callable[[NamespacedName], Awaitable[float | None]], until: float) -> None:
    controller = Controller("test", reconcile, watches=[])
    controller.queue.add(A)
    task = asyncio.ensure_future(controller.run())
    await asyncio.sleep(until)
    task.cancel()


async def test_none_means_never_again() -> None:
    assert await times_of([None]) == [0]


async def test_a_number_means_look_again_then() -> None:
    assert await times_of([30.0, 40.0]) == [0, 30, 70]


async def test_an_exception_means_back_off(caplog: pytest.LogCaptureFixture) -> None:
    assert await times_of([ValueError("x"), ConflictError(PODS, "a")]) == [0, 0.005, 0.015]
    assert caplog.text.count("Reconcile failed") == 1


async def test_what_has_to_wait_is_told_in_a_line(caplog: pytest.LogCaptureFixture) -> None:
    assert await times_of([NotYetError("no claim")]) == [0, 0.005]
    (record,) = (each for each in caplog.records if "Reconcile failed" in each.message)
    assert (record.levelname, record.exc_info) == ("WARNING", None)


async def test_a_terminal_error_means_give_up() -> None:
    assert await times_of([TerminalError("no use")]) == [0]


async def test_success_forgets_earlier_failures() -> None:
    assert await times_of([ValueError(), 1.0, ValueError(), None]) == [0, 0.005, 1.005, 1.01]


async def test_each_pass_carries_the_revisions_that_caused_it() -> None:
    api, causes = FakeApi(), []
    informer = Informer(cast(Client, api), PODS)

    async def reconcile(key: NamespacedName) -> float | None:
        trace = tracing.current()
        causes.append(trace.causes if trace else None)
        return None

    controller = Controller("test", reconcile, watches=[Watch(informer, by_name)])
    tasks = [asyncio.ensure_future(informer.run()), asyncio.ensure_future(controller.run())]
    created = await api.create(PODS, {"metadata": {"name": "a", "namespace": "ns"}})
    await asyncio.sleep(1)
    for task in tasks:
        task.cancel()
    assert causes == [(created["metadata"]["resourceVersion"],)]


async def test_passes_that_wait_for_nothing_leave_others_their_turn() -> None:
    passes: list[NamespacedName] = []

    async def reconcile(key: NamespacedName) -> None:
        passes.append(key)

    controller = Controller("test", reconcile, watches=[])
    for number in range(100):
        controller.queue.add(NamespacedName("ns", str(number)))
    task = asyncio.ensure_future(controller.run())
    turns = 0
    while len(passes) < 100:
        await asyncio.sleep(0)
        turns += 1
    task.cancel()
    assert turns >= 100


async def test_workers_wait_for_the_caches() -> None:
    api, seen = FakeApi(), []

    async def reconcile(key: NamespacedName) -> float | None:
        seen.append(key)
        return None

    controller = Controller("test", reconcile, watches=[], needs=[Informer(cast(Client, api), PODS)])
    controller.queue.add(A)
    task = asyncio.ensure_future(controller.run())
    await asyncio.sleep(10)
    task.cancel()
    assert seen == []


def test_a_pod_leads_to_its_controller_of_the_right_kind() -> None:
    owners = [{"kind": "ReplicaSet", "name": "rs", "uid": "1", "controller": True}]
    pod = {"metadata": {"name": "a", "namespace": "ns", "ownerReferences": owners}}
    assert list(by_owner("ReplicaSet")(pod)) == [NamespacedName("ns", "rs")]
    assert list(by_owner("Job")(pod)) == []
