"""An ASGI server's side of a request: what is asked, and what was sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from apiserver.asgi import Message, Receive, Scope, Send
from apiserver.filters.request_info import KEY, parse_query, parse_request
from apiserver.request import UserInfo
from apiserver.responses import encoded, send_bytes

JANE = UserInfo("jane", groups=("devs", "system:authenticated"))


@dataclass
class Sent:
    """An ASGI send that remembers."""

    messages: list[Message] = field(default_factory=list)

    async def __call__(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def json(self) -> Any:
        return orjson.loads(self.messages[1]["body"])


def scope_of(target: str, user: UserInfo = JANE, headers: list[tuple[bytes, bytes]] | None = None) -> Scope:
    method, _, rest = target.partition(" ")
    path, _, query = rest.partition("?")
    raw = headers or []
    info = parse_request(method, path, parse_query(query.encode()), {k.decode(): v.decode() for k, v in raw})
    info.user = user
    return {"type": "http", "method": method, "path": path, "headers": raw, KEY: info}


def app_that(act: Callable[[Send], Awaitable[None]]) -> Any:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await act(send)

    return app


async def send_json(send: Send, status: int, value: Any) -> None:
    await send_bytes(send, status, encoded(value))


async def answer(send: Send) -> None:
    await send_json(send, 201, {"kind": "Pod"})


async def nothing() -> Message:
    return {"type": "http.disconnect"}
