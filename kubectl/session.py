"""The connection of one command: kubeconfig, namespace and client, made when first needed."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from kubectl.global_flags import Globals

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

    config = replace(load(kubeconfig_path(), _globals.context or None), **_overrides(_globals))
    client = Client(config, user_agent=USER_AGENT)
    client.on_warning = warn
    try:
        yield client, _globals.namespace or config.namespace or "default"
    finally:
        await client.aclose()


def _overrides(given: Globals) -> dict[str, Any]:
    """What flags say in place of the kubeconfig."""
    overrides: dict[str, Any] = {
        "server": given.server,
        "token": given.token,
        "impersonate": given.impersonate,
        "insecure": given.insecure,
        "impersonate_groups": tuple(given.impersonate_groups or ()),
    }
    if given.certificate_authority:
        overrides["ca"] = Path(given.certificate_authority).read_bytes()
    return {name: value for name, value in overrides.items() if value}


def warn(text: str) -> None:
    """A Warning header of an answer."""
    print(f"Warning: {text}", file=sys.stderr)


def kubeconfig_path() -> str | None:
    """None lets the client look in its usual places; a cluster of this machine is the last resort."""
    import os

    if _globals.kubeconfig:
        return _globals.kubeconfig
    if os.environ.get("KUBECONFIG") or (Path.home() / ".kube/config").exists():
        return None
    from kubeadm.config import state_dir_from_environment

    local = state_dir_from_environment() / "admin.conf"
    return str(local) if local.exists() else None


def run(verb: Callable[[Client, str], Coroutine[Any, Any, Result]]) -> Result:
    """Runs `verb(client, namespace)` in an event loop of its own."""
    import asyncio

    async def connected() -> Result:
        async with connect() as (client, namespace):
            return await verb(client, namespace)

    return asyncio.run(connected())
