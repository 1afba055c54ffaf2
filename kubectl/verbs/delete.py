"""`delete`: by name, selector or file, and the wait until the objects are gone."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

from apimachinery.errors import NotFoundError, StatusError
from apimachinery.objects import Object
from client.waiting import until_gone
from kubectl import dry_run, manifests, raw, session
from kubectl.arguments import Flag, Words
from kubectl.deleting import propagation
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError, raise_all
from kubectl.flags import (
    AllNamespaces,
    Dry,
    Everything,
    FieldSelector,
    Filenames,
    IgnoreNotFound,
    Recursive,
    Selector,
)
from kubectl.selection import Selected, Selection, resolve

if TYPE_CHECKING:
    from client.rest import Client

FORCE_WARNING = (
    "Warning: Immediate deletion does not wait for confirmation that the running resource has been "
    "terminated. The resource may continue to run on the cluster indefinitely."
)
CLUSTER_WARNING = "Warning: deleting cluster-scoped resources, not scoped to the provided namespace"
FOREVER = 7 * 24 * 3600.0


def delete(
    words: Annotated[list[str], Words("([-f FILENAME] | TYPE [(NAME | -l label | --all)])")],
    filename: Filenames = None,
    selector: Selector = "",
    field_selector: FieldSelector = "",
    everything: Everything = False,
    all_namespaces: AllNamespaces = False,
    grace_period: Annotated[int, Flag("--grace-period", help="Seconds; -1: the object's own.")] = -1,
    force: Annotated[bool, Flag("--force", help="At once, without waiting for the kubelet.")] = False,
    now: Annotated[bool, Flag("--now", help="As --grace-period=1.")] = False,
    wait: Annotated[bool, Flag("--wait", help="Wait until the objects are gone.")] = True,
    timeout: Annotated[float, Flag("--timeout", help="0s: as long as it takes.")] = 0.0,
    cascade: Annotated[
        str, Flag("--cascade", bare="background", help="background, foreground or orphan.")
    ] = "background",
    ignore_not_found: IgnoreNotFound = False,
    output: Annotated[str, Flag("--output", "-o", help="name")] = "",
    dry: Dry = "none",
    recursive: Recursive = False,
    interactive: Annotated[bool, Flag("--interactive", "-i", help="Ask before anything is deleted.")] = False,
    path: Annotated[str, Flag("--raw", help="DELETE this path of the server.")] = "",
) -> None:
    """Delete resources."""
    if path:
        excluded = {
            "--interactive can not be used with --raw": interactive,
            "--recursive": recursive, "--output": output,
        }  # fmt: skip
        raw.send("DELETE", path, filename or (), excluded=excluded, may_be_empty=True)
        return
    if now and grace_period >= 0:
        raise CommandError("--now and --grace-period cannot be specified together")
    if now:
        grace_period = 1
    if grace_period == 0 and not force:
        wait, grace_period = True, 1
    if force and grace_period < 0:
        grace_period = 0
    if output not in ("", "name"):
        raise CommandError(f"unexpected -o output mode: {output}. We only support '-o name'")
    if everything and (selector or field_selector):
        raise CommandError("setting 'all' parameter but found a non empty selector. ")
    if force and grace_period > 0:
        raise CommandError("--force and --grace-period greater than 0 cannot be specified together")
    selection = Selection(
        words, filename or (), selector, field_selector, everything, all_namespaces, recursive
    )
    deletion = Deletion(
        grace_period=grace_period,
        propagation=propagation(cascade),
        mode=dry_run.parse(dry),
        force=force,
        by_name=output == "name",
        ignore_not_found=ignore_not_found or everything or bool(selector),
        limit=timeout or FOREVER if wait else 0.0,
        interactive=interactive,
    )
    session.run(lambda client, namespace: deletion.run(client, namespace, selection))


def confirmed(selected: list[Selected]) -> bool:
    """Whether the user, who is shown what is about to go, says yes."""
    print(f"You are about to delete the following {len(selected)} resource(s):")
    for one in selected:
        print(one.label)
    print("Do you want to continue? (y/n): ", end="", flush=True)
    return sys.stdin.readline().strip().lower() == "y"


class Deletion:
    """One run of `delete`. `limit` is how long to wait for the objects to go, in seconds; 0: not at all."""

    def __init__(
        self,
        *,
        grace_period: int,
        propagation: str,
        mode: DryRun,
        force: bool,
        by_name: bool,
        ignore_not_found: bool,
        limit: float,
        interactive: bool,
    ) -> None:
        self._interactive = interactive
        self._mode = mode
        self._force = force
        self._by_name = by_name
        self._ignore_not_found = ignore_not_found
        self._limit = 0.0 if mode is not DryRun.NONE else limit
        self._options: Object = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": propagation,
        }
        if grace_period >= 0:
            self._options["gracePeriodSeconds"] = grace_period
        if mode is DryRun.SERVER:
            self._options["dryRun"] = ["All"]

    async def run(self, client: Client, namespace: str, selection: Selection) -> None:
        failures: list[Exception] = []
        unread: list[Exception] = []
        selected = await resolve(client, namespace, selection, failures=unread)
        if not selected:
            raise_all(unread)
            print("No resources found")
            return
        if self._interactive and not confirmed(selected):
            print("deletion is cancelled")
            return
        if self._force and self._mode is DryRun.NONE:
            print(FORCE_WARNING, file=sys.stderr)
        inside = session.options().namespace and not selection.all_namespaces
        if inside and any(not one.target.resource.namespaced for one in selected):
            print(CLUSTER_WARNING, file=sys.stderr)
        waiting: list[tuple[Selected, str]] = []
        for one in selected:
            try:
                waiting.append((one, await self._delete(client, one)))
            except StatusError as error:
                if not (isinstance(error, NotFoundError) and self._ignore_not_found):
                    failures.append(
                        manifests.with_source(error, "deleting", one.source) if one.source else error
                    )
        if self._limit:
            await self._wait(client, waiting)
        raise_all([*failures, *unread])

    async def _delete(self, client: Client, one: Selected) -> str:
        """Asks for the deletion; returns the uid of what is going, where the server tells it."""
        resource, name = one.target.resource, one.target.name
        if self._mode is DryRun.CLIENT:
            answer = await client.get(resource, name, one.namespace or None)
        else:
            answer = await client.delete(resource, name, one.namespace or None, options=self._options)
        self._say(one)
        details = answer.get("details") or answer.get("metadata") or {}
        return str(details.get("uid", ""))

    def _say(self, one: Selected) -> None:
        if self._by_name:
            print(one.label)
            return
        kind, _, name = one.label.partition("/")
        how = "force deleted" if self._force else "deleted"
        print(f'{kind} "{name}" {how}{self._mode.suffix}')

    async def _wait(self, client: Client, waiting: list[tuple[Selected, str]]) -> None:
        try:
            async with asyncio.timeout(self._limit), asyncio.TaskGroup() as group:
                for one, uid in waiting:
                    target = one.target
                    group.create_task(until_gone(client, target.resource, target.name, one.namespace, uid))
        except TimeoutError:
            raise CommandError("timed out waiting for the condition") from None
