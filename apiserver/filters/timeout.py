"""Ends requests that take too long; those that are meant to last are let through."""

from __future__ import annotations

import asyncio

from apimachinery.errors import TimeoutStatusError
from apiserver.asgi import App, Receive, Scope, Send
from apiserver.filters.request_info import KEY, is_long_running


class Timeout:
    """--request-timeout: the time a request has in all.

    All have the same time, so whoever came first is late first: one timer does for all of them.
    """

    def __init__(self, app: App, seconds: float) -> None:
        self._app = app
        self._seconds = seconds
        self._began: dict[asyncio.Task[None], float] = {}
        """By the loop's clock, oldest first."""
        self._late: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        info = scope.get(KEY)
        if info is None or is_long_running(info):
            return await self._app(scope, receive, send)
        task = asyncio.current_task()
        assert task is not None, "there is a task wherever something is awaited"
        self._begin(task)
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            if task not in self._late or task.cancelling() > 1:
                raise
            info.was_terminated = True
            raise TimeoutStatusError("request did not complete within the allotted timeout") from None
        finally:
            self._end(task)

    def _begin(self, task: asyncio.Task[None]) -> None:
        loop = asyncio.get_running_loop()
        self._began[task] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._cancel_late)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._began.pop(task, None)
        if task in self._late:
            self._late.remove(task)
            task.uncancel()

    def _cancel_late(self) -> None:
        loop, self._timer = asyncio.get_running_loop(), None
        for task, began in [*self._began.items()]:
            if began + self._seconds > loop.time():
                self._timer = loop.call_at(began + self._seconds, self._cancel_late)
                break
            del self._began[task]
            self._late.add(task)
            task.cancel()
