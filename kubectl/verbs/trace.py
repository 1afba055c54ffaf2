"""`trace`: one apply, or the last change of an object, followed through every daemon as a tree of causes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from apimachinery.durations import parse_duration
from apimachinery.objects import Object
from apimachinery.scheme import Resource
from kubectl import manifests, session
from kubectl.arguments import Flag, Words
from kubectl.failures import CommandError
from kubectl.flags import Filenames
from kubectl.manifests import Manifest
from kubectl.resources import Mapper

if TYPE_CHECKING:
    from client.rest import Client
    from kubectl.trace.steps import Step


def trace(
    words: Annotated[list[str], Words("apply | TYPE/NAME")],
    filename: Filenames = None,
    timeout: Annotated[str, Flag("--timeout", help="How long to wait until all is at rest.")] = "60s",
    output: Annotated[str, Flag("--output", "-o", help="json, or text for people.")] = "",
) -> None:
    """Follow one apply, or the last change of an object, through every daemon."""
    if output not in ("", "text", "json"):
        raise CommandError(f'unable to match a printer suitable for the output format "{output}"')
    if (words == ["apply"]) != bool(filename):
        raise CommandError("expected 'trace apply -f FILENAME' or 'trace TYPE/NAME'")
    if not filename:
        _print(session.run(lambda client, namespace: _past(client, namespace, words)), output, settled=True)
        return
    loaded, limit = manifests.read(filename), parse_duration(timeout)
    if not loaded:
        raise CommandError("no objects passed to trace")
    steps, settled = session.run(lambda client, namespace: _apply(client, namespace, loaded, limit))
    _print(steps, output, settled=settled)
    if not settled:
        raise CommandError(f"not at rest after {timeout}; ask: sampan why -f {filename[0]}")


def _print(steps: Sequence[Step], output: str, *, settled: bool) -> None:
    from kubectl.trace.report import render, to_object

    if output == "json":
        import json

        print(json.dumps(to_object(steps, settled=settled), indent=2, ensure_ascii=False))
    else:
        print(render(steps), end="")


async def _apply(
    client: Client, namespace: str, loaded: Sequence[Manifest], limit: float
) -> tuple[list[Step], bool]:
    from kubectl.trace.follow import follow_apply

    mapper = Mapper(client)
    return await follow_apply(client, [await _placed(mapper, each, namespace) for each in loaded], limit)


async def _placed(mapper: Mapper, manifest: Manifest, namespace: str) -> tuple[Resource, Object]:
    resource = await manifests.resource_of(mapper, manifest)
    enforced = bool(session.options().namespace)
    return resource, manifests.place(manifest.obj, resource, namespace, enforced=enforced)


async def _past(client: Client, namespace: str, words: Sequence[str]) -> list[Step]:
    from kubectl.trace.follow import follow_past

    targets = await Mapper(client).targets(words)
    if len(targets) != 1 or not targets[0].name:
        raise CommandError("name one object: trace TYPE/NAME")
    resource = targets[0].resource
    return await follow_past(client, resource, targets[0].name, namespace if resource.namespaced else "")
