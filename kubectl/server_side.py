"""Server-side apply as a client does it: the request, its conflicts, and objects of client-side apply."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from apimachinery.errors import ConflictError, StatusError
from apimachinery.objects import Object, annotations_of, name_of, namespace_of
from apimachinery.scheme import Resource
from apimachinery.well_known import LAST_APPLIED
from kubectl import csa_upgrade
from kubectl.failures import CommandError

if TYPE_CHECKING:
    from client.rest import Client

MANAGER = "kubectl"
_ANNOTATION_MANAGER = "kubectl-last-applied"
_APPLY_PATCH, _JSON_PATCH = "application/apply-patch+yaml", "application/json-patch+json"
_TRIES = 5
_REVIEW = """
Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the `--force-conflicts` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts"""
_NOT_FATAL = "This is non-fatal and will be retried next time you apply."


async def apply(
    client: Client, resource: Resource, config: Object, params: dict[str, str], subresource: str = ""
) -> Object:
    """The object after the apply. Raises StatusErrors, CommandError."""
    if (config.get("metadata") or {}).get("managedFields"):
        raise CommandError("metadata.managedFields must be nil")
    name, namespace = name_of(config), namespace_of(config)
    return await client.patch(
        resource, name, config, namespace,
        subresource=subresource or None, patch_type=_APPLY_PATCH, params=params,
    )  # fmt: skip


def reviewed(error: StatusError) -> Exception:
    """A conflict with the ways out of it; any other error as it is."""
    causes = error.details.get("causes") or ()
    if not any(each.get("reason") == "FieldManagerConflict" for each in causes):
        return error
    return CommandError(f"{error.message}{_REVIEW}")


async def take_over(
    client: Client, resource: Resource, config: Object, applied: Object, params: dict[str, str]
) -> Object:
    """After an apply: what was applied from the client becomes the applier's, who then applies again."""
    try:
        applied = await _keep_annotation(client, resource, config, applied, params)
    except StatusError as error:
        what = "failed to migrate kubectl.kubernetes.io/last-applied-configuration for Server-Side Apply."
        print(f"Warning: {what} {_NOT_FATAL} Error: {error.message}", file=sys.stderr)
        return applied
    try:
        if not await _upgrade(client, resource, applied, params):
            return applied
    except StatusError as error:
        what = "server rejected managed fields migration to Server-Side Apply."
        print(f"Warning: {what} {_NOT_FATAL} Error: {error.message}", file=sys.stderr)
        return applied
    return await apply(client, resource, config, params)


async def _keep_annotation(
    client: Client, resource: Resource, config: Object, applied: Object, params: dict[str, str]
) -> Object:
    """Gives the last-applied annotation a manager of its own, lest it go with the next apply."""
    text = annotations_of(applied).get(LAST_APPLIED)
    entries = applied["metadata"].get("managedFields") or ()
    if params["fieldManager"] != MANAGER or not text:
        return applied
    if csa_upgrade.owners_of_annotation(entries, csa_upgrade.APPLY):
        return applied
    metadata = {"name": name_of(applied), "namespace": namespace_of(applied)}
    annotations = {LAST_APPLIED: text}
    alone = {"apiVersion": config["apiVersion"], "kind": config["kind"]}
    alone["metadata"] = {key: value for key, value in metadata.items() if value} | {
        "annotations": annotations
    }
    return await apply(client, resource, alone, params | {"fieldManager": _ANNOTATION_MANAGER})


async def _upgrade(client: Client, resource: Resource, obj: Object, params: dict[str, str]) -> bool:
    """Whether anything had to become the applier's."""
    name, namespace = name_of(obj), namespace_of(obj)
    only_dry = {key: value for key, value in params.items() if key == "dryRun"}
    for attempt in range(_TRIES):
        patch = csa_upgrade.upgrade_patch(obj, params["fieldManager"])
        if patch is None:
            return False
        try:
            await client.patch(resource, name, patch, namespace, patch_type=_JSON_PATCH, params=only_dry)
        except ConflictError:
            if attempt + 1 == _TRIES:
                raise
            obj = await client.get(resource, name, namespace)
        else:
            return True
    return False
