"""One change made to many objects: on the server by a patch of the difference, or only in files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from apimachinery.errors import StatusError
from apimachinery.objects import Object, deep_copy, get_path
from apimachinery.patch import create_merge_patch
from apimachinery.schema import builtin
from apimachinery.strategic import create_two_way_patch
from kubectl import dry_run, printers, recording, session
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError, PlainError, raise_all
from kubectl.flags import Dry, Everything, FieldManager, Filenames, Local, Record, Recursive, Selector
from kubectl.printers import AS_IS, Printing
from kubectl.selection import Selected, Selection, collecting, fetch_all

if TYPE_CHECKING:
    from client.rest import Client

STRATEGIC, MERGE = "application/strategic-merge-patch+json", "application/merge-patch+json"

Change = Callable[[Object], Sequence[str] | None]
"""Changes an object in place, and says what of it it could not. Raises CommandError where it can nothing."""


class Settings(NamedTuple):
    """The flags of every subcommand of `set`."""

    filename: Filenames = None
    recursive: Recursive = False
    selector: Selector = ""
    everything: Everything = False
    local: Local = False
    field_manager: FieldManager = ""
    printing: Printing = AS_IS
    dry: Dry = "none"
    record: Record = False

    def selection(self, words: Sequence[str]) -> Selection:
        return Selection(
            words, self.filename or (), self.selector, everything=self.everything, recursive=self.recursive
        )


def change_all(
    words: Sequence[str], settings: Settings, change: Change, done: str, failure: str = ""
) -> None:
    """`done` is what was updated; `failure` begins the message if the server refuses it."""
    recording.warn(settings.record)
    mode = DryRun.CLIENT if settings.local else dry_run.parse(settings.dry)

    async def run(client: Client, namespace: str) -> None:
        failures: list[Exception] = []

        async def change_one(one: Selected, before: Object) -> None:
            after = deep_copy(before)
            try:
                failures.extend(map(PlainError, change(after) or ()))
            except CommandError as error:
                what = f"{one.target.resource.plural}/{one.target.name}"
                raise CommandError(str(error).replace(OBJECT, what)) from None
            after = recording.recorded(after, settings.record)
            if after == before:
                return
            if mode is not DryRun.CLIENT:
                after = await _send(client, one, before, after, settings, mode, failure)
            if settings.printing:
                print(printers.render([after], settings.printing), end="")
            else:
                print(f"{one.label} {done} updated{mode.suffix}")

        for one, before in await fetch_all(
            client, namespace, settings.selection(words), local=settings.local
        ):
            with collecting(failures):
                await change_one(one, before)
        raise_all(failures)

    session.run(run)


OBJECT = "{object}"
"""In a message of a Change: `deployments/web`, which only the caller knows."""


async def _send(
    client: Client,
    one: Selected,
    before: Object,
    after: Object,
    settings: Settings,
    mode: DryRun,
    failure: str,
) -> Object:
    resource, name = one.target.resource, one.target.name
    schema = builtin().find(resource.api_version, resource.kind)
    patch = create_two_way_patch(before, after, schema) if schema else create_merge_patch(before, after)
    kind = STRATEGIC if schema else MERGE
    params = {"fieldManager": settings.field_manager or "kubectl-set", **mode.parameters}
    try:
        return await client.patch(
            resource, name, patch, one.namespace or None, patch_type=kind, params=params
        )
    except StatusError as error:
        if failure:
            raise CommandError(f"{failure}{error.message}") from None
        raise


def pod_spec(obj: Object) -> Object:
    """The spec of an object's pods, to be changed in place. Raises CommandError."""
    for path in ("spec.template.spec", "spec.jobTemplate.spec.template.spec"):
        found: Object | None = get_path(obj, path)
        if found is not None:
            return found
    if obj["kind"] == "Pod":
        spec: Object = obj.get("spec", {})  # one without has nothing to be changed
        return spec
    kind = f"*{obj['apiVersion'].rpartition('/')[2]}.{obj['kind']}"
    raise CommandError(f"{OBJECT} the object is not a pod or does not have a pod template: {kind}")


def containers_of(spec: Object) -> list[Object]:
    return [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]


def chosen(spec: Object, pattern: str) -> list[Object]:
    """The containers whose names match."""
    return [each for each in containers_of(spec) if fnmatchcase(each["name"], pattern)]
