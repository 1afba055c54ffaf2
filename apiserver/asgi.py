"""The ASGI types that filters and handlers share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from apiserver.request import RequestInfo

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

Handler = Callable[[RequestInfo, Scope, Receive, Send], Awaitable[None]]
"""What serves one kind of resource request once the filters let it through."""
