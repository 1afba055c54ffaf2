"""`scale`: a new number of replicas, through the scale subresource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from apimachinery.errors import NotFoundError
from apimachinery.objects import Object
from kubectl import dry_run, session
from kubectl.arguments import Flag, Words
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError
from kubectl.flags import Dry, Everything, Filenames, ResourceVersion, Selector
from kubectl.printers import AS_IS, Printing
from kubectl.selection import Selected, Selection, resolve

if TYPE_CHECKING:
    from client.rest import Client


def scale(
    words: Annotated[list[str] | None, Words("TYPE/NAME...")] = None,
    replicas: Annotated[int, Flag("--replicas")] = -1,
    filename: Filenames = None,
    selector: Selector = "",
    everything: Everything = False,
    current_replicas: Annotated[int, Flag("--current-replicas")] = -1,
    resource_version: ResourceVersion = "",
    printing: Printing = AS_IS,
    dry: Dry = "none",
) -> None:
    """Set a new size for a deployment, replica set, or replication controller."""
    if replicas < 0:
        raise CommandError(
            'required flag(s) "replicas" not set'
            if replicas == -1
            else "The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0"
        )
    mode = dry_run.parse(dry)
    selection = Selection(words or (), filename or (), selector, everything=everything)

    async def run(client: Client, namespace: str) -> None:
        for one in await resolve(client, namespace, selection):
            await _scale(client, one, replicas, current_replicas, resource_version, mode)
            print(one.label if printing.form == "name" else f"{one.label} scaled{mode.suffix}")

    session.run(run)


async def _scale(
    client: Client, one: Selected, replicas: int, expected: int, version: str, mode: DryRun
) -> None:
    resource, name, namespace = one.target.resource, one.target.name, one.namespace or None
    try:
        await client.get(resource, name, namespace)
    except NotFoundError as error:
        raise CommandError(f"no objects passed to scale {error.message}") from None
    if expected >= 0 or version:
        current = await client.get(resource, name, namespace, subresource="scale")
        _check(current, expected, version)
    if mode is not DryRun.CLIENT:
        patch = {"spec": {"replicas": replicas}}
        await client.patch(resource, name, patch, namespace, subresource="scale", params=mode.parameters)


def _check(current: Object, expected: int, version: str) -> None:
    replicas = current["spec"].get("replicas", 0)
    if expected not in (-1, replicas):
        raise CommandError(f"Expected replicas to be {expected}, was {replicas}")
    found = current["metadata"].get("resourceVersion", "")
    if version and version != found:
        raise CommandError(f"Expected resource version to be {version}, was {found}")
