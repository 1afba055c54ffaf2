"""`port-forward`: local ports joined to ports of a pod, of a workload's, or of a Service's."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

from apimachinery import scheme
from apimachinery.objects import Object, name_of
from apimachinery.pods import phase_of
from kubectl import session
from kubectl.arguments import Flag, UsageError, Words
from kubectl.attaching import PodRunningTimeout
from kubectl.failures import CommandError
from kubectl.pods import first_pod
from kubectl.portforward import ports
from kubectl.resources import Mapper, Target

if TYPE_CHECKING:
    from client.rest import Client

PROTOCOL = "SPDY/3.1+portforward.k8s.io"


def port_forward(
    words: Annotated[list[str], Words("TYPE/NAME [LOCAL_PORT:]REMOTE_PORT...")],
    address: Annotated[
        list[str] | None, Flag("--address", commas=True, help="Where to listen: localhost, or IP addresses.")
    ] = None,
    timeout: PodRunningTimeout = 60.0,
) -> None:
    """Forward one or more local ports to a pod."""
    if len(words) < 2:
        what = "TYPE/NAME and list of ports are required for port-forward"
        raise UsageError(what, "port-forward", "examples")

    async def run(client: Client, namespace: str) -> None:
        await _forward(client, namespace, words, address or ["localhost"], timeout)

    with suppress(KeyboardInterrupt):
        session.run(run)


async def _forward(
    client: Client, namespace: str, words: list[str], addresses: list[str], seconds: float
) -> None:
    from component_base.spdy.connection import Connection
    from component_base.websocket import WebSocketTunnel
    from kubectl.portforward.forwarder import Forwarder
    from kubectl.upgrading import open_websocket

    word, *wanted = words
    target = (await Mapper(client).targets([word]))[0] if "/" in word else Target(scheme.PODS, word)
    pod = await first_pod(client, namespace, target, seconds)
    pairs = await _pairs(client, namespace, target, wanted, pod)
    if phase_of(pod) != "Running":
        raise CommandError(
            f"unable to forward port because pod is not running. Current status={phase_of(pod)}"
        )
    path = scheme.PODS.path(namespace, name_of(pod), "portforward")
    socket = await open_websocket(client, path, [PROTOCOL])
    await Forwarder(Connection(WebSocketTunnel(socket), is_client=True), pairs, addresses).run()


async def _pairs(
    client: Client, namespace: str, target: Target, wanted: list[str], pod: Object
) -> list[ports.Pair]:
    if target.resource.kind != "Service":
        return ports.of_pod(wanted, pod)
    return ports.of_service(wanted, await client.get(target.resource, target.name, namespace), pod)
