"""`edit`: an object in the user's editor; what changed goes back as a patch."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, NamedTuple

from apimachinery.objects import Object, name_of
from apimachinery.patch import create_merge_patch
from apimachinery.schema import builtin
from apimachinery.strategic import create_two_way_patch
from kubectl import editing, field_validation, last_applied, session
from kubectl.arguments import Flag, Words
from kubectl.failures import CommandError
from kubectl.flags import FieldManager, Filenames, SaveConfig, Subresource, Validate
from kubectl.selection import Selected, Selection, resolve

if TYPE_CHECKING:
    from client.rest import Client


class EditFlags(NamedTuple):
    """How an object is edited and sent back."""

    output: Annotated[str, Flag("--output", "-o", help="yaml or json")] = "yaml"
    output_patch: Annotated[bool, Flag("--output-patch", help="Print the patch, too.")] = False
    save_config: SaveConfig = False
    subresource: Subresource = ""
    field_manager: FieldManager = "kubectl-edit"
    validate: Validate = "strict"


def edit(
    flags: EditFlags,
    words: Annotated[list[str] | None, Words("TYPE NAME | TYPE/NAME")] = None,
    filename: Filenames = None,
) -> None:
    """Edit a resource on the server."""
    if not words and not filename:
        raise CommandError("must specify one of -f and -k")
    selection = Selection(words or (), filename or ())

    async def run(client: Client, namespace: str) -> None:
        chosen = await resolve(client, namespace, selection)
        if not chosen:
            raise CommandError("edit cancelled, no objects found")
        for one in chosen:
            await _edit(client, one, flags)

    session.run(run)


async def _edit(client: Client, one: Selected, flags: EditFlags) -> None:
    resource, name, namespace = one.target.resource, one.target.name, one.namespace or None
    subresource = flags.subresource or None
    found = await client.get(resource, name, namespace, subresource=subresource)
    whole = {"apiVersion": resource.api_version, "kind": resource.kind, **found}
    managed = {key: value for key, value in found["metadata"].items() if key == "managedFields"}
    shown = {**whole, "metadata": {k: v for k, v in found["metadata"].items() if k not in managed}}
    params = {
        "fieldManager": flags.field_manager, "fieldValidation": field_validation.parse(flags.validate),
    }  # fmt: skip

    async def save(edited: Object) -> None:
        wanted = {**edited, "metadata": {**(edited.get("metadata") or {}), **managed}}
        if flags.save_config:
            wanted = last_applied.annotated(wanted)
        patch, content_type = _patch(whole, wanted)
        if not patch:
            print("Edit cancelled, no changes made.", file=sys.stderr)
            return
        if flags.output_patch:
            print(f"Patch: {json.dumps(patch, sort_keys=True, separators=(',', ':'), ensure_ascii=False)}")
        await client.patch(
            resource, name, patch, namespace, patch_type=content_type, subresource=subresource, params=params
        )
        print(f"{one.label} edited")

    await editing.edit(shown, flags.output, save, name=f'{resource.group_resource} "{name}"')


def _patch(original: Object, edited: Object) -> tuple[Object, str]:
    for path in ("apiVersion", "kind"):
        if original[path] != edited.get(path):
            raise CommandError(f"At least one of apiVersion, kind and name was changed ({path})")
    if name_of(original) != name_of(edited):
        raise CommandError("At least one of apiVersion, kind and name was changed")
    schema = builtin().find(original["apiVersion"], original["kind"])
    if schema is None:
        return create_merge_patch(original, edited), "application/merge-patch+json"
    return create_two_way_patch(original, edited, schema), "application/strategic-merge-patch+json"
