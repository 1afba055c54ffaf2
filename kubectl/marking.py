"""Labels and annotations alike: `KEY=VALUE` sets, `KEY-` removes, without --overwrite nothing is changed.

Source: kubectl/pkg/cmd/label/label.go, annotate/annotate.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, NamedTuple

from apimachinery import names
from apimachinery.objects import Object
from kubectl import dry_run, printers, recording, session
from kubectl.arguments import Flag
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError
from kubectl.flags import (
    AllNamespaces,
    Dry,
    Everything,
    FieldManager,
    FieldSelector,
    Filenames,
    Local,
    Overwrite,
    Record,
    Recursive,
    ResourceVersion,
    Selector,
)
from kubectl.printers import AS_IS, Printing
from kubectl.selection import Selected, Selection, for_each

if TYPE_CHECKING:
    from client.rest import Client

LABELS, ANNOTATIONS = "labels", "annotations"
_MANAGERS = {LABELS: "kubectl-label", ANNOTATIONS: "kubectl-annotate"}


class Marking(NamedTuple):
    """The flags of both."""

    filename: Filenames = None
    recursive: Recursive = False
    selector: Selector = ""
    field_selector: FieldSelector = ""
    everything: Everything = False
    all_namespaces: AllNamespaces = False
    overwrite: Overwrite = False
    show: Annotated[bool, Flag("--list", help="Print what there is.")] = False
    resource_version: ResourceVersion = ""
    local: Local = False
    field_manager: FieldManager = ""
    printing: Printing = AS_IS
    dry: Dry = "none"
    record: Record = False

    def selection(self, words: Sequence[str]) -> Selection:
        chosen = (self.selector, self.field_selector, self.everything, self.all_namespaces)
        return Selection(words, self.filename or (), *chosen, self.recursive)


class Changes(NamedTuple):
    """What to set and what to remove."""

    set: Mapping[str, str]
    remove: Sequence[str]

    def apply(self, current: Mapping[str, str]) -> dict[str, str]:
        return {key: value for key, value in {**current, **self.set}.items() if key not in self.remove}


def split_words(words: Sequence[str], field: str) -> tuple[list[str], Changes]:
    """Separates the objects' names from the changes. Raises CommandError."""
    objects: list[str] = []
    changed: dict[str, str] = {}
    removed: list[str] = []
    for word in words:
        key, equals, value = word.partition("=")
        if equals and key:
            changed[key] = value
        elif word.endswith("-"):
            removed.append(word[:-1])
        elif changed or removed:
            raise CommandError(f"all resources must be specified before {field[:-1]} changes: {word}")
        else:
            objects.append(word)
    if both := [key for key in removed if key in changed]:
        raise CommandError(f"can not both modify and remove {_named(field, both)} in the same command")
    if field == LABELS:
        _check_values(changed)
    return objects, Changes(changed, removed)


def _named(field: str, keys: Sequence[str]) -> str:
    return "a label" if field == LABELS else f"the following annotation(s): {', '.join(keys)}"


def _check_values(changed: Mapping[str, str]) -> None:
    """Keys are for the server to judge, as with kubectl."""
    for key, value in changed.items():
        if problems := names.is_label_value(value):
            raise CommandError(f'invalid label value: "{key}={value}": {"; ".join(problems)}')


def run(field: str, words: Sequence[str], marking: Marking) -> None:
    """The whole verb, for labels or annotations."""
    objects, changes = split_words(words, field)
    if not (changes.set or changes.remove or marking.show):
        raise CommandError(f"at least one {field[:-1]} update is required")
    if marking.local and not marking.filename:
        raise CommandError(
            "can only use local files by -f pod.yaml or --filename=pod.json when --local=true is set"
        )
    recording.warn(marking.record)
    mode = DryRun.CLIENT if marking.local else dry_run.parse(marking.dry)

    async def work(client: Client, namespace: str) -> None:
        async def mark(one: Selected, obj: Object) -> None:
            await _mark(client, field, one, obj, marking, changes, mode)

        await for_each(client, namespace, marking.selection(objects), mark, local=marking.local)

    session.run(work)


async def _mark(
    client: Client, field: str, one: Selected, obj: Object, marking: Marking, changes: Changes, mode: DryRun
) -> None:
    current = obj["metadata"].get(field) or {}
    if marking.show:
        for key, value in current.items():
            print(f"{key}={value}")
        return
    if not marking.overwrite:
        refuse_overwriting(field, changes.set, current)
    for key in changes.remove:
        if field == LABELS and key not in current:
            print(f'label "{key}" not found.')
    wanted = changes.apply(current)
    if mode is DryRun.CLIENT:
        obj = {**obj, "metadata": {**obj["metadata"], field: wanted}}
    elif wanted != current or field == ANNOTATIONS:
        patch: Object = {"metadata": {field: {**changes.set, **dict.fromkeys(changes.remove)}}}
        if marking.record:
            patch["metadata"].setdefault("annotations", {}).update(recording.cause(True))
        if marking.resource_version:
            patch["metadata"]["resourceVersion"] = marking.resource_version
        params = {"fieldManager": marking.field_manager or _MANAGERS[field], **mode.parameters}
        resource, name = one.target.resource, one.target.name
        obj = await client.patch(resource, name, patch, one.namespace or None, params=params)
    if marking.printing:
        print(printers.render([obj], marking.printing), end="")
    else:
        print(f"{one.label} {_done(field, changes, wanted != current)}{mode.suffix}")


def refuse_overwriting(field: str, changes: Mapping[str, str], current: Mapping[str, str]) -> None:
    """Raises CommandError for the first key that has another value already."""
    for key, value in changes.items():
        if current.get(key, value) == value:
            continue
        if field == LABELS:
            raise CommandError(f"'{key}' already has a value ({current[key]}), and --overwrite is false")
        raise CommandError(
            f"--overwrite is false but found the following declared annotation(s): '{key}' "
            f"already has a value ({current[key]})"
        )


def _done(field: str, changes: Changes, changed: bool) -> str:
    if field == ANNOTATIONS:
        return "annotated"
    if not changed:
        return "not labeled"
    return "labeled" if changes.set else "unlabeled"
