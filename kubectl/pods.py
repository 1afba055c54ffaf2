"""Which pod and which container a command means when it names a workload, or no container.

Source: kubectl/pkg/polymorphichelpers, kubectl/pkg/cmd/util/podcmd.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from apimachinery import labels, scheme
from apimachinery.objects import Object, annotations_of, name_of
from apimachinery.pods import is_ready
from kubectl.failures import CommandError
from kubectl.resources import Mapper, Target
from kubectl.selection import Selection, resolve

if TYPE_CHECKING:
    from client.rest import Client

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


async def attachable_pod(
    client: Client, namespace: str, words: Sequence[str], filenames: Sequence[str], seconds: float
) -> Object:
    """The pod that `POD`, `TYPE/NAME`, `TYPE NAME` or a file means; of a workload one that may still come.

    Raises StatusError, and CommandError if none has come after so many seconds.
    """
    mapper = Mapper(client)
    if filenames:
        chosen = await resolve(client, namespace, Selection(filenames=filenames))
        if len(chosen) != 1:
            raise CommandError("cannot exec into multiple objects at a time")
        target, namespace, _ = chosen[0]
    elif len(words) == 1 and "/" not in words[0]:
        target = Target(scheme.PODS, words[0])
    else:
        target = (await mapper.targets(words))[0]
    return await first_pod(client, namespace, target, seconds)


async def first_pod(
    client: Client, namespace: str, target: Target, seconds: float = 0.0, *, announce: bool = False
) -> Object:
    """The pod itself, or the best pod of a workload or Service: a ready and old one first.

    With `announce` the choice among several is told.
    """
    if target.resource.kind == "Pod":
        return await client.get(scheme.PODS, target.name, namespace)
    owner = await client.get(target.resource, target.name, namespace)
    selector = pod_selector(target, owner)
    listed = await client.list(scheme.PODS, namespace, label_selector=selector)
    pods: list[Object] = listed["items"]
    if not pods and seconds:
        pods = [await _arriving(client, namespace, selector, listed["metadata"]["resourceVersion"], seconds)]
    if not pods:
        raise CommandError(f"no pods found for {target.label}")
    chosen = min(pods, key=lambda pod: (not is_ready(pod), pod["metadata"]["creationTimestamp"]))
    if announce and len(pods) > 1:
        print(f"Found {len(pods)} pods, using pod/{name_of(chosen)}", file=sys.stderr)
    return chosen


async def _arriving(client: Client, namespace: str, selector: str, version: str, seconds: float) -> Object:
    events = client.watch(scheme.PODS, namespace, resource_version=version, label_selector=selector)
    try:
        async with asyncio.timeout(seconds), aclosing(events):
            async for kind, pod in events:
                if kind == "ADDED":
                    return pod
    except TimeoutError:
        pass
    raise CommandError("timed out waiting for the condition")


def pod_selector(target: Target, owner: Object) -> str:
    """The labels of an object's pods. Raises CommandError for what has none."""
    selector = (owner.get("spec") or {}).get("selector")
    if not selector:
        if target.resource.kind == "Service":
            why = f"invalid service '{target.name}': Service is defined without a selector"
            raise CommandError(f"cannot attach to *v1.Service: {why}")
        raise CommandError(
            f"cannot attach to *{target.resource.version}.{target.resource.kind}: selector is empty"
        )
    plain = "matchLabels" not in selector and "matchExpressions" not in selector
    parsed = labels.selector_from_map(selector) if plain else labels.selector_from_label_selector(selector)
    return str(parsed)


def running_containers(
    pod: Object, wanted: str, *, everything: bool = False, quiet: bool = False
) -> list[str]:
    """The container that is meant; with `everything` all of them, init containers first."""
    spec = pod["spec"]
    groups = ("initContainers", "containers", "ephemeralContainers")
    names = [container["name"] for group in groups for container in spec.get(group) or []]
    if everything:
        return names
    if wanted:
        if wanted not in names:
            raise CommandError(f"container {wanted} is not valid for pod {pod['metadata']['name']}")
        return [wanted]
    annotated = annotations_of(pod).get(DEFAULT_CONTAINER)
    if annotated is not None and annotated in names:
        return [annotated]
    first: str = spec["containers"][0]["name"]
    if len(names) > 1 and not quiet:
        print(f'Defaulted container "{first}" out of: {_all(spec)}', file=sys.stderr)
    return [first]


def _all(spec: Object) -> str:
    plain = [container["name"] for container in spec.get("containers") or []]
    ephemeral = [f"{container['name']} (ephem)" for container in spec.get("ephemeralContainers") or []]
    initial = [f"{container['name']} (init)" for container in spec.get("initContainers") or []]
    return ", ".join(plain + ephemeral + initial)
