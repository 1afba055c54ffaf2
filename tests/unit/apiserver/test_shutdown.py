"""Shutting down: not ready first, then requests under way, then no more."""

from __future__ import annotations

import asyncio

import pytest

from apiserver.asgi import Receive, Scope, Send
from apiserver.filters.draining import Draining
from apiserver.shutdown import Shutdown
from tests.fakes.asgi import Sent, answer, app_that, nothing, scope_of


@pytest.mark.looptime
async def test_requests_under_way_are_waited_for_and_watches_are_not() -> None:
    shutdown, loop = Shutdown(), asyncio.get_running_loop()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(3600 if "watch" in scope["path"] else 7)

    draining = Draining(app, shutdown)
    targets = ("GET /api/v1/pods", "GET /api/v1/watch/pods")
    tasks = [asyncio.create_task(draining(scope_of(each), nothing, Sent())) for each in targets]
    await asyncio.sleep(1)
    assert await shutdown.check() == ""
    await shutdown.begin(3)
    assert await shutdown.check() == "process is shutting down"
    await shutdown.drain(60)
    assert loop.time() == pytest.approx(7)
    assert [task.done() for task in tasks] == [True, False]
    tasks[1].cancel()


@pytest.mark.looptime
async def test_a_request_that_does_not_end_is_not_waited_for_for_ever() -> None:
    shutdown = Shutdown()
    shutdown.enter()
    await shutdown.drain(60)
    assert asyncio.get_running_loop().time() == pytest.approx(60)


async def test_who_comes_too_late_is_told_to_come_again() -> None:
    shutdown, refused, health = Shutdown(), Sent(), Sent()
    shutdown.refuses = True
    draining = Draining(app_that(answer), shutdown)
    await draining(scope_of("GET /api/v1/pods"), nothing, refused)
    await draining(scope_of("GET /readyz"), nothing, health)
    assert (refused.status, dict(refused.messages[0]["headers"])[b"retry-after"]) == (429, b"5")
    assert health.status == 201
