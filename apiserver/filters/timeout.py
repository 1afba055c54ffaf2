"""Ends requests that take too long; those that are meant to last are let through."""

from __future__ import annotations

import asyncio

from apimachinery.durations import parse_duration
from apimachinery.errors import BadRequestError, TimeoutStatusError
from apiserver.asgi import App, Receive, Scope, Send
from apiserver.filters.request_info import KEY, is_long_running
from apiserver.request import RequestInfo


class Timeout:
    """--request-timeout: the time a request has in all, or less where it asks for less.

    All have the same time, so whoever came first is late first: one timer does for all of them, but for who
    asks for less.
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
        asked = requested_seconds(info)
        self._begin(task)
        sooner = task.get_loop().call_later(asked, self._cancel, task) if 0 < asked < self._seconds else None
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            if task not in self._late or task.cancelling() > 1:
                raise
            info.was_terminated = True
            raise TimeoutStatusError("request did not complete within the allotted timeout") from None
        finally:
            if sooner is not None:
                sooner.cancel()
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
            self._cancel(task)

    def _cancel(self, task: asyncio.Task[None]) -> None:
        del self._began[task]
        self._late.add(task)
        task.cancel()


def requested_seconds(info: RequestInfo) -> float:
    """What the URL's `timeout` asks for, 0 without one; BadRequestError if it is no Go duration."""
    try:
        return parse_duration((info.query.get("timeout") or [""])[0] or "0")
    except ValueError as error:
        raise BadRequestError(f"invalid timeout specified in the request URL - {error}") from None
