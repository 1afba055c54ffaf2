"""`rollout`: status, history, undo, restart, pause and resume of what rolls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

from apimachinery import scheme
from apimachinery.durations import parse_duration
from apimachinery.errors import NotFoundError
from apimachinery.objects import Object, get_path, name_of, namespace_of
from kubectl import dry_run, rollouts, session
from kubectl.arguments import Flag, Words
from kubectl.commands import Group
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError
from kubectl.flags import Dry, Filenames, Selector
from kubectl.printers.table import align
from kubectl.selection import Selected, Selection, resolve

if TYPE_CHECKING:
    from client.rest import Client

Targets = Annotated[list[str] | None, Words("(TYPE NAME | TYPE/NAME)")]
STRATEGIC = "application/strategic-merge-patch+json"
JSON = "application/json-patch+json"

Change = Callable[["Client", Selected], Awaitable[str]]
"""Changes one object and says what was done."""


def _selection(words: Sequence[str] | None, files: Sequence[str] | None, selector: str) -> Selection:
    if not words and not files:
        raise CommandError("required resource not specified")
    return Selection(words or (), files or (), selector)


async def _fetch(client: Client, one: Selected) -> Object:
    resource = one.target.resource
    found = await client.get(resource, one.target.name, one.namespace or None)
    return {"apiVersion": resource.api_version, "kind": resource.kind, **found}


def status(
    words: Targets = None,
    filename: Filenames = None,
    selector: Selector = "",
    watch: Annotated[bool, Flag("--watch", "-w", help="Until the rollout is done.")] = True,
    timeout: Annotated[str, Flag("--timeout", help="0s: as long as it takes.")] = "0s",
) -> None:
    """Show the status of the rollout."""
    selection = _selection(words, filename, selector)
    seconds = parse_duration(timeout) or None

    async def run(client: Client, namespace: str) -> None:
        for one in await resolve(client, namespace, selection):
            try:
                async with asyncio.timeout(seconds):
                    await _follow(client, one, watch=watch)
            except TimeoutError:
                raise CommandError("timed out waiting for the condition") from None

    session.run(run)


async def _follow(client: Client, one: Selected, *, watch: bool) -> None:
    obj = await _fetch(client, one)
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


def history(
    words: Targets = None,
    filename: Filenames = None,
    selector: Selector = "",
    revision: Annotated[int, Flag("--revision", help="Show this one in full.")] = 0,
) -> None:
    """View rollout history."""
    selection = _selection(words, filename, selector)

    async def run(client: Client, namespace: str) -> None:
        for one in await resolve(client, namespace, selection):
            obj = await _fetch(client, one)
            revisions = await _revisions(client, obj)
            if revision:
                print(f"{one.label} with revision #{revision}\n{_template(obj, revisions, revision)}", end="")
            elif revisions:
                table = align(rollouts.history_table(revisions), gap=2, minimum=0)
                print(f"{one.label} \n{table}")
            else:
                print(f"{one.label} \nNo rollout history found.")

    session.run(run)


async def _revisions(client: Client, obj: Object) -> dict[int, Object]:
    """Raises CommandError for kinds that keep no history."""
    resources = {
        "Deployment": scheme.REPLICA_SETS,
        "DaemonSet": scheme.CONTROLLER_REVISIONS,
        "StatefulSet": scheme.CONTROLLER_REVISIONS,
    }
    resource = resources.get(obj["kind"])
    if resource is None:
        raise CommandError(f"no history viewer has been implemented for {obj['kind']}")
    listed = await client.list(resource, namespace_of(obj))
    return rollouts.revisions_of(obj, listed["items"])


def _template(obj: Object, revisions: dict[int, Object], number: int) -> str:
    from kubectl.describe.pods import write_template
    from kubectl.describe.writer import Writer

    if number not in revisions:
        raise CommandError("unable to find the specified revision")
    found = revisions[number]
    template = get_path(found, "data.spec.template") or get_path(found, "spec.template")
    writer = Writer()
    write_template(writer, template)
    return writer.text()


def undo(
    words: Targets = None,
    filename: Filenames = None,
    selector: Selector = "",
    to_revision: Annotated[int, Flag("--to-revision", help="0: the one before.")] = 0,
    dry: Dry = "none",
) -> None:
    """Undo a previous rollout."""
    selection, mode = _selection(words, filename, selector), dry_run.parse(dry)

    async def run(client: Client, namespace: str) -> None:
        for one in await resolve(client, namespace, selection):
            what = await _undo(client, one, to_revision, mode)
            print(f"{one.label} {what}{mode.suffix}")

    session.run(run)


async def _undo(client: Client, one: Selected, wanted: int, mode: DryRun) -> str:
    obj = await _fetch(client, one)
    name, kind = name_of(obj), obj["kind"]
    if kind not in ("Deployment", "DaemonSet", "StatefulSet"):
        raise CommandError(f"no rollbacker has been implemented for {kind!r}".replace("'", '"'))
    if obj["spec"].get("paused"):
        raise CommandError(
            "you cannot rollback a paused deployment; resume it first with "
            f"'kubectl rollout resume deployment/{name}' and try again"
        )
    revisions = await _revisions(client, obj)
    target = rollouts.revision_to_undo(name, kind.lower(), revisions, wanted)
    if kind == "Deployment":
        if rollouts.is_same_template(obj, target):
            number = max((n for n, each in revisions.items() if each is target), default=wanted)
            return f"skipped rollback (current template already matches revision {number})"
        patch, content_type = rollouts.deployment_rollback(obj, target), JSON
    else:
        patch, content_type = target["data"], STRATEGIC
    if mode is not DryRun.CLIENT:
        await client.patch(
            one.target.resource, name, patch, one.namespace, patch_type=content_type, params=mode.parameters
        )
    return "rolled back"


def restart(words: Targets = None, filename: Filenames = None, selector: Selector = "") -> None:
    """Restart a resource."""
    from kubectl.describe.values import now

    moment = now().strftime("%Y-%m-%dT%H:%M:%SZ")
    template = {"metadata": {"annotations": {rollouts.RESTARTED_AT: moment}}}
    patch = {"spec": {"template": template}}

    async def change(client: Client, one: Selected) -> str:
        obj = await _fetch(client, one)
        if obj["kind"] not in ("Deployment", "DaemonSet", "StatefulSet"):
            raise CommandError(f'{one.target.resource.plural} "{name_of(obj)}" restarting is not supported')
        if obj["spec"].get("paused"):
            raise CommandError("can't restart paused deployment (run rollout resume first)")
        await _patch(client, one, patch)
        return "restarted"

    _change_each(_selection(words, filename, selector), change)


def pause(words: Targets = None, filename: Filenames = None, selector: Selector = "") -> None:
    """Mark the provided resource as paused."""
    _set_paused(_selection(words, filename, selector), True)


def resume(words: Targets = None, filename: Filenames = None, selector: Selector = "") -> None:
    """Resume a paused resource."""
    _set_paused(_selection(words, filename, selector), False)


def _set_paused(selection: Selection, paused: bool) -> None:
    word = "paused" if paused else "resumed"

    async def change(client: Client, one: Selected) -> str:
        obj = await _fetch(client, one)
        if obj["kind"] != "Deployment":
            verb = "pausing" if paused else "resuming"
            raise CommandError(f'{one.target.resource.plural} "{name_of(obj)}" {verb} is not supported')
        if bool(obj["spec"].get("paused")) == paused:
            state = "is already paused" if paused else "is not paused"
            raise CommandError(f'{one.target.resource.group_resource} "{name_of(obj)}" {state}')
        await _patch(client, one, {"spec": {"paused": paused or None}})
        return word

    _change_each(selection, change)


async def _patch(client: Client, one: Selected, patch: Object) -> None:
    await client.patch(
        one.target.resource,
        one.target.name,
        patch,
        one.namespace,
        patch_type=STRATEGIC,
        params={"fieldManager": "kubectl-rollout"},
    )


def _change_each(selection: Selection, change: Change) -> None:
    """Every object; a failure is told at the end."""

    async def run(client: Client, namespace: str) -> None:
        failures: list[Exception] = []
        for one in await resolve(client, namespace, selection):
            try:
                print(f"{one.label} {await change(client, one)}")
            except (CommandError, NotFoundError) as error:
                failures.append(error)
        if failures:
            raise failures[0] if len(failures) == 1 else ExceptionGroup("rollout", failures)

    session.run(run)


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
