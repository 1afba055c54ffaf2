"""`rollout history` and `undo`: the revisions of what rolls, and the way back to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from apimachinery import scheme
from apimachinery.objects import Object, get_path, name_of, namespace_of
from kubectl import dry_run, printers, rollouts, session
from kubectl.arguments import Flag
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError
from kubectl.flags import Dry
from kubectl.printers.table import align
from kubectl.rolling import MANAGER, ROLLING, STRATEGIC, Rolling, Targets
from kubectl.selection import Selected, fetch, resolve

if TYPE_CHECKING:
    from client.rest import Client

JSON = "application/json-patch+json"


def history(
    words: Targets,
    rolling: Rolling,
    revision: Annotated[int, Flag("--revision", help="Show this one in full.")] = 0,
) -> None:
    """View rollout history."""
    selection = rolling.selection(words)

    async def run(client: Client, namespace: str) -> None:
        for one in await resolve(client, namespace, selection):
            obj = await fetch(client, one)
            revisions = await _revisions(client, obj)
            if revision and revision not in revisions:
                raise CommandError("unable to find the specified revision")
            if rolling.printing:
                wanted = [revisions[number] for number in sorted(revisions) if revision in (0, number)]
                print(printers.render(wanted, rolling.printing), end="")
            elif revision:
                print(f"{one.label} with revision #{revision}\n{_template(revisions[revision])}")
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
        kind = obj["kind"]
        raise CommandError(f'error retrieving history for "{kind}", no visitor method exists for {{ {kind}}}')
    listed = await client.list(resource, namespace_of(obj))
    kind = {"apiVersion": resource.api_version, "kind": resource.kind}
    return rollouts.revisions_of(obj, [kind | each for each in listed["items"]])


def _template(revision: Object) -> str:
    """kubectl does not align the template of a revision: its tabs stay as they are."""
    from kubectl.describe.pods import write_template
    from kubectl.describe.writer import Writer

    writer = Writer()
    write_template(writer, get_path(revision, "data.spec.template") or get_path(revision, "spec.template"))
    return writer.unaligned()


def undo(
    words: Targets,
    rolling: Rolling,
    to_revision: Annotated[int, Flag("--to-revision", help="0: the one before.")] = 0,
    dry: Dry = "none",
) -> None:
    """Undo a previous rollout."""
    selection, mode = rolling.selection(words), dry_run.parse(dry)

    async def run(client: Client, namespace: str) -> None:
        for one in await resolve(client, namespace, selection):
            what = await _undo(client, one, to_revision, mode)
            if rolling.printing:
                print(printers.render([await fetch(client, one)], rolling.printing), end="")
            else:
                print(f"{one.label} {what}{mode.suffix}")

    session.run(run)


async def _undo(client: Client, one: Selected, wanted: int, mode: DryRun) -> str:
    obj = await fetch(client, one)
    name, kind = name_of(obj), obj["kind"]
    if kind not in ROLLING:
        raise CommandError(
            f'error retrieving rollbacker for "{kind}", no visitor method exists for {{ {kind}}}'
        )
    if obj["spec"].get("paused"):
        raise CommandError(
            "you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' "
            "and try again"
        )
    revisions = await _revisions(client, obj)
    target = rollouts.revision_to_undo(name, kind.lower(), revisions, wanted)
    if mode is DryRun.CLIENT:
        return _template(target)
    if kind == "Deployment":
        if rollouts.is_same_template(obj, target):
            number = max((n for n, each in revisions.items() if each is target), default=wanted)
            return f"skipped rollback (current template already matches revision {number})"
        patch, content_type = rollouts.deployment_rollback(obj, target), JSON
    else:
        patch, content_type = target["data"], STRATEGIC
    params = {"fieldManager": MANAGER, **mode.parameters}
    await client.patch(
        one.target.resource, name, patch, one.namespace, patch_type=content_type, params=params
    )
    return "rolled back"
