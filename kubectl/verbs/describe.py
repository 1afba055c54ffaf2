"""`describe`: objects told in full, with what belongs to them and what happened to them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from apimachinery.errors import NotFoundError
from apimachinery.objects import Object, name_of
from apimachinery.scheme import Resource
from kubectl import session
from kubectl.arguments import Flag, Words
from kubectl.failures import CommandError, raise_all
from kubectl.flags import AllNamespaces, ChunkSize, Filenames, Recursive, Selector
from kubectl.resources import Mapper, Target
from kubectl.selection import Selection, collecting, existing

if TYPE_CHECKING:
    from client.rest import Client


def describe(
    words: Annotated[list[str], Words("(-f FILENAME | TYPE [NAME_PREFIX | -l label] | TYPE/NAME)")],
    filename: Filenames = None,
    recursive: Recursive = False,
    selector: Selector = "",
    all_namespaces: AllNamespaces = False,
    chunk_size: ChunkSize = 500,
    show_events: Annotated[bool, Flag("--show-events", help="What happened, at the end.")] = True,
) -> None:
    """Show details of a specific resource or group of resources."""
    selection = Selection(words, filename or (), selector, all_namespaces=all_namespaces, recursive=recursive)
    if not words and not filename:
        raise CommandError(
            'You must specify the type of resource to describe. Use "sampan api-resources" for a complete '
            "list of supported resources."
        )
    session.run(
        lambda client, namespace: _describe(client, namespace, selection, show_events), page_size=chunk_size
    )


async def _describe(client: Client, namespace: str, selection: Selection, show_events: bool) -> None:
    failures: list[Exception] = []
    found = await _objects(client, namespace, selection, failures)
    if not found and not failures:
        where = "" if selection.all_namespaces else f" in {namespace} namespace"
        print(f"No resources found{where}{'.' if where else ''}", file=sys.stderr)
    texts = [await _text(client, resource, obj, show_events) for resource, obj in found]
    print("\n\n".join(texts), end="")
    raise_all(failures)


async def _text(client: Client, resource: Resource, obj: Object, show_events: bool) -> str:
    from kubectl.describe import description_of, render
    from kubectl.describe.related import events_of
    from kubectl.describe.values import now

    obj = {"apiVersion": resource.api_version, "kind": resource.kind, **obj}
    description = description_of(resource.group_kind)
    related = await description.fetch(client, obj)
    events = await events_of(client, obj) if show_events and description.events else None
    return render(description, obj, related, events, now())


async def _objects(
    client: Client, namespace: str, selection: Selection, failures: list[Exception]
) -> list[tuple[Resource, Object]]:
    """What is there; what is wrong with others is added to `failures`."""
    mapper = Mapper(client)
    if selection.filenames:
        fetching = existing(client, namespace, selection, failures)
        return [(one.target.resource, obj) async for one, obj in fetching]
    targets = await mapper.targets(selection.words)
    if selection.selector and any(target.name for target in targets):
        raise CommandError("name cannot be provided when a selector is specified")
    where = "" if selection.all_namespaces else namespace
    found: list[tuple[Resource, Object]] = []
    for target in targets:
        with collecting(failures):
            objects = await _matching(client, target, where, selection.selector)
            found += [(target.resource, obj) for obj in objects]
    return found


async def _matching(client: Client, target: Target, namespace: str, selector: str) -> Sequence[Object]:
    if target.name:
        return await _named(client, target.resource, target.name, namespace)
    listed = await client.list(target.resource, namespace or None, label_selector=selector or None)
    objects: list[Object] = listed["items"]
    return objects


async def _named(client: Client, resource: Resource, name: str, namespace: str) -> Sequence[Object]:
    """The object of that name, or all whose names begin with it."""
    try:
        return [await client.get(resource, name, namespace or None)]
    except NotFoundError:
        listed = await client.list(resource, namespace or None)
        matching = [obj for obj in listed["items"] if name_of(obj).startswith(name)]
        if not matching:
            raise
        return matching
