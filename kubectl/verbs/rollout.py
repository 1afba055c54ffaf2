"""`rollout`: status, history, undo, restart, pause and resume of what rolls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

from apimachinery.errors import NotFoundError
from apimachinery.objects import Object, annotations_of, name_of
from apimachinery.well_known import REVISION
from kubectl import printers, rollouts, session
from kubectl.arguments import Flag
from kubectl.commands import Group
from kubectl.failures import CommandError, raise_all
from kubectl.flags import FieldManager
from kubectl.rolling import MANAGER, ROLLING, STRATEGIC, Rolling, Targets
from kubectl.selection import Selected, fetch, resolve
from kubectl.verbs.rollout_history import history, undo

if TYPE_CHECKING:
    from client.rest import Client

Change = Callable[["Client", Selected], Awaitable[str]]
"""Changes one object and says what was done."""


def status(
    words: Targets,
    rolling: Rolling,
    watch: Annotated[bool, Flag("--watch", "-w", help="Until the rollout is done.")] = True,
    timeout: Annotated[float, Flag("--timeout", help="0s: as long as it takes.")] = 0.0,
    revision: Annotated[int, Flag("--revision", help="Only if this is the one that rolls.")] = 0,
) -> None:
    """Show the status of the rollout."""
    selection = rolling.selection(words)
    seconds = timeout or None

    async def run(client: Client, namespace: str) -> None:
        for one in await resolve(client, namespace, selection):
            try:
                if revision:
                    _check_revision(await fetch(client, one), revision)
                async with asyncio.timeout(seconds):
                    await _follow(client, one, watch=watch)
            except TimeoutError:
                raise CommandError("timed out waiting for the condition") from None

    session.run(run)


def _check_revision(obj: Object, wanted: int) -> None:
    running = annotations_of(obj).get(REVISION, "0")
    if running != str(wanted):
        raise CommandError(f"desired revision ({wanted}) is different from the running revision ({running})")


async def _follow(client: Client, one: Selected, *, watch: bool) -> None:
    obj = await fetch(client, one)
    if _tell(obj) or not watch:
        return
    version = obj["metadata"]["resourceVersion"]
    events = client.watch(
        one.target.resource,
        one.namespace,
        resource_version=version,
        field_selector=f"metadata.name={name_of(obj)}",
    )
    async with aclosing(events):
        async for kind, changed in events:
            if kind == "DELETED":
                raise CommandError("object has been deleted")
            if kind != "BOOKMARK" and _tell({"kind": obj["kind"], **changed}):
                return
    await _follow(client, one, watch=watch)  # the server ended the watch


def _tell(obj: Object) -> bool:
    progress = rollouts.progress_of(obj)
    print(progress.message)
    return progress.done


def restart(words: Targets, rolling: Rolling, field_manager: FieldManager = "") -> None:
    """Restart a resource."""
    from kubectl.describe.values import now

    moment = now().strftime("%Y-%m-%dT%H:%M:%SZ")
    template = {"metadata": {"annotations": {rollouts.RESTARTED_AT: moment}}}
    patch = {"spec": {"template": template}}

    async def change(client: Client, one: Selected) -> str:
        obj = await fetch(client, one)
        if obj["kind"] not in ROLLING:
            raise CommandError(f'{one.target.resource.plural} "{name_of(obj)}" restarting is not supported')
        if obj["spec"].get("paused"):
            why = "can't restart paused deployment (run rollout resume first)"
            raise CommandError(f'deployments.apps "{name_of(obj)}" {why}')
        if annotations_of(obj["spec"]["template"]).get(rollouts.RESTARTED_AT) == moment:
            raise CommandError(
                f"failed to create patch for {name_of(obj)}: if restart has already been triggered within "
                "the past second, please wait before attempting to trigger another"
            )
        await _patch(client, one, patch, field_manager)
        return "restarted"

    _change_each(words, rolling, change)


def pause(words: Targets, rolling: Rolling, field_manager: FieldManager = "") -> None:
    """Mark the provided resource as paused."""
    _set_paused(words, rolling, field_manager, True)


def resume(words: Targets, rolling: Rolling, field_manager: FieldManager = "") -> None:
    """Resume a paused resource."""
    _set_paused(words, rolling, field_manager, False)


def _set_paused(words: Sequence[str], rolling: Rolling, field_manager: str, paused: bool) -> None:
    word = "paused" if paused else "resumed"

    async def change(client: Client, one: Selected) -> str:
        obj = await fetch(client, one)
        if obj["kind"] != "Deployment":
            verb = "pausing" if paused else "resuming"
            raise CommandError(f'{one.target.resource.plural} "{name_of(obj)}" {verb} is not supported')
        if bool(obj["spec"].get("paused")) == paused:
            state = "is already paused" if paused else "is not paused"
            raise CommandError(f'{one.target.resource.group_resource} "{name_of(obj)}" {state}')
        await _patch(client, one, {"spec": {"paused": paused or None}}, field_manager)
        return word

    _change_each(words, rolling, change)


def _change_each(words: Sequence[str], rolling: Rolling, change: Change) -> None:
    """Every object; a failure is told at the end."""

    async def run(client: Client, namespace: str) -> None:
        failures: list[Exception] = []
        for one in await resolve(client, namespace, rolling.selection(words)):
            try:
                done = await change(client, one)
            except (CommandError, NotFoundError) as error:
                failures.append(error)
                continue
            if rolling.printing:
                print(printers.render([await fetch(client, one)], rolling.printing), end="")
            else:
                print(f"{one.label} {done}")
        raise_all(failures)

    session.run(run)


async def _patch(client: Client, one: Selected, patch: Object, field_manager: str) -> None:
    params = {"fieldManager": field_manager or MANAGER}
    resource, name = one.target.resource, one.target.name
    await client.patch(resource, name, patch, one.namespace, patch_type=STRATEGIC, params=params)


rollout = Group(
    "Manage the rollout of one or many resources: deployments, daemonsets and statefulsets.",
    {
        "history": history,
        "pause": pause,
        "restart": restart,
        "resume": resume,
        "status": status,
        "undo": undo,
    },
)
