"""`top`: what nodes and pods use, where something serves metrics.k8s.io."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, NamedTuple

from apimachinery import scheme
from apimachinery.errors import StatusError
from apimachinery.objects import Object, name_of, namespace_of
from apimachinery.quantity import Quantity
from kubectl import session
from kubectl.arguments import Flag, Words
from kubectl.commands import Group
from kubectl.failures import CommandError
from kubectl.flags import AllNamespaces, FieldSelector, NoHeaders, Selector
from kubectl.printers.table import align

if TYPE_CHECKING:
    from client.rest import Client

Name = Annotated[str, Words("[NAME | -l label]")]
SortBy = Annotated[str, Flag("--sort-by", help="cpu or memory, the most first.")]
ProtocolBuffers = Annotated[bool, Flag("--use-protocol-buffers", hidden=True)]

_BASE = "/apis/metrics.k8s.io/v1beta1"
_MEBI = 1024 * 1024
ZERO = Quantity()


class Usage(NamedTuple):
    """Of CPU and memory."""

    cpu: Quantity = ZERO
    memory: Quantity = ZERO

    @classmethod
    def of(cls, usage: Object) -> Usage:
        return cls(*(Quantity.parse(usage.get(each, "0")) for each in ("cpu", "memory")))

    @property
    def cells(self) -> list[str]:
        return [f"{self.cpu.milli_value()}m", f"{self.memory.value() // _MEBI}Mi"]


def pods(
    name: Name = "",
    all_namespaces: AllNamespaces = False,
    selector: Selector = "",
    field_selector: FieldSelector = "",
    containers: Annotated[bool, Flag("--containers", help="Each container on a line of its own.")] = False,
    total: Annotated[bool, Flag("--sum", help="All together at the end.")] = False,
    sort_by: SortBy = "",
    no_headers: NoHeaders = False,
    protocol_buffers: ProtocolBuffers = True,
) -> None:
    """Display resource (CPU/memory) usage of pods."""
    _check(sort_by)

    async def run(client: Client, namespace: str) -> list[Object]:
        inside = "" if all_namespaces else f"/namespaces/{namespace}"
        return await _metrics(client, f"{_BASE}{inside}/pods", name, selector, field_selector)

    found = [(each, pod_usage(each)) for each in session.run(run)]
    found.sort(key=lambda one: (*_rank(one[1], sort_by), namespace_of(one[0]), name_of(one[0])))
    first = ["NAMESPACE"] * all_namespaces + (["POD", "NAME"] if containers else ["NAME"])
    rows = [] if no_headers else [[*first, "CPU(cores)", "MEMORY(bytes)"]]
    for pod, usage in found:
        names = [*([namespace_of(pod)] * all_namespaces), name_of(pod)]
        if containers:
            rows += [[*names, each["name"], *Usage.of(each["usage"]).cells] for each in pod["containers"]]
        else:
            rows.append([*names, *usage.cells])
    if total and found:
        empty = [""] * (len(first) - 1)
        rows += [[*empty, "", "________", "________"], [*empty, "", *_total(u for _, u in found).cells]]
    print(align(rows), end="")


def pod_usage(pod: Object) -> Usage:
    """What its containers use together."""
    return _total(Usage.of(each["usage"]) for each in pod["containers"])


def _total(usages: Iterable[Usage]) -> Usage:
    cpu, memory = zip(*usages, strict=True)
    return Usage(sum(cpu, ZERO), sum(memory, ZERO))


def _rank(usage: Usage, sort_by: str) -> tuple[int, ...]:
    return {"cpu": (-usage.cpu.nanos,), "memory": (-usage.memory.nanos,)}.get(sort_by, ())


def _check(sort_by: str) -> None:
    if sort_by not in ("", "cpu", "memory"):
        raise CommandError("--sort-by accepts only cpu or memory")


def nodes(
    name: Name = "",
    selector: Selector = "",
    sort_by: SortBy = "",
    capacity: Annotated[bool, Flag("--show-capacity", help="Shares of the whole capacity.")] = False,
    no_headers: NoHeaders = False,
    protocol_buffers: ProtocolBuffers = True,
) -> None:
    """Display resource (CPU/memory) usage of nodes."""
    _check(sort_by)
    whole = "capacity" if capacity else "allocatable"

    async def run(client: Client, _: str) -> tuple[list[Object], dict[str, Object]]:
        metrics = await _metrics(client, f"{_BASE}/nodes", name, selector)
        listed = await client.list(scheme.NODES)
        return metrics, {name_of(each): each["status"].get(whole) or {} for each in listed["items"]}

    metrics, rooms = session.run(run)
    found = [(name_of(each), Usage.of(each["usage"])) for each in metrics]
    found.sort(key=lambda one: (*_rank(one[1], sort_by), one[0]))
    rows = [] if no_headers else [["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"]]
    for node, usage in found:
        cpu, memory = usage.cells
        shares = _shares(usage, Usage.of(rooms.get(node, {})))
        rows.append([node, cpu, shares[0], memory, shares[1]])
    print(align(rows), end="")


def _shares(usage: Usage, room: Usage) -> list[str]:
    pairs = zip(usage, room, strict=True)
    return [f"{int(used.nanos * 100 / all_.nanos)}%" if all_ else "<unknown>" for used, all_ in pairs]


async def _metrics(
    client: Client, path: str, name: str, selector: str, field_selector: str = ""
) -> list[Object]:
    try:
        await client.request("GET", _BASE)
    except StatusError:
        raise CommandError("Metrics API not available") from None
    chosen = {"labelSelector": selector or None, "fieldSelector": field_selector or None}
    answer = await client.document(f"{path}/{name}" if name else path, params=chosen)
    return [answer] if name else list(answer["items"])


top = Group(
    "Display resource (CPU/memory) usage.",
    {"node": nodes, "pod": pods},
    {"nodes": "node", "no": "node", "pods": "pod", "po": "pod"},
)
