"""The pods that `debug` makes: one with a container more, a copy of it, or one on a node. Pure.

Source: k8s.io/kubectl/pkg/cmd/debug/debug.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from apimachinery.objects import Object, deep_copy, namespace_of
from apimachinery.schema import builtin
from apimachinery.strategic import strategic_merge
from kubectl.debugging import profiles
from kubectl.debugging.profiles import Keep, Style
from kubectl.failures import CommandError


class Wanted(NamedTuple):
    """What the user asked for. `share` is None where nothing is said about it."""

    image: str = ""
    command: Sequence[str] = ()
    arguments_only: bool = False
    env: Mapping[str, str] = {}
    pull_policy: str = ""
    stdin: bool = False
    tty: bool = False
    target: str = ""
    copy_to: str = ""
    same_node: bool = False
    share: bool | None = None
    images: Mapping[str, str] = {}
    profile: str = profiles.LEGACY
    keep: Keep = Keep()
    custom: Object | None = None


def container(name: str, wanted: Wanted) -> Object:
    """A new container; what is not asked for is for the server to say."""
    made: Object = {"name": name, "image": wanted.image, "terminationMessagePolicy": "File"}
    if wanted.command:
        made["args" if wanted.arguments_only else "command"] = list(wanted.command)
    if wanted.env:
        made["env"] = _env(wanted)
    if wanted.pull_policy:
        made["imagePullPolicy"] = wanted.pull_policy
    return made | {key: True for key, on in (("stdin", wanted.stdin), ("tty", wanted.tty)) if on}


def _env(wanted: Wanted) -> list[Object]:
    return [{"name": name, "value": value} for name, value in wanted.env.items()]


def with_ephemeral(pod: Object, name: str, wanted: Wanted) -> Object:
    """The pod with one ephemeral container more."""
    result: Object = deep_copy(pod)
    made = container(name, wanted) | ({"targetContainerName": wanted.target} if wanted.target else {})
    result["spec"]["ephemeralContainers"] = [*(pod["spec"].get("ephemeralContainers") or ()), made]
    profiles.apply(wanted.profile, result, name, Style.EPHEMERAL, wanted.keep)
    _customize(result, name, wanted.custom)
    return result


def on_node(node: str, pod_name: str, name: str, wanted: Wanted) -> Object:
    """A pod on the node that tolerates whatever keeps others away."""
    spec: Object = {
        "containers": [container(name, wanted)],
        "nodeName": node,
        "restartPolicy": "Never",
        "tolerations": [{"operator": "Exists"}],
    }
    pod: Object = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod_name}, "spec": spec}
    profiles.apply(wanted.profile, pod, name, Style.NODE, wanted.keep)
    _customize(pod, name, wanted.custom)
    return pod


def copied(pod: Object, wanted: Wanted) -> Object:
    """The copy as it is before a container is added or changed."""
    kept = {key: pod["metadata"][key] for key in ("annotations", "labels") if key in pod["metadata"]}
    metadata = {"name": wanted.copy_to, "namespace": namespace_of(pod), **kept}
    result: Object = deep_copy({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod["spec"]})
    spec = result["spec"]
    spec.pop("ephemeralContainers", None)
    if wanted.share is not None:
        spec["shareProcessNamespace"] = wanted.share
    if not wanted.same_node:
        spec.pop("nodeName", None)
    for each in spec["containers"]:
        each["image"] = wanted.images.get(each["name"]) or wanted.images.get("*") or each["image"]
    return result


def needs_container(copy: Object, name: str, wanted: Wanted) -> bool:
    """Whether a container is to be added to a copy. Raises CommandError where there is no image for it."""
    if name in names(copy):
        return False
    if not wanted.image and not wanted.images:
        raise CommandError("you must specify image when creating new container")
    return bool(wanted.image)


def with_container(copy: Object, name: str, wanted: Wanted) -> Object:
    """The copy with the container added, or changed if it is there."""
    result: Object = deep_copy(copy)
    if name not in names(result):
        result["spec"]["containers"].append({"name": name, "terminationMessagePolicy": "File"})
    found = profiles.find(result, name)
    new = container(name, wanted)
    changed = {
        key: new[key] for key in ("image", "command", "args", "env", "imagePullPolicy") if new.get(key)
    }
    if "command" in changed:
        found.pop("args", None)
    found |= changed
    for key in ("stdin", "tty"):
        found.pop(key, None)
    found |= {key: True for key in ("stdin", "tty") if key in new}
    profiles.apply(wanted.profile, result, name, Style.COPY, wanted.keep)
    _customize(result, name, wanted.custom)
    return result


def names(pod: Object) -> set[str]:
    groups = ("initContainers", "containers", "ephemeralContainers")
    return {each["name"] for group in groups for each in pod["spec"].get(group) or ()}


def _customize(pod: Object, name: str, custom: Object | None) -> None:
    """Merges the fields of --custom into the container, as a patch of it."""
    if custom is None:
        return
    schema = builtin().find("v1", "Pod")
    patch = {"spec": {"containers": [{**custom, "name": name}]}}
    found = profiles.find(pod, name)
    merged = strategic_merge({"spec": {"containers": [found]}}, patch, schema)
    found |= merged["spec"]["containers"][0]
