"""Whether nodes take new pods: what cordon, uncordon and drain share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from apimachinery import scheme
from apimachinery.objects import Object
from kubectl import dry_run, session
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError

if TYPE_CHECKING:
    from client.rest import Client


def run(words: Sequence[str], selector: str, dry: str, *, unschedulable: bool) -> None:
    mode = dry_run.parse(dry)

    async def work(client: Client, _: str) -> None:
        for node in await find_nodes(client, words, selector):
            await set_unschedulable(client, node, unschedulable, mode)

    session.run(work)


async def find_nodes(client: Client, words: Sequence[str], selector: str) -> list[Object]:
    if bool(words) == bool(selector):
        raise CommandError(
            "error: cannot specify both a node name and a --selector option" if words
            else "at least one node must be specified"
        )  # fmt: skip
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
