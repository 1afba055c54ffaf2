"""`apply`: makes objects as the files say, and takes away what they no longer say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated

from apimachinery.errors import StatusError
from apimachinery.objects import Object, name_of, namespace_of
from apimachinery.scheme import Resource
from kubectl import dry_run, field_validation, manifests, printers, pruning, recording, session
from kubectl.applying import ApplyOptions, apply_manifest
from kubectl.arguments import Flag
from kubectl.commands import Group
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError, raise_all
from kubectl.flags import Dry, FieldManager, Filenames, Record, Recursive, Selector, Subresource, Validate
from kubectl.manifests import Manifest
from kubectl.printers import AS_IS, Printing
from kubectl.pruning import Pruning
from kubectl.recreating import NOT_FORCED, Forcing
from kubectl.resources import Mapper, Target
from kubectl.verbs.apply_last_applied import edit_last_applied, set_last_applied, view_last_applied

if TYPE_CHECKING:
    from client.rest import Client
    from kubectl.apply_sets import ApplySet


def from_files(
    pruned: Pruning,
    filename: Filenames = None,
    recursive: Recursive = False,
    selector: Selector = "",
    dry: Dry = "none",
    server_side: Annotated[
        bool, Flag("--server-side", help="Let the server merge, and know who owns what.")
    ] = False,
    force_conflicts: Annotated[bool, Flag("--force-conflicts", help="Also fields that others own.")] = False,
    forcing: Forcing = NOT_FORCED,
    subresource: Subresource = "",
    overwrite: Annotated[bool, Flag("--overwrite", help="The files win over what others changed.")] = True,
    openapi_patch: Annotated[bool, Flag("--openapi-patch", help="Accepted: the schema it is.")] = True,
    field_manager: FieldManager = "",
    validate: Validate = "strict",
    record: Record = False,
    printing: Printing = AS_IS,
) -> None:
    """Apply a configuration to a resource by file name or stdin."""
    mode = dry_run.parse(dry)
    if mode is DryRun.CLIENT and server_side:
        raise CommandError(
            "--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)"
        )
    if force_conflicts and not server_side:
        raise CommandError("--force-conflicts only works with --server-side")
    if forcing.force and server_side:
        raise CommandError("--force cannot be used with --server-side")
    if forcing.force and mode is DryRun.SERVER:
        raise CommandError("--dry-run=server cannot be used with --force")
    if subresource and not server_side:
        raise CommandError("--subresource can only be specified for --server-side")
    if not overwrite:
        raise CommandError("--overwrite=false is not supported: the files win")
    pruned.check(selector=selector, force=forcing.force, server_side=server_side)
    options = ApplyOptions(
        mode, field_validation.parse(validate), forcing, field_manager, server_side, force_conflicts,
        pruned, selector, subresource,
    )  # fmt: skip
    failures: list[Exception] = []
    read = manifests.read(filename or (), recursive=recursive, validated=True, failures=failures)
    recording.warn(record)
    loaded = [
        each._replace(obj=recording.recorded(each.obj, record)) for each in manifests.selected(read, selector)
    ]
    if not loaded:
        raise CommandError("no objects passed to apply")
    session.run(lambda client, namespace: _apply_all(client, namespace, loaded, options, printing, failures))


async def _apply_all(
    client: Client,
    namespace: str,
    found: list[Manifest],
    options: ApplyOptions,
    printing: Printing,
    failures: list[Exception],
) -> None:
    """Every manifest; one that fails does not keep the others from being applied, but from being pruned."""
    mapper = Mapper(client)
    allowed = await pruning.allowed(mapper, options.pruning.allowlist or ())
    apply_set = await _apply_set(client, options)
    placed, unplaced = await _place_all(mapper, namespace, found)
    failures += unplaced
    if apply_set is not None:
        placed = [(resource, each._replace(obj=apply_set.labelled(each.obj))) for resource, each in placed]
        members = [(resource, namespace_of(each.obj)) for resource, each in placed]
        await apply_set.begin(client, members, options.mode, options.validate)
    results: list[Object] = []
    for resource, manifest in placed:
        try:
            result, what = await apply_manifest(client, resource, manifest, options)
        except (StatusError, CommandError) as error:
            failures.append(error)
            continue
        results.append(result)
        if not printing:
            print(f"{Target(resource, name_of(manifest.obj)).label} {what}{options.mode.suffix}")
    if printing and results:
        print(printers.render(results, printing, as_list=len(results) > 1), end="")
    raise_all(failures)
    kept = {pruning.place_of(resource, manifest.obj) for resource, manifest in placed}
    if apply_set is not None:
        await _prune(client, apply_set.outdated(client, kept), options, printing)
        await apply_set.end(client, options.mode, options.validate)
    elif options.pruning.prune:
        visited = {each.namespace for each in kept if each.namespace}
        visited |= {namespace} if session.options().namespace else set()
        kinds = allowed or pruning.by_default()
        outdated = pruning.outdated(client, kinds, visited, options.selector, kept)
        await _prune(client, outdated, options, printing)


async def _apply_set(client: Client, options: ApplyOptions) -> ApplySet | None:
    """Its namespace is the flag's, never the kubeconfig's."""
    if not options.pruning.apply_set:
        return None
    from kubectl import apply_sets

    return await apply_sets.find(client, options.pruning.apply_set, session.options().namespace)


async def _place_all(
    mapper: Mapper, namespace: str, found: list[Manifest]
) -> tuple[list[tuple[Resource, Manifest]], list[Exception]]:
    """The manifests in their namespaces, with their resources; and why others are not among them."""
    placed: list[tuple[Resource, Manifest]] = []
    failures: list[Exception] = []
    enforced = bool(session.options().namespace)
    for manifest in found:
        try:
            resource = await manifests.resource_of(mapper, manifest)
            obj = manifests.place(manifest.obj, resource, namespace, enforced=enforced)
        except CommandError as error:
            failures.append(error)
        else:
            placed.append((resource, Manifest(obj, manifest.source)))
    return placed, failures


async def _prune(
    client: Client,
    outdated: AsyncIterator[tuple[Resource, Object]],
    options: ApplyOptions,
    printing: Printing,
) -> None:
    async for resource, obj in outdated:
        await pruning.delete(client, resource, obj, options.mode)
        if printing:
            printers.show(obj, printing)
        else:
            print(f"{Target(resource, name_of(obj)).label} pruned{options.mode.suffix}")


apply = Group(
    "Apply a configuration to a resource by file name or stdin.",
    {
        "edit-last-applied": edit_last_applied,
        "set-last-applied": set_last_applied,
        "view-last-applied": view_last_applied,
    },
    itself=from_files,
)
