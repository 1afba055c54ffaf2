"""The connection of one command: kubeconfig, namespace and client, made when first needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from kubectl.arguments import Globals

if TYPE_CHECKING:
    from client.rest import Client

USER_AGENT = "sampan-kubectl"
Result = TypeVar("Result")

_globals = Globals()


def configure(options: Globals) -> None:
    """Called once by main, before any verb runs."""
    global _globals
    _globals = options


def options() -> Globals:
    return _globals


@asynccontextmanager
async def connect() -> AsyncIterator[tuple[Client, str]]:
    """The client and the namespace to work in: the flag's, else the context's, else default."""
    from dataclasses import replace

    from client.kubeconfig import load
    from client.rest import Client

    config = load(kubeconfig_path(), _globals.context or None)
    if _globals.server:
        config = replace(config, server=_globals.server)
    client = Client(config, user_agent=USER_AGENT)
    try:
        yield client, _globals.namespace or config.namespace or "default"
    finally:
        await client.aclose()


def kubeconfig_path() -> str | None:
    """None lets the client look in its usual places; a cluster of this machine is the last resort."""
    import os

    from kubeadm.config import state_dir_from_environment

    if _globals.kubeconfig:
        return _globals.kubeconfig
    usual = os.environ.get("KUBECONFIG") or Path.home() / ".kube/config"
    local = state_dir_from_environment() / "admin.conf"
    if not os.environ.get("KUBECONFIG") and not Path(usual).exists() and local.exists():
        return str(local)
    return None


def run(verb: Callable[[Client, str], Coroutine[Any, Any, Result]]) -> Result:
    """Runs `verb(client, namespace)` in an event loop of its own."""

    async def connected() -> Result:
        async with connect() as (client, namespace):
            return await verb(client, namespace)

    return asyncio.run(connected())


async def gather_in_order(calls: list[Awaitable[Result]]) -> list[Result]:
    """All results, in order; the first failure ends the rest."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_as_coroutine(call)) for call in calls]
    return [task.result() for task in tasks]


async def _as_coroutine(call: Awaitable[Result]) -> Result:
    return await call
