"""`events`: what happened, oldest first, of everything or of one object."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, NamedTuple

from apimachinery import scheme
from apimachinery.objects import Object, namespace_of
from kubectl import printers, session
from kubectl.arguments import Flag
from kubectl.describe.events import interval, last_seen
from kubectl.describe.values import now
from kubectl.failures import CommandError
from kubectl.flags import AllNamespaces, ChunkSize, NoHeaders
from kubectl.printers import AS_IS, Printing
from kubectl.printers.table import Columns
from kubectl.resources import Mapper

if TYPE_CHECKING:
    from client.rest import Client


class EventFlags(NamedTuple):
    """Which events, and how they are told."""

    all_namespaces: AllNamespaces = False
    about: Annotated[str, Flag("--for", help="Only those of TYPE/NAME.")] = ""
    types: Annotated[list[str] | None, Flag("--types", commas=True, help="Normal, Warning.")] = None
    watch: Annotated[bool, Flag("--watch", "-w", help="Go on as they come.")] = False
    no_headers: NoHeaders = False
    chunk_size: ChunkSize = 500
    printing: Printing = AS_IS

    def shows(self, event: Object) -> bool:
        wanted = [each.lower() for each in self.types or ()]
        return not wanted or str(event.get("type", "")).lower() in wanted


def events(flags: EventFlags) -> None:
    """List events."""
    if any(each.lower() not in ("normal", "warning") for each in flags.types or ()):
        raise CommandError("valid --types are Normal or Warning")
    session.run(
        lambda client, namespace: _events(client, "" if flags.all_namespaces else namespace, flags),
        page_size=flags.chunk_size,
    )


async def _events(client: Client, namespace: str, flags: EventFlags) -> None:
    selector = await _selector(client, flags.about) if flags.about else None
    listed = await client.list(scheme.EVENTS, namespace or None, field_selector=selector)
    found = sorted(filter(flags.shows, listed["items"]), key=last_seen)
    teller = Teller(flags)
    if found:
        teller.tell(found)
    elif not flags.watch:
        where = f" in {namespace} namespace" if namespace else ""
        print(f"No events found{where}.", file=sys.stderr)
    if not flags.watch:
        return
    version = listed["metadata"]["resourceVersion"]
    watching = client.watch(
        scheme.EVENTS, namespace or None, resource_version=version, field_selector=selector
    )
    async with session.request_time():
        async for kind, event in watching:
            if kind in ("ADDED", "MODIFIED") and flags.shows(event):
                teller.tell([event])


async def _selector(client: Client, about: str) -> str:
    (target,) = await Mapper(client).targets([about])
    return f"involvedObject.kind={target.resource.kind},involvedObject.name={target.name}"


class Teller:
    """Prints events; the heading once."""

    def __init__(self, flags: EventFlags) -> None:
        self._flags = flags
        self._columns = Columns()
        self._heading = not flags.no_headers

    def tell(self, events: list[Object]) -> None:
        if self._flags.printing:
            shown = [{"apiVersion": "v1", "kind": "Event", **each} for each in events]
            print(printers.render(shown, self._flags.printing, as_list=not self._flags.watch), end="")
            return
        rows = [self._row(each) for each in events]
        if self._heading:
            heading = ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
            rows.insert(0, ["NAMESPACE", *heading] if self._flags.all_namespaces else heading)
        self._heading = False
        print(self._columns.align(rows), end="")

    def _row(self, event: Object) -> list[str]:
        about = event["involvedObject"]
        row = [
            interval(event, now()),
            event.get("type", ""),
            event.get("reason", ""),
            f"{about.get('kind', '')}/{about.get('name', '')}",
            event.get("message", "").strip(),
        ]
        return [namespace_of(event), *row] if self._flags.all_namespaces else row
