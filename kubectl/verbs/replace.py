"""`replace`: whole objects out of files."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, NamedTuple

from apimachinery.errors import NotFoundError, StatusError
from apimachinery.objects import Object, name_of, namespace_of
from apimachinery.scheme import Resource
from kubectl import dry_run, last_applied, manifests, raw, session
from kubectl.arguments import Flag
from kubectl.creating import Creation, say
from kubectl.deleting import propagation
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError
from kubectl.flags import Filenames, Recursive, Subresource
from kubectl.resources import Mapper, Target
from kubectl.waiting import until_gone

if TYPE_CHECKING:
    from client.rest import Client


class Forcing(NamedTuple):
    """How what can't be changed is made anew."""

    force: Annotated[bool, Flag("--force", help="Delete and create anew.")] = False
    cascade: Annotated[
        str, Flag("--cascade", bare="background", help="background, foreground or orphan.")
    ] = "background"
    grace_period: Annotated[int, Flag("--grace-period", help="Seconds; -1: the object's own.")] = -1
    timeout: Annotated[float, Flag("--timeout", help="How long the deletion may take; 0: as it likes.")] = 0.0
    wait: Annotated[bool, Flag("--wait", help="Wait until it is gone, which is done in any case.")] = False

    @property
    def options(self) -> Object:
        grace = {} if self.grace_period < 0 else {"gracePeriodSeconds": self.grace_period}
        return {"propagationPolicy": propagation(self.cascade), **grace}


def replace(
    creation: Creation,
    forcing: Forcing,
    filename: Filenames = None,
    recursive: Recursive = False,
    subresource: Subresource = "",
    path: Annotated[str, Flag("--raw", help="PUT the file to this path of the server.")] = "",
) -> None:
    """Replace a resource by file name or stdin."""
    if path:
        excluded = {"--recursive": recursive, "--output": creation.printing.output}
        raw.send("PUT", path, filename or (), excluded=excluded)
        return
    found = manifests.read(filename or (), recursive=recursive, verb="replace")
    dry = dry_run.parse(creation.dry) is DryRun.CLIENT
    params = creation.parameters("kubectl-replace")

    async def run(client: Client, namespace: str) -> None:
        mapper = Mapper(client)
        for manifest in found:
            resource = await manifests.resource_of(mapper, manifest)
            enforced = bool(session.options().namespace)
            obj = manifests.place(manifest.obj, resource, namespace, enforced=enforced)
            if creation.save_config or last_applied.of(obj):
                obj = last_applied.annotated(obj)
            result = obj
            try:
                if forcing.force and not dry:
                    result = await _recreate(client, resource, obj, params, forcing)
                elif not dry:
                    result = await _replace(client, resource, obj, params, subresource or None)
            except StatusError as error:
                raise manifests.with_source(error, "replacing", manifest.source) from None
            except CommandError as error:
                raise CommandError(f'error when replacing "{manifest.source}": {error}') from None
            say(result, Target(resource, name_of(obj)), creation, "replaced")

    session.run(run)


async def _recreate(
    client: Client, resource: Resource, obj: Object, params: dict[str, str], forcing: Forcing
) -> Object:
    name, namespace = name_of(obj), namespace_of(obj)
    try:
        await client.delete(resource, name, namespace, options=forcing.options)
    except NotFoundError:
        pass
    else:
        print(f'{Target(resource, name).label.partition("/")[0]} "{name}" deleted')
        try:
            async with asyncio.timeout(forcing.timeout or None):
                await until_gone(client, resource, name, namespace)
        except TimeoutError:
            raise CommandError("timed out waiting for the condition") from None
    return await client.create(resource, obj, params=params)


async def _replace(
    client: Client, resource: Resource, obj: Object, params: dict[str, str], subresource: str | None
) -> Object:
    name, namespace = name_of(obj), namespace_of(obj)
    if not name:
        raise CommandError("resource name may not be empty")
    current = await client.get(resource, name, namespace)
    metadata = {"resourceVersion": current["metadata"]["resourceVersion"], **obj["metadata"]}
    return await client.update(
        resource, {**obj, "metadata": metadata}, subresource=subresource, params=params
    )
