"""`replace`: whole objects out of files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from apimachinery.errors import NotFoundError, StatusError
from apimachinery.objects import Object, name_of, namespace_of
from apimachinery.scheme import Resource
from kubectl import dry_run, field_validation, manifests, session
from kubectl.arguments import Flag
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError
from kubectl.flags import Dry, Filenames, Recursive, Subresource, Validate
from kubectl.resources import Mapper, Target
from kubectl.waiting import until_gone

if TYPE_CHECKING:
    from client.rest import Client


def replace(
    filename: Filenames = None,
    recursive: Recursive = False,
    force: Annotated[bool, Flag("--force", help="Delete and create anew.")] = False,
    subresource: Subresource = "",
    dry: Dry = "none",
    validate: Validate = "strict",
) -> None:
    """Replace a resource by file name or stdin."""
    found = manifests.read(filename or (), recursive=recursive, verb="replace")
    mode = dry_run.parse(dry)
    params = {
        "fieldManager": "kubectl-replace",
        "fieldValidation": field_validation.parse(validate),
        **mode.parameters,
    }

    async def run(client: Client, namespace: str) -> None:
        mapper = Mapper(client)
        for manifest in found:
            resource = await manifests.resource_of(mapper, manifest)
            enforced = bool(session.options().namespace)
            obj = manifests.place(manifest.obj, resource, namespace, enforced=enforced)
            if mode is not DryRun.CLIENT:
                try:
                    await _replace(client, resource, obj, params, subresource or None, force=force)
                except StatusError as error:
                    raise manifests.with_source(error, "replacing", manifest.source) from None
            print(f"{Target(resource, name_of(obj)).label} replaced{mode.suffix}")

    session.run(run)


async def _replace(
    client: Client,
    resource: Resource,
    obj: Object,
    params: dict[str, str],
    subresource: str | None,
    *,
    force: bool,
) -> None:
    name, namespace = name_of(obj), namespace_of(obj)
    if not name:
        raise CommandError("resource name may not be empty")
    if force:
        try:
            await client.delete(resource, name, namespace)
        except NotFoundError:
            pass
        else:
            await until_gone(client, resource, name, namespace)
        await client.create(resource, obj, params=params)
        return
    current = await client.get(resource, name, namespace)
    metadata = {"resourceVersion": current["metadata"]["resourceVersion"], **obj["metadata"]}
    await client.update(resource, {**obj, "metadata": metadata}, subresource=subresource, params=params)
