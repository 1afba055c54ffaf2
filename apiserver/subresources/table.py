"""Which special handler serves which resource and subresource."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from apiserver.admission.chain import Chain
from apiserver.asgi import Handler
from apiserver.auth.setup import Auth
from apiserver.options import Options
from apiserver.storage.watch_cache import WatchCache


def special_handlers(
    options: Options, cache: WatchCache, auth: Auth, chain: Chain, now: Callable[[], datetime]
) -> dict[tuple[str, str], Handler]:
    """By (group_resource, subresource)."""
    return {}
