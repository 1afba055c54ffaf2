"""The objects that a changing verb works on: by name, by selector, all of a kind, or those of files.

Source: k8s.io/cli-runtime/pkg/resource/builder.go; the messages are kubectl's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from apimachinery.errors import StatusError
from apimachinery.objects import Object, name_of, namespace_of
from kubectl import manifests, session
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


_NAMES_AND_FILES = "resource/name arguments cannot be provided when a path is specified"
_WORDS_AND_FILES = (
    "when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well"
)
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
        return [one async for one, _ in _from_files(mapper, namespace, selection, failures)]
    targets = await mapper.targets(selection.words)
    if not targets:
        raise CommandError(NOTHING_NAMED)
    listed = bool(selection.selector or selection.field_selector or selection.everything)
    if listed and any(target.name for target in targets):
        raise CommandError("name cannot be provided when a selector is specified")
    if not listed and not all(target.name for target in targets):
        raise CommandError("resource(s) were provided, but no name was specified")
    if selection.all_namespaces and any(target.name and target.resource.namespaced for target in targets):
        raise CommandError("a resource cannot be retrieved by name across all namespaces")
    if not listed:
        return [Selected(t, namespace if t.resource.namespaced else "") for t in targets]
    where = "" if selection.all_namespaces else namespace
    chosen = [found for target in targets for found in await _list(client, where, target, selection)]
    if selection.all_namespaces and session.options().namespace:
        for one in chosen:
            if one.namespace:
                raise manifests.elsewhere(one.namespace, "")
    return chosen


async def fetch_all(
    client: Client, namespace: str, selection: Selection, *, local: bool = False
) -> list[tuple[Selected, Object]]:
    """The same objects as they are on the server, or in the files if only these count. Raises what failed."""
    found, failures = await fetch_some(client, namespace, selection, local=local)
    raise_all(failures)
    return found


async def fetch_some(
    client: Client, namespace: str, selection: Selection, *, local: bool = False
) -> tuple[list[tuple[Selected, Object]], list[Exception]]:
    """The objects that are there, and what is wrong with others."""
    failures: list[Exception] = []
    fetching = existing(client, namespace, selection, failures, local=local)
    return [each async for each in fetching], failures


async def existing(
    client: Client, namespace: str, selection: Selection, failures: list[Exception], *, local: bool = False
) -> AsyncIterator[tuple[Selected, Object]]:
    """One by one those that are there; what is wrong with others is added to `failures`, files last."""
    unread: list[Exception] = []
    if local and not selection.filenames:
        raise CommandError(LOCAL_WITHOUT_FILES)
    if local:
        async for each in _from_files(Mapper(client), namespace, selection, unread):
            yield each
    else:
        for one in await resolve(client, namespace, selection, failures=unread):
            try:
                obj = await fetch(client, one)
            except StatusError as error:
                failures.append(error)
            else:
                yield one, obj
    failures += unread


async def for_each(
    client: Client, namespace: str, selection: Selection, work: Work, *, local: bool = False
) -> int:
    """Works on each object, as it is on the server or in the files; one that fails does not stop the others.

    Returns how many there were. Raises what failed.
    """
    count = 0
    failures: list[Exception] = []
    async for one, obj in existing(client, namespace, selection, failures, local=local):
        count += 1
        with collecting(failures):
            await work(one, obj)
    raise_all(failures)
    return count


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


async def _from_files(
    mapper: Mapper, namespace: str, selection: Selection, failures: list[Exception] | None
) -> AsyncIterator[tuple[Selected, Object]]:
    if selection.words:
        slashed = any("/" in word for word in selection.words)
        raise CommandError(_NAMES_AND_FILES if slashed else _WORDS_AND_FILES)
    for manifest in manifests.read(selection.filenames, recursive=selection.recursive, failures=failures):
        try:
            one = await _from_manifest(mapper, namespace, manifest)
        except CommandError as error:
            if failures is None:
                raise
            failures.append(error)
        else:
            yield one, manifest.obj


async def _from_manifest(mapper: Mapper, namespace: str, manifest: manifests.Manifest) -> Selected:
    resource = await manifests.resource_of(mapper, manifest)
    enforced = bool(session.options().namespace)
    placed = manifests.place(manifest.obj, resource, namespace, enforced=enforced)
    if not name_of(placed):
        raise CommandError("resource name may not be empty")
    inside = namespace_of(placed) if resource.namespaced else ""
    return Selected(Target(resource, name_of(placed)), inside, manifest.source)


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
