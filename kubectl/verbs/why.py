"""`why`: what keeps an object from being well, how that is known, and the command that mends it.

Exit codes: 0 all is well, 1 something is wrong, 2 it could not be found out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from apimachinery.errors import StatusError
from apimachinery.objects import name_of
from client.errors import ConnectionFailed
from component_base.kubeconfig import ConfigError
from kubectl import manifests, session
from kubectl.arguments import Flag, Words
from kubectl.failures import CommandError, PlainError, describe
from kubectl.flags import Filenames
from kubectl.manifests import Manifest
from kubectl.resources import Mapper, Target
from kubectl.why.explanation import Explanation, render, to_list

if TYPE_CHECKING:
    from client.rest import Client
    from kubectl.evidence.asker import Asker

UNWELL, UNKNOWN = 1, 2


def why(
    words: Annotated[list[str] | None, Words("[TYPE [NAME...] | TYPE/NAME...]")] = None,
    filename: Filenames = None,
    output: Annotated[str, Flag("--output", "-o", help="json, or text for people.")] = "",
) -> None:
    """Explain why a pod, workload, service, node, claim, autoscaler or the whole cluster is not well."""
    if output not in ("", "text", "json"):
        raise CommandError(f'unable to match a printer suitable for the output format "{output}"', UNKNOWN)
    try:
        found = session.run(
            lambda client, namespace: _explain(client, namespace, words or [], filename or [])
        )
    except (StatusError, ConnectionFailed, ConfigError, CommandError) as error:
        raise PlainError(describe(error), UNKNOWN) from None
    _print(found, output)
    if not all(each.is_healthy for each in found):
        raise SystemExit(UNWELL)


def _print(found: Sequence[Explanation], output: str) -> None:
    if output == "json":
        import json

        print(json.dumps(to_list(found), indent=2, ensure_ascii=False))
        return
    print("\n".join(map(render, found)), end="")


async def _explain(
    client: Client, namespace: str, words: Sequence[str], filenames: Sequence[str]
) -> list[Explanation]:
    from kubectl.evidence.asker import Asker

    asker, mapper = Asker(client, datetime.now(UTC)), Mapper(client)
    if filenames:
        return [await _manifest(asker, mapper, each, namespace) for each in manifests.read(filenames)]
    if not words:
        return [await _cluster(asker)]
    targets = await mapper.targets(words)
    named = [each for target in targets for each in await _named(asker, target, namespace)]
    return list(await asyncio.gather(*(_object(asker, each, namespace) for each in named)))


async def _cluster(asker: Asker) -> Explanation:
    from kubectl.why.explain import explain_cluster
    from kubectl.why.gather.machine import inspect_if_here

    return await explain_cluster(asker, inspect_if_here(asker.client.config.server, asker.now))


async def _named(asker: Asker, target: Target, namespace: str) -> list[Target]:
    """A type alone means all objects of it."""
    if target.name:
        return [target]
    inside = namespace if target.resource.namespaced else None
    listed = await asker.client.list(target.resource, inside)
    return [Target(target.resource, name_of(each)) for each in listed["items"]]


async def _object(asker: Asker, target: Target, namespace: str) -> Explanation:
    from kubectl.why.explain import explain

    return await explain(asker, target.resource, target.name, namespace if target.resource.namespaced else "")


async def _manifest(asker: Asker, mapper: Mapper, manifest: Manifest, namespace: str) -> Explanation:
    """What the server would say to it; if it takes it, how the object does that is there."""
    from kubectl.why.diagnosis import Diagnosis
    from kubectl.why.gather.manifests import find_kind, try_out

    label = f"{manifest.obj['kind'].lower()}/{name_of(manifest.obj)}"
    resource = await find_kind(mapper, manifest)
    if isinstance(resource, Diagnosis):
        return Explanation(subject=label, findings=[resource])
    obj = manifests.place(manifest.obj, resource, namespace, enforced=bool(session.options().namespace))
    inside = obj["metadata"].get("namespace", "")
    current, findings = await try_out(asker, resource, Manifest(obj, manifest.source))
    if findings or current is None:
        summary = f"the API server would take it; it is not there yet: kubectl apply -f {manifest.source}"
        return Explanation(subject=label, namespace=inside, summary=summary, findings=findings)
    return await _object(asker, Target(resource, name_of(obj)), inside)
