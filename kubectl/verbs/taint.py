"""`taint`: sets and removes taints of nodes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from apimachinery import names, scheme
from apimachinery.objects import Object, name_of
from kubectl import dry_run, field_validation, printers, session
from kubectl.arguments import Words
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError
from kubectl.flags import Dry, Everything, FieldManager, Overwrite, Selector, Validate
from kubectl.printers import AS_IS, Printing
from kubectl.resources import Target

if TYPE_CHECKING:
    from client.rest import Client

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_HINT = "See 'kubectl taint -h' for help and examples"


@dataclass(frozen=True, slots=True)
class Changes:
    """Taints to set; (key, effect or nothing) to remove."""

    set: tuple[Object, ...]
    remove: tuple[tuple[str, str], ...]

    def done(self, current: Sequence[Object]) -> str:
        """What has been done to a node that had these taints."""
        if not self.set:
            return "untainted"
        present = {(each["key"], each["effect"]) for each in current}
        changed = any((each["key"], each["effect"]) in present for each in self.set)
        return "modified" if self.remove or changed else "tainted"


def parse(words: Sequence[str]) -> Changes:
    """`key=value:effect`, `key:effect`, `key-`, `key:effect-`. Raises CommandError."""
    wanted = tuple(_taint(word) for word in words if not word.endswith("-"))
    removed = tuple(_removal(word) for word in words if word.endswith("-"))
    return Changes(wanted, removed)


def _taint(word: str) -> Object:
    match = re.fullmatch(r"([^=:]+)(?:=([^:]*))?:([^:]+)", word)
    if match is None:
        problems = names.is_qualified_name(word)
        raise CommandError(f"invalid taint spec: {', '.join([word, *problems])}\n{_HINT}")
    key, value, effect = match[1], match[2], match[3]
    _check_effect(effect)
    if problems := names.is_qualified_name(key) or names.is_label_value(value or ""):
        raise CommandError(f"invalid taint spec: {word}, {'; '.join(problems)}\n{_HINT}")
    return {"key": key, **({"value": value} if value else {}), "effect": effect}


def _removal(word: str) -> tuple[str, str]:
    key, _, effect = word.removesuffix("-").partition(":")
    if effect:
        _check_effect(effect)
    return key.partition("=")[0], effect


def _check_effect(effect: str) -> None:
    if effect not in _EFFECTS:
        raise CommandError(f"invalid taint effect: {effect}, unsupported taint effect\n{_HINT}")


def apply(current: Sequence[Object], changes: Changes, *, overwrite: bool, name: str = "") -> list[Object]:
    """The new taints. Raises CommandError where a taint exists or is missing that should not."""
    for key, effect in changes.remove:
        if not any(each["key"] == key and effect in ("", each["effect"]) for each in current):
            shown = f"{key}:{effect}" if effect else key
            raise CommandError(f'taint "{shown}" not found')
    kept = [
        each
        for each in current
        if not any(each["key"] == key and effect in ("", each["effect"]) for key, effect in changes.remove)
    ]
    new = {(each["key"], each["effect"]) for each in changes.set}
    clashing = [each for each in kept if (each["key"], each["effect"]) in new]
    if clashing and not overwrite:
        raise CommandError(f"node {name} already has a taint(s) with same effect(s) and --overwrite is false")
    return [*changes.set, *(each for each in kept if (each["key"], each["effect"]) not in new)]


def taint(
    words: Annotated[list[str], Words("NODE NAME KEY_1=VAL_1:TAINT_EFFECT_1 ... KEY_N-")],
    overwrite: Overwrite = False,
    selector: Selector = "",
    everything: Everything = False,
    field_manager: FieldManager = "",
    validate: Validate = "strict",
    printing: Printing = AS_IS,
    dry: Dry = "none",
) -> None:
    """Update the taints on one or more nodes."""
    if not words:
        raise CommandError("one or more resources must be specified as <resource> <name>")
    kind, *rest = words
    if kind.lower() not in ("node", "nodes", "no"):
        raise CommandError(f"invalid resource type {kind}, only node types are supported")
    specs = [word for word in rest if word.endswith("-") or ":" in word or "=" in word]
    if not specs:
        raise CommandError("at least one taint update is required")
    changes, mode = parse(specs), dry_run.parse(dry)
    chosen = [word for word in rest if word not in specs]
    params = {
        "fieldManager": field_manager or "kubectl-taint",
        "fieldValidation": field_validation.parse(validate),
        **mode.parameters,
    }

    async def run(client: Client, _: str) -> None:
        listed = [] if chosen else (await client.list(scheme.NODES, label_selector=selector or None))["items"]
        if not chosen and not (selector or everything):
            raise CommandError("one or more nodes must be specified")
        for name in chosen or [node["metadata"]["name"] for node in listed]:
            before = {"apiVersion": "v1", "kind": "Node", **await client.get(scheme.NODES, name)}
            after = await _tainted(client, before, changes, overwrite, mode, params)
            if printing:
                print(printers.render([after], printing), end="")
            else:
                done = changes.done(before["spec"].get("taints") or ())
                print(f"{Target(scheme.NODES, name).label} {done}{mode.suffix}")

    session.run(run)


async def _tainted(
    client: Client, node: Object, changes: Changes, overwrite: bool, mode: DryRun, params: dict[str, str]
) -> Object:
    """The node as it is then."""
    name = name_of(node)
    taints = apply(node["spec"].get("taints") or [], changes, overwrite=overwrite, name=name)
    if mode is DryRun.CLIENT:
        return {**node, "spec": {**node["spec"], "taints": taints}}
    metadata = {"resourceVersion": node["metadata"]["resourceVersion"]}
    patch = {"metadata": metadata, "spec": {"taints": taints or None}}
    return await client.patch(scheme.NODES, name, patch, params=params)
