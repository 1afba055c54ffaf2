"""`apply view-`, `set-` and `edit-last-applied`: what apply remembers of a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from apimachinery.errors import NotFoundError
from apimachinery.objects import Object, name_of, namespace_of
from apimachinery.well_known import LAST_APPLIED
from kubectl import dry_run, editing, field_validation, last_applied, manifests, printers, session
from kubectl.arguments import Flag, Words
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError
from kubectl.flags import Dry, Everything, FieldManager, Filenames, Recursive, Selector, Validate
from kubectl.printers import AS_IS, Printing
from kubectl.resources import Mapper, Target
from kubectl.selection import Selected, Selection, fetch_all

if TYPE_CHECKING:
    from client.rest import Client


def view_last_applied(
    words: Annotated[list[str], Words("(TYPE [NAME | -l label] | TYPE/NAME | -f FILENAME)")],
    filename: Filenames = None,
    recursive: Recursive = False,
    selector: Selector = "",
    everything: Everything = False,
    output: Annotated[str, Flag("--output", "-o", help="yaml or json")] = "yaml",
) -> None:
    """View the latest last-applied-configuration annotations of a resource/object."""
    if output not in ("yaml", "json"):
        raise CommandError(f"Unexpected -o output mode: {output}, the flag 'output' must be one of yaml|json")
    selection = Selection(words, filename or (), selector, everything=everything, recursive=recursive)

    async def run(client: Client, namespace: str) -> None:
        for one, obj in await fetch_all(client, namespace, selection):
            applied = last_applied.of(obj)
            if applied is None:
                what = "no last-applied-configuration annotation found on resource"
                raise CommandError(f"{what}: {one.target.name}")
            print(printers.render([applied], Printing(output)), end="")

    session.run(run)


_EDIT_HEADER = """# Please edit the 'last-applied-configuration' annotations below.
# Lines beginning with a '#' will be ignored, and an empty file will abort the edit.
#
"""
_NONE_FOUND = (
    "no last-applied-configuration annotation found on resources, to create the annotation, use command "
    "`kubectl apply set-last-applied --create-annotation`"
)


def edit_last_applied(
    words: Annotated[list[str] | None, Words("(RESOURCE/NAME | -f FILENAME)")] = None,
    filename: Filenames = None,
    recursive: Recursive = False,
    output: Annotated[str, Flag("--output", "-o", help="yaml or json")] = "yaml",
    field_manager: FieldManager = "kubectl-client-side-apply",
    validate: Validate = "strict",
) -> None:
    """Edit latest last-applied-configuration annotations of a resource/object."""
    selection = Selection(words or (), filename or (), recursive=recursive)
    params = {"fieldManager": field_manager, "fieldValidation": field_validation.parse(validate)}

    async def run(client: Client, namespace: str) -> None:
        found = [(one, last_applied.of(obj)) for one, obj in await fetch_all(client, namespace, selection)]
        applied = [(one, before) for one, before in found if before is not None]
        if not applied:
            raise CommandError(_NONE_FOUND)
        for one, before in applied:
            await _edit_applied(client, one, before, output, params)

    session.run(run)


async def _edit_applied(
    client: Client, one: Selected, before: Object, output: str, params: dict[str, str]
) -> None:
    async def save(edited: Object) -> None:
        text = f"{last_applied.text_of(edited)}\n"
        patch = {"metadata": {"annotations": {LAST_APPLIED: text}}}
        target = one.target
        await client.patch(target.resource, target.name, patch, one.namespace or None, params=params)
        print(f"{one.label} edited")

    await editing.edit(before, output, save, header=_EDIT_HEADER)


def set_last_applied(
    filename: Filenames = None,
    create_annotation: Annotated[
        bool, Flag("--create-annotation", help="Also where nothing was applied before.")
    ] = False,
    printing: Printing = AS_IS,
    dry: Dry = "none",
) -> None:
    """Set the last-applied-configuration annotation on a live object to match the contents of a file."""
    mode = dry_run.parse(dry)
    found = manifests.read(filename or ())

    async def run(client: Client, namespace: str) -> None:
        mapper = Mapper(client)
        for manifest in found:
            resource = await manifests.resource_of(mapper, manifest)
            enforced = bool(session.options().namespace)
            obj = manifests.place(manifest.obj, resource, namespace, enforced=enforced)
            name, inside = name_of(obj), namespace_of(obj)
            try:
                live = await client.get(resource, name, inside)
            except NotFoundError:
                raise CommandError(f'{resource.plural} "{name}" not found') from None
            former = last_applied.of(live)
            if former == last_applied.bare(obj):
                print(f"set-last-applied {name}: no changes required.")
                continue
            if former is None and not create_annotation:
                raise CommandError(
                    f"no last-applied-configuration annotation found on resource: {name}, to create the "
                    "annotation, run the command with --create-annotation"
                )
            text = last_applied.annotated(obj)["metadata"]["annotations"][LAST_APPLIED]
            result = {**obj, **live}
            if mode is not DryRun.CLIENT:
                patch = {"metadata": {"annotations": {LAST_APPLIED: text}}}
                result = await client.patch(resource, name, patch, inside, params=mode.parameters)
            if printing:
                printers.show(result, printing)
            else:
                print(f"{Target(resource, name).label} configured{mode.suffix}")

    session.run(run)
