"""`patch`: a strategic merge, JSON merge or JSON patch from the command line or a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from apimachinery.serialize import from_json, from_yaml_all, to_json
from kubectl import dry_run, printers, session
from kubectl.arguments import Flag, Words
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError
from kubectl.flags import Dry, Filenames, Subresource
from kubectl.printers import AS_IS, Printing
from kubectl.selection import Selection, resolve

if TYPE_CHECKING:
    from client.rest import Client

TYPES = {
    "strategic": "application/strategic-merge-patch+json",
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
}


def patch(
    words: Annotated[list[str] | None, Words("TYPE NAME | TYPE/NAME")] = None,
    text: Annotated[str, Flag("--patch", "-p", help="The patch, JSON or YAML.")] = "",
    patch_file: Annotated[str, Flag("--patch-file")] = "",
    kind: Annotated[str, Flag("--type", help="json, merge or strategic.")] = "strategic",
    filename: Filenames = None,
    subresource: Subresource = "",
    printing: Printing = AS_IS,
    dry: Dry = "none",
) -> None:
    """Update fields of a resource."""
    if kind not in TYPES:
        raise CommandError(f'--type must be one of [json merge strategic], not "{kind}"')
    if not text and not patch_file:
        raise CommandError("must specify --patch or --patch-file containing the contents of the patch")
    body = _parse(Path(patch_file).read_text() if patch_file else text)
    mode = dry_run.parse(dry)
    selection = Selection(words or (), filename or ())

    async def run(client: Client, namespace: str) -> None:
        for one in await resolve(client, namespace, selection):
            resource, name, inside = one.target.resource, one.target.name, one.namespace or None
            before = await client.get(resource, name, inside, subresource=subresource or None)
            after = before
            if mode is not DryRun.CLIENT:
                path = resource.path(inside, name, subresource or None)
                headers = {"content-type": TYPES[kind]}
                params = {"fieldManager": "kubectl-patch", **mode.parameters}
                answer = await client.request("PATCH", path, body=body, headers=headers, params=params)
                after = from_json(answer)
            if printing:
                print(printers.render([after], printing), end="")
            else:
                note = "" if before != after or mode is DryRun.CLIENT else " (no change)"
                print(f"{one.label} patched{mode.suffix}{note}")

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
