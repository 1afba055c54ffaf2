"""Commands in running containers, and joining a container's own streams."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Sequence
from contextlib import suppress

from component_base.backoff import exponential
from kubelet.runtime.docker.connection import Connector, Request, path_of
from kubelet.runtime.docker.engine import Engine
from kubelet.runtime.docker.streams import DockerStream
from kubelet.runtime.interface import ContainerRuntimeError, ExecResult

log = logging.getLogger(__name__)

_REFUSAL = b"OCI runtime exec failed"
_LOOKS, _FIRST_LOOK, _LAST_LOOK = 10, 0.05, 2.0
"""How often a command that is to be killed is looked at until it begins, and seconds between: 11 in all."""


async def run(
    connector: Connector,
    docker_id: str,
    command: Sequence[str],
    *,
    stdin: bool = False,
    stdout: bool = True,
    stderr: bool = True,
    tty: bool = False,
) -> tuple[str, DockerStream]:
    """The exec's id and its streams."""
    wanted = {
        "Cmd": list(command),
        "AttachStdin": stdin,
        "AttachStdout": stdout,
        # A terminal has but one output.
        "AttachStderr": stderr and not tty,
        "Tty": tty,
    }
    exec_id: str = (await connector.ask("POST", f"/containers/{docker_id}/exec", wanted))["Id"]
    start = Request("POST", f"/exec/{exec_id}/start", {"Detach": False, "Tty": tty}, upgrade=True)
    connection = await connector.open(start)

    async def resize(width: int, height: int) -> None:
        await connector.ask("POST", path_of(f"/exec/{exec_id}/resize", h=height, w=width))

    async def wait() -> int:
        return int((await connector.ask("GET", f"/exec/{exec_id}/json")).get("ExitCode") or 0)

    return exec_id, DockerStream(connection, tty=tty, resize=resize, wait=wait)


async def run_to_end(
    connector: Connector, docker_id: str, command: Sequence[str], limit: float
) -> ExecResult:
    """Raises TimeoutError after limit seconds, when it kills the command, and an error if it cannot begin."""
    exec_id, stream = await run(connector, docker_id, command)
    try:
        async with asyncio.timeout(limit):
            pieces = []
            while (piece := await stream.read()) is not None:
                pieces.append(piece[1])
            result = ExecResult(await stream.wait(), b"".join(pieces))
    except TimeoutError:
        await kill(connector, exec_id)
        raise
    finally:
        await stream.aclose()
    check_begun(result)
    return result


def check_begun(result: ExecResult) -> None:
    """Docker prints runc's refusal as if it were the command's; a probe must not take it for an answer."""
    if result.exit_code in (126, 127) and result.output.startswith(_REFUSAL):
        words = result.output.decode(errors="replace").strip()
        raise ContainerRuntimeError(f"failed to exec in container: failed to start exec: {words}")


async def kill(connector: Connector, exec_id: str) -> None:
    """Docker cannot end an exec; its process is one of this machine's, and may be about to begin."""
    for attempt in range(_LOOKS):
        state = await connector.ask("GET", f"/exec/{exec_id}/json")
        if pid := state["Pid"]:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
            return
        if state["ExitCode"] is not None:
            return
        await asyncio.sleep(exponential(_FIRST_LOOK, _LAST_LOOK, attempt))
    log.warning("A command whose time was up did not begin, and may run on: exec=%s", exec_id)


async def attach(
    connector: Connector, engine: Engine, docker_id: str, *, stdin: bool, stdout: bool, stderr: bool
) -> DockerStream:
    path = path_of(f"/containers/{docker_id}/attach", stream=True, stdin=stdin, stdout=stdout, stderr=stderr)
    inspected = await engine.inspect(docker_id)
    if not inspected["State"]["Running"]:
        raise ContainerRuntimeError(f"Container {docker_id} is not running")
    connection = await connector.open(Request("POST", path, upgrade=True))

    async def resize(width: int, height: int) -> None:
        await connector.ask("POST", path_of(f"/containers/{docker_id}/resize", h=height, w=width))

    async def wait() -> int:
        return int((await connector.ask("POST", f"/containers/{docker_id}/wait"))["StatusCode"])

    return DockerStream(connection, tty=inspected["Config"]["Tty"], resize=resize, wait=wait)
