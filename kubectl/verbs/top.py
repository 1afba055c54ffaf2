"""`top`: what nodes and pods use, where something serves metrics.k8s.io."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import orjson

from apimachinery import scheme
from apimachinery.errors import NotFoundError, StatusError
from apimachinery.objects import Object, name_of, namespace_of
from apimachinery.quantity import Quantity
from kubectl import session
from kubectl.arguments import Words
from kubectl.commands import Group
from kubectl.failures import CommandError
from kubectl.flags import AllNamespaces, NoHeaders, Selector
from kubectl.printers.table import align

if TYPE_CHECKING:
    from client.rest import Client

_BASE = "/apis/metrics.k8s.io/v1beta1"
_MEBI = 1024 * 1024
ZERO = Quantity()


def pods(
    name: Annotated[str, Words("[NAME | -l label]")] = "",
    all_namespaces: AllNamespaces = False,
    selector: Selector = "",
    no_headers: NoHeaders = False,
) -> None:
    """Display resource (CPU/memory) usage of pods."""

    async def run(client: Client, namespace: str) -> list[Object]:
        inside = "" if all_namespaces else f"/namespaces/{namespace}"
        return await _metrics(client, f"{_BASE}{inside}/pods", name, selector)

    heading = [*(["NAMESPACE"] * all_namespaces), "NAME", "CPU(cores)", "MEMORY(bytes)"]
    rows = [] if no_headers else [heading]
    for each in sorted(session.run(run), key=lambda one: (namespace_of(one), name_of(one))):
        used = [_sum(each, resource) for resource in ("cpu", "memory")]
        rows.append([*([namespace_of(each)] * all_namespaces), name_of(each), *_amounts(*used)])
    print(align(rows), end="")


def nodes(
    name: Annotated[str, Words("[NAME | -l label]")] = "",
    selector: Selector = "",
    no_headers: NoHeaders = False,
) -> None:
    """Display resource (CPU/memory) usage of nodes."""

    async def run(client: Client, _: str) -> tuple[list[Object], dict[str, Object]]:
        metrics = await _metrics(client, f"{_BASE}/nodes", name, selector)
        listed = await client.list(scheme.NODES)
        return metrics, {
            name_of(each): (each.get("status") or {}).get("allocatable") or {} for each in listed["items"]
        }

    metrics, rooms = session.run(run)
    rows = [] if no_headers else [["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"]]
    for each in sorted(metrics, key=name_of):
        usage, room = each["usage"], rooms.get(name_of(each), {})
        used = [Quantity.parse(usage[resource]) for resource in ("cpu", "memory")]
        whole = [Quantity.parse(room.get(resource, "0")) for resource in ("cpu", "memory")]
        shares = [
            f"{int(u.nanos * 100 / w.nanos)}%" if w else "<unknown>" for u, w in zip(used, whole, strict=True)
        ]
        cpu, memory = _amounts(*used)
        rows.append([name_of(each), cpu, shares[0], memory, shares[1]])
    print(align(rows), end="")


async def _metrics(client: Client, path: str, name: str, selector: str) -> list[Object]:
    try:
        await client.request("GET", _BASE)
    except (NotFoundError, StatusError):
        raise CommandError("Metrics API not available") from None
    params = {"labelSelector": selector} if selector else None
    answer = orjson.loads(await client.request("GET", f"{path}/{name}" if name else path, params=params))
    return [answer] if name else list(answer["items"])


def _sum(pod: Object, resource: str) -> Quantity:
    return sum((Quantity.parse(each["usage"][resource]) for each in pod["containers"]), ZERO)


def _amounts(cpu: Quantity, memory: Quantity) -> list[str]:
    return [f"{cpu.milli_value()}m", f"{memory.value() // _MEBI}Mi"]


top = Group(
    "Display resource (CPU/memory) usage.",
    {"node": nodes, "pod": pods},
    {"nodes": "node", "no": "node", "pods": "pod", "po": "pod"},
)
