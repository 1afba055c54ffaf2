"""The outermost filter: turns whatever went wrong further in into an answer, and logs the unexpected."""

from __future__ import annotations

import logging

from apimachinery.errors import InternalError, StatusError
from apiserver.asgi import App, Receive, Scope, Send
from apiserver.filters.request_info import KEY
from apiserver.responses import send_status

log = logging.getLogger(__name__)


class PanicRecovery:
    """One of the few places that may catch Exception."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except StatusError as error:
            if _has_begun(scope):
                raise
            await send_status(send, error, _accept(scope), _warnings(scope))
        except Exception as error:
            log.exception("Recovered from a panic: method=%s path=%s", scope.get("method"), scope.get("path"))
            if not _has_begun(scope):
                await send_status(send, InternalError(error), _accept(scope))


def _accept(scope: Scope) -> str:
    """What the client takes; of a request that is none nobody knows."""
    info = scope.get(KEY)
    return info.headers.get("accept", "") if info is not None else ""


def _warnings(scope: Scope) -> list[str]:
    """What came up before the request was refused; who is late is told nothing else."""
    info = scope.get(KEY)
    return info.warnings if info is not None and not info.was_terminated else []


def _has_begun(scope: Scope) -> bool:
    """Whether the answer is under way, so that no other can be sent."""
    info = scope.get(KEY)
    return info is not None and info.status != 0
