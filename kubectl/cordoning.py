"""Whether nodes take new pods: what cordon, uncordon and drain share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from apimachinery import scheme
from apimachinery.objects import Object
from kubectl import dry_run, session
from kubectl.arguments import UsageError
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError
from kubectl.selection import NOTHING_NAMED

if TYPE_CHECKING:
    from client.rest import Client


def run(verb: str, words: Sequence[str], selector: str | None, dry: str, *, unschedulable: bool) -> None:
    check_words(verb, words, selector)
    mode = dry_run.parse(dry)

    async def work(client: Client, _: str) -> None:
        for node in await find_nodes(client, words, selector):
            await set_unschedulable(client, node, unschedulable, mode)

    session.run(work)


def check_words(verb: str, words: Sequence[str], selector: str | None) -> None:
    """Nodes are named, or selected by what is not empty. Raises UsageError, CommandError."""
    if words and selector:
        raise UsageError("cannot specify both a node name and a --selector option", verb, "examples")
    if not words and selector is None:
        raise UsageError(f"USAGE: {verb} NODE [flags]", verb, "examples")
    if not words and not selector:
        raise CommandError(NOTHING_NAMED)


async def find_nodes(client: Client, words: Sequence[str], selector: str | None) -> list[Object]:
    if selector:
        return list((await client.list(scheme.NODES, label_selector=selector))["items"])
    return [await client.get(scheme.NODES, word.removeprefix("node/")) for word in words]


async def set_unschedulable(client: Client, node: Object, wanted: bool, mode: DryRun) -> None:
    name, word = node["metadata"]["name"], "cordoned" if wanted else "uncordoned"
    if bool(node["spec"].get("unschedulable")) == wanted:
        print(f"node/{name} already {word}{mode.suffix}")
        return
    if mode is not DryRun.CLIENT:
        patch = {"spec": {"unschedulable": wanted or None}}
        await client.patch(scheme.NODES, name, patch, params=mode.parameters)
    print(f"node/{name} {word}{mode.suffix}")
