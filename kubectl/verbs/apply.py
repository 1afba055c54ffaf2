"""`apply`: makes objects as the files say, by a three-way patch or on the server's side."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from apimachinery.errors import ConflictError, NotFoundError, StatusError
from apimachinery.objects import Object, is_terminating, name_of, namespace_of
from apimachinery.scheme import Resource
from kubectl import (
    dry_run,
    field_validation,
    last_applied,
    manifests,
    printers,
    pruning,
    recording,
    server_side,
    session,
)
from kubectl.arguments import Flag
from kubectl.commands import Group
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError, raise_all
from kubectl.flags import Dry, FieldManager, Filenames, Record, Recursive, Selector, Subresource, Validate
from kubectl.manifests import Manifest
from kubectl.printers import AS_IS, Printing
from kubectl.pruning import NOTHING_PRUNED, Pruning
from kubectl.recreating import NOT_FORCED, Forcing
from kubectl.resources import Mapper, Target
from kubectl.verbs.apply_last_applied import edit_last_applied, set_last_applied, view_last_applied

if TYPE_CHECKING:
    from client.rest import Client
    from kubectl.apply_sets import ApplySet

CLIENT_SIDE = "kubectl-client-side-apply"
_LOST = """An error occurred force-replacing the existing object with the newly provided one:

{}.

Additionally, an error occurred attempting to restore the original object:

{}"""
_CONFLICT_RETRIES = 5
_MISSING = (
    "Warning: resource {} is missing the kubectl.kubernetes.io/last-applied-configuration annotation "
    "which is required by kubectl apply. kubectl apply should only be used on resources created "
    "declaratively by either kubectl create --save-config or kubectl apply. "
    "The missing annotation will be patched automatically."
)


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """How to apply; `parameters` go with every request."""

    mode: DryRun
    validate: str
    forcing: Forcing
    field_manager: str
    server_side: bool = False
    force_conflicts: bool = False
    pruning: Pruning = NOTHING_PRUNED
    selector: str = ""
    subresource: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        manager = self.field_manager or (server_side.MANAGER if self.server_side else CLIENT_SIDE)
        return {"fieldManager": manager, "fieldValidation": self.validate, **self.mode.parameters}


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
            result, what = await _apply(client, resource, manifest, options)
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


async def _apply(
    client: Client, resource: Resource, manifest: Manifest, options: ApplyOptions
) -> tuple[Object, str]:
    """The object as it is now, and what was done to it."""
    obj = manifest.obj
    name = name_of(obj)
    if not name:
        generated = (obj.get("metadata") or {}).get("generateName")
        hint = f"from {generated}: cannot use generate name with apply" if generated else ""
        raise CommandError(hint or "resource name may not be empty")
    if options.server_side:
        return await _apply_on_server(client, resource, manifest, options), "serverside-applied"
    try:
        current = await client.get(resource, name, namespace_of(obj))
    except NotFoundError:
        return await _create(client, resource, manifest, options), "created"
    if options.mode is DryRun.CLIENT:
        return obj, "configured"
    return await _patch(client, resource, manifest, current, options)


async def _create(client: Client, resource: Resource, manifest: Manifest, options: ApplyOptions) -> Object:
    wanted = last_applied.annotated(manifest.obj)
    if options.mode is DryRun.CLIENT:
        return wanted
    try:
        made = manifests.as_new(manifests.without_nulls(wanted))
        return await client.create(resource, made, params=options.parameters)
    except StatusError as error:
        raise manifests.with_source(error, "creating", manifest.source) from None


async def _patch(
    client: Client, resource: Resource, manifest: Manifest, current: Object, options: ApplyOptions
) -> tuple[Object, str]:
    obj = manifest.obj
    current = {"apiVersion": obj["apiVersion"], "kind": obj["kind"], **current}
    if last_applied.of(current) is None:
        print(_MISSING.format(f"{resource.plural}/{name_of(obj)}"), file=sys.stderr)
    modified = last_applied.annotated(obj)
    for attempt in range(_CONFLICT_RETRIES + 1):
        patch, content_type = last_applied.patch_for(modified, current)
        if not patch:
            return current, "unchanged"
        try:
            result = await client.patch(
                resource,
                name_of(obj),
                patch,
                namespace_of(obj),
                patch_type=content_type,
                params=options.parameters,
            )
        except StatusError as error:
            if isinstance(error, ConflictError) and attempt < _CONFLICT_RETRIES:
                current = {**obj, **await client.get(resource, name_of(obj), namespace_of(obj))}
                continue
            if options.forcing.force and error.code in (409, 422):
                return await _replace(client, resource, manifest, current, options), "configured"
            raise _patch_error(error, patch, resource, manifest) from None
        _warn_if_deleting(result)
        return result, "configured"
    raise AssertionError("unreachable")


def _patch_error(error: StatusError, patch: Object, resource: Resource, manifest: Manifest) -> StatusError:
    text, obj = last_applied.text_of(patch), manifest.obj
    version = resource.api_version if resource.group else f"/{resource.version}"
    kind = f'"{version}, Resource={resource.plural}", GroupVersionKind: "{version}, Kind={resource.kind}"'
    target = f'Resource: {kind}\nName: "{name_of(obj)}", Namespace: "{namespace_of(obj)}"'
    inner = manifests.with_source(error, "patching", manifest.source)
    return manifests.with_source(inner, f"applying patch:\n{text}\nto:\n{target}\nfor:", manifest.source)


def _warn_if_deleting(obj: Object) -> None:
    if is_terminating(obj):
        when = obj["metadata"]["deletionTimestamp"]
        what = f"resource {name_of(obj)} which is currently being deleted since {when}."
        print(f"Warning: Detected changes to {what}", file=sys.stderr)


async def _replace(
    client: Client, resource: Resource, manifest: Manifest, current: Object, options: ApplyOptions
) -> Object:
    """Deletes the object, waits until it is gone, creates it anew; the old one if that is refused."""
    name, namespace = name_of(manifest.obj), namespace_of(manifest.obj)
    await client.delete(resource, name, namespace, options=options.forcing.options)
    await options.forcing.wait_until_gone(client, resource, name, namespace)
    try:
        return await _create(client, resource, manifest, options)
    except StatusError as error:
        try:
            await client.create(resource, manifests.as_new(current), params=options.parameters)
        except StatusError as again:
            raise CommandError(_LOST.format(error, again)) from None
        raise


async def _apply_on_server(
    client: Client, resource: Resource, manifest: Manifest, options: ApplyOptions
) -> Object:
    params = {**options.parameters, "force": "true" if options.force_conflicts else "false"}
    try:
        applied = await server_side.apply(client, resource, manifest.obj, params, options.subresource)
    except StatusError as error:
        raise server_side.reviewed(error) from None
    if options.subresource:
        return applied
    return await server_side.take_over(client, resource, manifest.obj, applied, params)


apply = Group(
    "Apply a configuration to a resource by file name or stdin.",
    {
        "edit-last-applied": edit_last_applied,
        "set-last-applied": set_last_applied,
        "view-last-applied": view_last_applied,
    },
    itself=from_files,
)
