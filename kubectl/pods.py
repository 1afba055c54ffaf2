"""Which pod and which container a command means when it names a workload, or no container.

Source: kubectl/pkg/polymorphichelpers, kubectl/pkg/cmd/util/podcmd.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from apimachinery import labels, scheme
from apimachinery.objects import Object
from apimachinery.pods import is_ready
from kubectl.failures import CommandError
from kubectl.resources import Target

if TYPE_CHECKING:
    from client.rest import Client

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


async def first_pod(client: Client, namespace: str, target: Target) -> Object:
    """The pod itself, or the best pod of a workload or Service: a ready and old one first."""
    if target.resource.kind == "Pod":
        return await client.get(scheme.PODS, target.name, namespace)
    owner = await client.get(target.resource, target.name, namespace)
    selector = (owner.get("spec") or {}).get("selector")
    if not selector:
        raise CommandError(f"cannot attach to *{target.resource.kind}: selector is empty")
    plain = "matchLabels" not in selector and "matchExpressions" not in selector
    parsed = labels.selector_from_map(selector) if plain else labels.selector_from_label_selector(selector)
    listed = await client.list(scheme.PODS, namespace, label_selector=str(parsed))
    if not listed["items"]:
        raise CommandError(f"no pods found for {target.label}")
    pods = sorted(listed["items"], key=lambda pod: (not is_ready(pod), pod["metadata"]["creationTimestamp"]))
    if len(pods) > 1:
        names = len(pods)
        print(f"Found {names} pods, using pod/{pods[0]['metadata']['name']}", file=sys.stderr)
    return dict(pods[0])


def running_containers(pod: Object, wanted: str, *, everything: bool = False) -> list[str]:
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
    annotated = (pod["metadata"].get("annotations") or {}).get(DEFAULT_CONTAINER)
    if annotated is not None and annotated in names:
        return [annotated]
    first: str = spec["containers"][0]["name"]
    if len(names) > 1:
        print(f'Defaulted container "{first}" out of: {_all(spec)}', file=sys.stderr)
    return [first]


def _all(spec: Object) -> str:
    plain = [container["name"] for container in spec.get("containers") or []]
    ephemeral = [f"{container['name']} (ephem)" for container in spec.get("ephemeralContainers") or []]
    initial = [f"{container['name']} (init)" for container in spec.get("initContainers") or []]
    return ", ".join(plain + ephemeral + initial)
