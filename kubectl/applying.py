"""What apply does with one object: creates it, patches it by what was applied last, or has it merged."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apimachinery.errors import ConflictError, NotFoundError, StatusError
from apimachinery.objects import Object, is_terminating, name_of, namespace_of
from apimachinery.scheme import Resource
from kubectl import last_applied, manifests, server_side
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError
from kubectl.manifests import Manifest
from kubectl.pruning import NOTHING_PRUNED, Pruning
from kubectl.recreating import Forcing

if TYPE_CHECKING:
    from client.rest import Client

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


async def apply_manifest(
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
    if options.mode is DryRun.CLIENT:
        return last_applied.annotated(manifest.obj)
    try:
        return await apply_object(client, resource, manifest.obj, None, options.parameters)
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


async def apply_object(
    client: Client, resource: Resource, obj: Object, current: Object | None, params: dict[str, Any]
) -> Object:
    """Without flags: the object as it is then; `current` if nothing had to change. Raises StatusError."""
    wanted = last_applied.annotated(obj)
    if current is None:
        return await client.create(resource, manifests.as_new(manifests.without_nulls(wanted)), params=params)
    patch, content_type = last_applied.patch_for(wanted, current)
    if not patch:
        return current
    return await client.patch(
        resource, name_of(obj), patch, namespace_of(obj), patch_type=content_type, params=params
    )
