"""`replace`: whole objects out of files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from apimachinery.errors import NotFoundError, StatusError
from apimachinery.objects import Object, name_of, namespace_of
from apimachinery.scheme import Resource
from kubectl import dry_run, last_applied, manifests, raw, session
from kubectl.arguments import Flag
from kubectl.creating import Creation, say
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError, raise_all
from kubectl.flags import Filenames, Recursive, Subresource
from kubectl.recreating import Forcing
from kubectl.resources import Mapper, Target
from kubectl.selection import collecting

if TYPE_CHECKING:
    from client.rest import Client


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
    mode = dry_run.parse(creation.dry)
    _check(forcing, mode)
    if forcing.grace_period == 0:
        forcing = forcing._replace(grace_period=1)  # nothing is deleted at once: it is waited for
    unread: list[Exception] = []
    found = manifests.read(filename or (), recursive=recursive, validated=True, failures=unread)
    if forcing.force and not found:
        raise CommandError("no objects passed to replace")
    params = creation.parameters("kubectl-replace")

    async def run(client: Client, namespace: str) -> None:
        mapper = Mapper(client)
        failures: list[Exception] = []
        for manifest in found:
            with collecting(failures):
                await replace_one(client, mapper, namespace, manifest)
        raise_all([*failures, *unread])

    async def replace_one(
        client: Client, mapper: Mapper, namespace: str, manifest: manifests.Manifest
    ) -> None:
        resource = await manifests.resource_of(mapper, manifest)
        enforced = bool(session.options().namespace)
        obj = manifests.place(manifest.obj, resource, namespace, enforced=enforced)
        if creation.save_config or last_applied.of(obj):
            obj = last_applied.annotated(obj)
        result = obj
        try:
            if forcing.force:
                result = await _recreate(client, resource, obj, params, forcing)
            elif mode is not DryRun.CLIENT:
                result = await _replace(client, resource, obj, params, subresource or None)
        except StatusError as error:
            raise manifests.with_source(error, "replacing", manifest.source) from None
        except CommandError as error:
            raise CommandError(f'error when replacing "{manifest.source}": {error}') from None
        say(result, Target(resource, name_of(obj)), creation, "replaced")

    session.run(run)


def _check(forcing: Forcing, mode: DryRun) -> None:
    """Raises CommandError where flags contradict each other."""
    if forcing.grace_period >= 0 and not forcing.force:
        raise CommandError("--grace-period must have --force specified")
    if forcing.timeout and not forcing.force:
        raise CommandError("--timeout must have --force specified")
    if forcing.force and mode is not DryRun.NONE:
        raise CommandError("--dry-run can not be used when --force is set")


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
        await forcing.wait_until_gone(client, resource, name, namespace)
    return await client.create(resource, manifests.as_new(obj), params=params)


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
