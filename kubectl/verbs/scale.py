"""`scale`: a new number of replicas, through the scale subresource."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

from apimachinery.objects import Object
from client.waiting import until
from kubectl import dry_run, printers, recording, session
from kubectl.arguments import Flag, Words
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError, joined, raise_all
from kubectl.flags import Dry, Everything, Filenames, Record, Recursive, ResourceVersion, Selector
from kubectl.printers import AS_IS, Printing
from kubectl.selection import Selected, Selection, fetch, fetch_some

if TYPE_CHECKING:
    from client.rest import Client


def scale(
    words: Annotated[list[str], Words("(-f FILENAME | TYPE NAME)")],
    replicas: Annotated[int | None, Flag("--replicas", help="How many.")] = None,
    filename: Filenames = None,
    recursive: Recursive = False,
    selector: Selector = "",
    everything: Everything = False,
    current_replicas: Annotated[int, Flag("--current-replicas", help="Only if there are so many.")] = -1,
    resource_version: ResourceVersion = "",
    timeout: Annotated[float, Flag("--timeout", help="Wait so long for the replicas; 0: not at all.")] = 0.0,
    record: Record = False,
    printing: Printing = AS_IS,
    dry: Dry = "none",
) -> None:
    """Set a new size for a deployment, replica set, or replication controller."""
    if replicas is None:
        raise CommandError('required flag(s) "replicas" not set')
    if replicas < 0:
        raise CommandError(
            "The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0"
        )
    recording.warn(record)
    mode = dry_run.parse(dry)
    selection = Selection(words, filename or (), selector, everything=everything, recursive=recursive)

    async def run(client: Client, namespace: str) -> None:
        found, failures = await fetch_some(client, namespace, selection)
        if resource_version and len(found) > 1:
            raise CommandError("cannot use --resource-version with multiple resources")
        if not found:
            why = joined(failures)
            raise CommandError(f"no objects passed to scale {why}" if why else "no objects passed to scale")
        for one, obj in found:
            await scale_one(client, one, obj)
        raise_all(failures)

    async def scale_one(client: Client, one: Selected, after: Object) -> None:
        if mode is not DryRun.CLIENT:
            _check(await _scale_of(client, one), current_replicas, resource_version)
            await _scale(client, one, replicas, mode)
            params = {"fieldManager": "kubectl-scale", **mode.parameters}
            after = await recording.record_change(client, one, await fetch(client, one), params, record)
        if timeout and mode is DryRun.NONE:
            await _wait(client, one, replicas, timeout)
        if printing:
            print(printers.render([after], printing), end="")
        else:
            print(f"{one.label} scaled{mode.suffix}")

    session.run(run)


async def _scale_of(client: Client, one: Selected) -> Object:
    resource, name = one.target.resource, one.target.name
    return await client.get(resource, name, one.namespace or None, subresource="scale")


async def _scale(client: Client, one: Selected, replicas: int, mode: DryRun) -> None:
    resource, name, namespace = one.target.resource, one.target.name, one.namespace or None
    patch = {"spec": {"replicas": replicas}}
    await client.patch(resource, name, patch, namespace, subresource="scale", params=mode.parameters)


async def _wait(client: Client, one: Selected, replicas: int, seconds: float) -> None:
    def is_there(obj: Object | None) -> bool:
        return obj is not None and (obj.get("status") or {}).get("replicas", 0) == replicas

    try:
        async with asyncio.timeout(seconds):
            await until(client, one.target.resource, one.target.name, one.namespace, is_there)
    except TimeoutError:
        raise CommandError("timed out waiting for the condition") from None


def _check(current: Object, expected: int, version: str) -> None:
    replicas = current["spec"].get("replicas", 0)
    if expected not in (-1, replicas):
        raise CommandError(f"Expected replicas to be {expected}, was {replicas}")
    found = current["metadata"].get("resourceVersion", "")
    if version and version != found:
        raise CommandError(f"Expected resource version to be {version}, was {found}")
