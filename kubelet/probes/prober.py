"""One attempt of any probe: finds out where to, asks, and never raises."""

from __future__ import annotations

from typing import Protocol

from apimachinery.durations import format_duration
from apimachinery.objects import Object
from kubelet.containers.expansion import expand
from kubelet.probes.grpc import probe_grpc
from kubelet.probes.http import HttpGet, probe_http
from kubelet.probes.outcome import Attempt, Outcome
from kubelet.probes.tcp import probe_tcp
from kubelet.runtime.interface import ContainerRuntimeError, Runtime

MAX_OUTPUT = 10 * 1024


class Prober(Protocol):
    """The seam: the network and the engine, or (hollow nodes) a rule."""

    async def probe(
        self, probe: Object, container: Object, container_id: str, pod_ip: str, limit: float
    ) -> Attempt: ...


class NodeProber:
    """Asks for real: HTTP, TCP and gRPC from the node, commands through the engine."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def probe(
        self, probe: Object, container: Object, container_id: str, pod_ip: str, limit: float
    ) -> Attempt:
        try:
            if "exec" in probe:
                return await probe_exec(self._runtime, container_id, command_of(probe, container), limit)
            if "httpGet" in probe:
                return await probe_http(http_get(probe["httpGet"], container, pod_ip), limit)
            if "tcpSocket" in probe:
                action = probe["tcpSocket"]
                return await probe_tcp(
                    action.get("host") or pod_ip, port_of(action["port"], container), limit
                )
            if "grpc" in probe:
                action = probe["grpc"]
                return await probe_grpc(pod_ip, action["port"], action.get("service") or "", limit)
        except PortError as error:
            return Attempt(Outcome.UNKNOWN, str(error))
        return Attempt(Outcome.UNKNOWN, f"missing probe handler for {container['name']}")


def command_of(probe: Object, container: Object) -> list[str]:
    """Of an exec probe, with what the container's environment says outright."""
    known = {each["name"]: each.get("value") or "" for each in container.get("env") or ()}
    return [expand(word, known) for word in probe["exec"].get("command") or ()]


async def probe_exec(runtime: Runtime, container_id: str, command: list[str], limit: float) -> Attempt:
    try:
        result = await runtime.exec_sync(container_id, command, limit)
    except TimeoutError:
        line = " ".join(command)
        after = format_duration(limit)
        return Attempt(Outcome.FAILURE, f'command timed out: "{line}" timed out after {after}')
    except ContainerRuntimeError as error:
        return Attempt(Outcome.UNKNOWN, str(error))
    output = result.output[:MAX_OUTPUT].decode(errors="replace")
    return Attempt(Outcome.SUCCESS if result.exit_code == 0 else Outcome.FAILURE, output)


def http_get(action: Object, container: Object, pod_ip: str) -> HttpGet:
    return HttpGet(
        host=action.get("host") or pod_ip,
        port=port_of(action["port"], container),
        path=action.get("path") or "/",
        scheme=(action.get("scheme") or "HTTP").lower(),
        headers=tuple((each["name"], each.get("value") or "") for each in action.get("httpHeaders") or ()),
    )


class PortError(Exception):
    """The probe names a port that the container does not have; Go's words."""


def port_of(port: int | str, container: Object) -> int:
    """A number, or the name of one of the container's ports. Raises PortError."""
    found = port if isinstance(port, int) else _port_named(port, container)
    if not 0 < found < 65536:
        raise PortError(f"invalid port number: {found}")
    return found


def _port_named(name: str, container: Object) -> int:
    for each in container.get("ports") or ():
        if each.get("name") == name:
            return int(each["containerPort"])
    if name.isdigit():
        return int(name)
    raise PortError(f'strconv.Atoi: parsing "{name}": invalid syntax')
