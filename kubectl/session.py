"""The connection of one command: kubeconfig, namespace and client, made when first needed."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from kubectl.global_flags import Globals

if TYPE_CHECKING:
    from client.requester import Answer
    from client.rest import Client
    from component_base.kubeconfig import ClientConfig

USER_AGENT = "sampan-kubectl"
DEFAULT_SERVER = "http://localhost:8080"
TRACING = 6
"""The verbosity from which on requests are told."""
TRACING_WATCHES = 5
_TIME_OVER = "context deadline exceeded (Client.Timeout or context cancellation while reading body)"
Result = TypeVar("Result")

_globals = Globals()
_line = ""


def configure(options: Globals, line: str = "") -> None:
    """Called once by main, before any verb runs."""
    global _globals, _line
    _globals, _line = options, line


def command_line() -> str:
    """The whole of it, as --record keeps it."""
    return _line


def options() -> Globals:
    return _globals


@asynccontextmanager
async def connect() -> AsyncIterator[tuple[Client, str]]:
    """The client and the namespace to work in: the flag's, else the context's, else default."""
    from client.rest import Client

    config = configuration()
    trace = tell if _globals.verbosity >= TRACING else None
    seconds = request_seconds(_globals.request_timeout)
    client = Client(config, user_agent=USER_AGENT, seconds=seconds, on_answer=trace)
    client.on_warning = warn
    try:
        if _globals.match_server_version:
            await _match_version(client)
        yield client, _globals.namespace or config.namespace or "default"
    finally:
        await client.aclose()


async def _match_version(client: Client) -> None:
    """Raises CommandError."""
    from component_base.version import GIT_VERSION
    from kubectl.failures import CommandError

    served = (await client.document("/version")).get("gitVersion")
    if served != GIT_VERSION:
        raise CommandError(f"server version ({served}) differs from client version ({GIT_VERSION})")


def configuration() -> ClientConfig:
    """The kubeconfig's, with what flags say in its place. Raises ConfigError."""
    from dataclasses import replace

    from component_base.kubeconfig import load

    chosen = load(
        kubeconfig_path(),
        _globals.context or None,
        cluster=_globals.cluster,
        user=_globals.user,
        default_server=DEFAULT_SERVER,
    )
    return replace(chosen, **_overrides(_globals))


def _overrides(given: Globals) -> dict[str, Any]:
    overrides: dict[str, Any] = {
        "server": given.server if "://" in given.server or not given.server else f"http://{given.server}",
        "tls_server_name": given.tls_server_name,
        "token": given.token,
        "username": given.username,
        "password": given.password,
        "impersonate": given.impersonate,
        "impersonate_groups": tuple(given.impersonate_groups or ()),
        "impersonate_uid": given.impersonate_uid,
        "insecure": given.insecure,
    }
    files = {
        "ca": given.certificate_authority,
        "client_cert": given.client_certificate,
        "client_key": given.client_key,
    }
    overrides |= {name: Path(path).read_bytes() for name, path in files.items() if path}
    return {name: value for name, value in overrides.items() if value}


def request_seconds(text: str) -> float | None:
    """What --request-timeout means; None for no limit. Raises CommandError."""
    from apimachinery.durations import parse_duration
    from kubectl.failures import CommandError

    try:
        return (float(text) if text.isdigit() else parse_duration(text)) or None
    except ValueError:
        raise CommandError(
            "Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by "
            "a corresponding time unit (e.g. 1s | 2m | 3h)"
        ) from None


@asynccontextmanager
async def request_time() -> AsyncIterator[None]:
    """Around a watch, which --request-timeout ends, too; that is no failure."""
    import asyncio

    try:
        async with asyncio.timeout(request_seconds(_globals.request_timeout)):
            yield
    except TimeoutError:
        if _globals.verbosity >= TRACING_WATCHES:
            klog("I", f'"Unable to decode an event from the watch stream" err="{_TIME_OVER}"', "session.py")


def tell(answer: Answer) -> None:
    """What -v 6 and more say of every request."""
    from http import HTTPStatus

    if answer.received is None:
        return
    where = f"https://{answer.host}{answer.path}{answer.query}"
    status = f"{answer.status} {HTTPStatus(answer.status).phrase}"
    took = round(answer.seconds * 1000)
    klog(
        "I",
        f'"Response" verb="{answer.method}" url="{where}" status="{status}" milliseconds={took}',
        "rest.py",
    )


def klog(level: str, message: str, source: str) -> None:
    """A line on stderr in klog's form; `level` is I, W, E or F, `source` a file of kubectl's."""
    import os
    from datetime import datetime

    print(f"{level}{datetime.now():%m%d %H:%M:%S.%f} {os.getpid():7} {source}] {message}", file=sys.stderr)


_warnings = 0


def warn(text: str) -> None:
    """A Warning header of an answer."""
    global _warnings
    _warnings += 1
    print(f"Warning: {text}", file=sys.stderr)


def kubeconfig_path() -> str | None:
    """None lets the client look in its usual places; a cluster of this machine is the last resort."""
    import os

    if _globals.kubeconfig:
        return _globals.kubeconfig
    from component_base.kubeconfig import is_there

    if os.environ.get("KUBECONFIG") or is_there(Path.home() / ".kube/config"):
        return None
    from kubeadm.config import state_dir_from_environment

    local = state_dir_from_environment() / "admin.conf"
    return str(local) if is_there(local) else None


def run(verb: Callable[[Client, str], Coroutine[Any, Any, Result]], *, page_size: int = 0) -> Result:
    """Runs `verb(client, namespace)` in an event loop of its own."""
    import asyncio

    async def connected() -> Result:
        async with connect() as (client, namespace):
            client.page_size = page_size
            return await verb(client, namespace)

    result = asyncio.run(connected())
    if _globals.warnings_as_errors and _warnings:
        from kubectl.failures import CommandError

        raise CommandError(f"{_warnings} warning{'s' if _warnings > 1 else ''} received")
    return result
