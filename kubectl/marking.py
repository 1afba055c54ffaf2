"""Labels and annotations alike: `KEY=VALUE` sets, `KEY-` removes, without --overwrite nothing is changed.

Source: kubectl/pkg/cmd/label/label.go, annotate/annotate.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apimachinery import names
from apimachinery.objects import Object
from kubectl import dry_run, printers, session
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError
from kubectl.printers import Printing
from kubectl.selection import Selected, Selection, resolve

if TYPE_CHECKING:
    from client.rest import Client


@dataclass(frozen=True, slots=True)
class Marking:
    """One run: `field` is labels or annotations."""

    field: str
    overwrite: bool
    resource_version: str
    show: bool
    printing: Printing

    @property
    def done(self) -> str:
        return "labeled" if self.field == "labels" else "annotated"


@dataclass(frozen=True, slots=True)
class Changes:
    """What to set and what to remove."""

    set: Mapping[str, str]
    remove: Sequence[str]


def split_words(words: Sequence[str], field: str) -> tuple[list[str], Changes]:
    """Separates the objects' names from the changes. Raises CommandError."""
    objects: list[str] = []
    changed: dict[str, str] = {}
    removed: list[str] = []
    for word in words:
        key, equals, value = word.partition("=")
        if equals:
            changed[key] = value
        elif word.endswith("-"):
            removed.append(word[:-1])
        elif changed or removed:
            raise CommandError(f"all resources must be specified before {field[:-1]} changes: {word}")
        else:
            objects.append(word)
    if both := [key for key in removed if key in changed]:
        raise CommandError(f"can not both modify and remove {_article(field)} in the same command: {both[0]}")
    _check(changed, field)
    return objects, Changes(changed, removed)


def _article(field: str) -> str:
    return "a label" if field == "labels" else "an annotation"


def _check(changed: Mapping[str, str], field: str) -> None:
    for key, value in changed.items():
        problems = names.is_qualified_name(key)
        if field == "labels":
            problems = problems or names.is_label_value(value)
        if problems:
            raise CommandError(f'invalid {field[:-1]} "{key}={value}": {"; ".join(problems)}')


def run(
    marking: Marking,
    words: Sequence[str],
    filenames: Sequence[str] | None,
    chosen: tuple[str, str, bool, bool],
    dry: str,
) -> None:
    """The whole verb; `chosen` is (selector, field selector, --all, --all-namespaces)."""
    objects, changes = split_words(words, marking.field)
    if not (changes.set or changes.remove or marking.show):
        raise CommandError(f"at least one {marking.field[:-1]} update is required")
    selector, field_selector, everything, all_namespaces = chosen
    selection = Selection(objects, filenames or (), selector, field_selector, everything, all_namespaces)
    mode = dry_run.parse(dry)

    async def work(client: Client, namespace: str) -> None:
        for one in await resolve(client, namespace, selection):
            await _mark(client, one, marking, changes, mode)

    session.run(work)


_MANAGERS = {"labels": "kubectl-label", "annotations": "kubectl-annotate"}


async def _mark(client: Client, one: Selected, marking: Marking, changes: Changes, mode: DryRun) -> None:
    resource, name, namespace = one.target.resource, one.target.name, one.namespace or None
    obj = await client.get(resource, name, namespace)
    current = obj["metadata"].get(marking.field) or {}
    if marking.show:
        for key, value in sorted(current.items()):
            print(f"{key}={value}")
        return
    _refuse_overwriting(marking, changes, current)
    for key in changes.remove:
        if key not in current:
            print(f'{marking.field[:-1]} "{key}" not found.')
    patch: Object = {"metadata": {marking.field: {**changes.set, **dict.fromkeys(changes.remove)}}}
    if marking.resource_version:
        patch["metadata"]["resourceVersion"] = marking.resource_version
    changed = any(current.get(k) != v for k, v in changes.set.items()) or any(
        k in current for k in changes.remove
    )
    if mode is not DryRun.CLIENT and changed:
        params = {"fieldManager": _MANAGERS[marking.field], **mode.parameters}
        obj = await client.patch(resource, name, patch, namespace, params=params)
    _say(one, obj, marking, changes, mode, changed)


def _refuse_overwriting(marking: Marking, changes: Changes, current: Mapping[str, str]) -> None:
    if marking.overwrite:
        return
    for key, value in changes.set.items():
        if key in current and (current[key] != value or marking.field == "annotations"):
            if marking.field == "labels":
                raise CommandError(f"'{key}' already has a value ({current[key]}), and --overwrite is false")
            raise CommandError(
                f"--overwrite is false but found the following declared annotation(s): '{key}' "
                f"already has a value ({current[key]})"
            )


def _say(one: Selected, obj: Object, marking: Marking, changes: Changes, mode: DryRun, changed: bool) -> None:
    if marking.printing.form == "name":
        print(one.label)
    elif marking.printing:
        print(printers.render([obj], marking.printing), end="")
    else:
        done = "unlabeled" if marking.field == "labels" and not changes.set else marking.done
        if not changed and marking.field == "labels":
            done = "not labeled"
        print(f"{one.label} {done}{mode.suffix}")
