"""`patch`: a strategic merge, JSON merge or JSON patch from the command line or a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from apimachinery.objects import Object
from apimachinery.serialize import from_json, from_yaml_all, to_json
from kubectl import dry_run, printers, recording, session
from kubectl.arguments import Flag, Words
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError
from kubectl.flags import Dry, FieldManager, Filenames, Local, Record, Recursive, Subresource
from kubectl.patching import CONTENT_TYPES, patched
from kubectl.printers import AS_IS, Printing
from kubectl.selection import Selected, Selection, for_each

if TYPE_CHECKING:
    from client.rest import Client


def patch(
    words: Annotated[list[str], Words("(-f FILENAME | TYPE NAME)")],
    text: Annotated[str, Flag("--patch", "-p", help="The patch, JSON or YAML.")] = "",
    patch_file: Annotated[str, Flag("--patch-file", help="A file that holds the patch.")] = "",
    kind: Annotated[str, Flag("--type", help="json, merge or strategic.")] = "strategic",
    filename: Filenames = None,
    recursive: Recursive = False,
    subresource: Subresource = "",
    local: Local = False,
    field_manager: FieldManager = "",
    record: Record = False,
    printing: Printing = AS_IS,
    dry: Dry = "none",
) -> None:
    """Update fields of a resource."""
    if kind not in CONTENT_TYPES:
        raise CommandError(f'--type must be one of [json merge strategic], not "{kind}"')
    if not text and not patch_file:
        raise CommandError("must specify --patch or --patch-file containing the contents of the patch")
    body = _parse(Path(patch_file).read_text() if patch_file else text)
    mode = DryRun.CLIENT if local else dry_run.parse(dry)
    recording.warn(record)
    selection = Selection(words, filename or (), recursive=recursive)

    async def run(client: Client, namespace: str) -> None:
        params = {"fieldManager": field_manager or "kubectl-patch", **mode.parameters}

        async def patch_one(one: Selected, before: Object) -> None:
            if mode is DryRun.CLIENT:
                after = patched(before, from_json(body), kind)
            else:
                path = one.target.resource.path(one.namespace or None, one.target.name, subresource or None)
                headers = {"content-type": CONTENT_TYPES[kind]}
                after = from_json(
                    await client.request("PATCH", path, body=body, headers=headers, params=params)
                )
                after = await recording.record_change(client, one, after, params, record)
            if printing:
                print(printers.render([after], printing), end="")
            else:
                unchanged = before == after and not subresource and not filename
                note = " (no change)" if unchanged else ""
                print(f"{one.label} patched{mode.suffix}{note}")

        if not await for_each(client, namespace, selection, patch_one, local=local):
            raise CommandError("no objects passed to patch")

    session.run(run)


def _parse(text: str) -> bytes:
    """The patch; what begins like JSON is for the server to judge."""
    if text.lstrip().startswith(("{", "[")):
        return text.encode()
    try:
        documents = from_yaml_all(text)
    except ValueError as error:
        raise CommandError(f'unable to parse "{text}": {error}') from None
    if len(documents) != 1:
        raise CommandError(f'unable to parse "{text}": one patch is wanted')
    return to_json(documents[0])
