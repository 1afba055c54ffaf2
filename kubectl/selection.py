"""The objects that a changing verb works on: by name, by selector, all of a kind, or those of files.

Source: k8s.io/cli-runtime/pkg/resource/builder.go; the messages are kubectl's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from apimachinery.errors import StatusError
from apimachinery.objects import Object
from kubectl import manifests
from kubectl.failures import CommandError, raise_all
from kubectl.resources import Mapper, Target, explained

if TYPE_CHECKING:
    from client.rest import Client


NOTHING_NAMED = """You must provide one or more resources by argument or filename.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'
   '<resource> <name>'
   '<resource>'"""


LOCAL_WITHOUT_FILES = """you must specify resources by --filename when --local is set.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'"""


class Selection(NamedTuple):
    """What the user named. `everything` is `--all`."""

    words: Sequence[str] = ()
    filenames: Sequence[str] = ()
    selector: str = ""
    field_selector: str = ""
    everything: bool = False
    all_namespaces: bool = False
    recursive: bool = False


class Selected(NamedTuple):
    """One object to work on; `namespace` is empty for cluster-wide ones."""

    target: Target
    namespace: str
    source: str = ""
    """The file that it is from."""

    @property
    def label(self) -> str:
        return self.target.label


Work = Callable[[Selected, Object], Awaitable[None]]


async def resolve(
    client: Client, namespace: str, selection: Selection, *, failures: list[Exception] | None = None
) -> list[Selected]:
    """The objects, in order; names are not checked to exist, selectors are listed. Raises CommandError.

    What is wrong with one of several files is added to `failures`, if there are such.
    """
    mapper = Mapper(client)
    if selection.filenames:
        found = manifests.read(selection.filenames, recursive=selection.recursive, failures=failures)
        return [
            (await _from_manifest(mapper, namespace, each.obj))._replace(source=each.source) for each in found
        ]
    targets = await mapper.targets(selection.words)
    if not targets:
        raise CommandError(NOTHING_NAMED)
    listed = bool(selection.selector or selection.field_selector or selection.everything)
    if listed and any(target.name for target in targets):
        raise CommandError("name cannot be provided when a selector is specified")
    if not listed and not all(target.name for target in targets):
        raise CommandError("resource(s) were provided, but no name was specified")
    if not listed:
        return [Selected(t, namespace if t.resource.namespaced else "") for t in targets]
    where = "" if selection.all_namespaces else namespace
    return [found for target in targets for found in await _list(client, where, target, selection)]


async def fetch_all(
    client: Client, namespace: str, selection: Selection, *, local: bool = False
) -> list[tuple[Selected, Object]]:
    """The same objects as they are on the server, or in the files if only these count. Raises StatusError."""
    found: list[tuple[Selected, Object]] = []

    async def keep(one: Selected, obj: Object) -> None:
        found.append((one, obj))

    await for_each(client, namespace, selection, keep, local=local)
    return found


async def for_each(
    client: Client, namespace: str, selection: Selection, work: Work, *, local: bool = False
) -> None:
    """Works on each object, as it is on the server or in the files; one that fails does not stop the others.

    Raises what failed.
    """
    failures: list[Exception] = []
    unread: list[Exception] = []
    if local and not selection.filenames:
        raise CommandError(LOCAL_WITHOUT_FILES)
    if local:
        mapper = Mapper(client)
        found = manifests.read(selection.filenames, recursive=selection.recursive, failures=unread)
        for obj in (each.obj for each in found):
            with collecting(failures):
                await work(await _from_manifest(mapper, namespace, obj), obj)
    else:
        for one in await resolve(client, namespace, selection, failures=unread):
            with collecting(failures):
                await work(one, await fetch(client, one))
    raise_all([*failures, *unread])


@contextmanager
def collecting(failures: list[Exception]) -> Iterator[None]:
    try:
        yield
    except (StatusError, CommandError) as error:
        failures.append(error)


async def fetch(client: Client, one: Selected) -> Object:
    """The object as it is on the server, with its apiVersion and kind."""
    resource = one.target.resource
    found = await client.get(resource, one.target.name, one.namespace or None)
    return {"apiVersion": resource.api_version, "kind": resource.kind, **found}


async def _from_manifest(mapper: Mapper, namespace: str, obj: Object) -> Selected:
    resource = await mapper.by_kind(obj["apiVersion"], obj["kind"])
    metadata = obj.get("metadata") or {}
    name = metadata.get("name", "")
    if not name:
        raise CommandError("resource name may not be empty")
    inside = metadata.get("namespace") or namespace
    return Selected(Target(resource, name), inside if resource.namespaced else "")


async def _list(client: Client, namespace: str, target: Target, selection: Selection) -> list[Selected]:
    try:
        answer = await client.list(
            target.resource,
            namespace or None,
            label_selector=selection.selector or None,
            field_selector=selection.field_selector or None,
        )
    except StatusError as error:
        raise explained(error, target.resource, selection.selector, selection.field_selector) from None
    return [
        Selected(Target(target.resource, item["metadata"]["name"]), item["metadata"].get("namespace", ""))
        for item in answer["items"]
    ]
