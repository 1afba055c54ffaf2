"""One attempt of any probe: finds out where to, asks, and never raises."""

from __future__ import annotations

from typing import Protocol

from apimachinery.objects import Object
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
                return await probe_exec(
                    self._runtime, container_id, probe["exec"].get("command") or [], limit
                )
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


async def probe_exec(runtime: Runtime, container_id: str, command: list[str], limit: float) -> Attempt:
    try:
        result = await runtime.exec_sync(container_id, command, limit)
    except TimeoutError:
        line = " ".join(command)
        return Attempt(Outcome.FAILURE, f'command timed out: "{line}" timed out after {limit:g}s')
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
    """The probe names a port that the container does not have."""


def port_of(port: int | str, container: Object) -> int:
    """A number, or the name of one of the container's ports."""
    if isinstance(port, int):
        return port
    for each in container.get("ports") or ():
        if each.get("name") == port:
            return int(each["containerPort"])
    if port.isdigit():
        return int(port)
    raise PortError(f"port {port} not found")
