"""The objects that a changing verb works on: by name, by selector, all of a kind, or those of files.

Source: k8s.io/cli-runtime/pkg/resource/builder.go; the messages are kubectl's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from apimachinery.errors import StatusError
from apimachinery.objects import Object
from kubectl import manifests
from kubectl.failures import CommandError
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


async def resolve(client: Client, namespace: str, selection: Selection) -> list[Selected]:
    """The objects, in order; names are not checked to exist, selectors are listed. Raises CommandError."""
    mapper = Mapper(client)
    if selection.filenames:
        return [
            (await _from_manifest(mapper, namespace, each.obj))._replace(source=each.source)
            for each in manifests.read(selection.filenames, recursive=selection.recursive)
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
    if local:
        if not selection.filenames:
            raise CommandError(LOCAL_WITHOUT_FILES)
        mapper = Mapper(client)
        loaded = manifests.load(selection.filenames, recursive=selection.recursive)
        return [(await _from_manifest(mapper, namespace, obj), obj) for obj in loaded]
    return [(one, await fetch(client, one)) for one in await resolve(client, namespace, selection)]


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
