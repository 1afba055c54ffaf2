"""`set`: images, environment, resources and service accounts of pods, selectors and subjects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from apimachinery.labels import parse_selector
from apimachinery.objects import Object
from kubectl.arguments import Flag, Words
from kubectl.commands import Group
from kubectl.failures import CommandError
from kubectl.flags import ResourceVersion
from kubectl.generators.access import subjects
from kubectl.selection import NOTHING_NAMED
from kubectl.settings.changing import OBJECT, Settings, change_all, chosen, containers_of, pod_spec
from kubectl.settings.env import env

Updates = Annotated[list[str], Words("(TYPE NAME | TYPE/NAME) CONTAINER_NAME_1=CONTAINER_IMAGE_1...")]
Named = Annotated[list[str], Words("(TYPE NAME | TYPE/NAME)")]
Containers = Annotated[str, Flag("--containers", "-c", help="Of which containers; a pattern.")]


def split(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Names of objects, and what is to be set."""
    pairs = dict(word.split("=", 1) for word in words if "=" in word)
    return [word for word in words if "=" not in word], pairs


def image(words: Updates, settings: Settings) -> None:
    """Update the image of a pod template."""
    named, pairs = split(words)
    if not pairs:
        raise CommandError("at least one image update is required")

    if "*" in pairs and len(pairs) > 1:
        raise CommandError(
            "all containers are already specified by *, but saw more than one container_name=container_image "
            "pairs"
        )

    def change(obj: Object) -> list[str]:
        return [
            f'error: unable to find container named "{name}"'
            for name, wanted in pairs.items()
            if not set_image(pod_spec(obj), name, wanted)
        ]

    change_all(named, settings, change, "image", "failed to patch image update to pod template: ")


def set_image(spec: Object, name: str, wanted: str) -> bool:
    """Of the container of that name, or of all for `*`; whether there is one."""
    found = [each for each in containers_of(spec) if name in (each["name"], "*")]
    for each in found:
        each["image"] = wanted
    return bool(found)


def resources(
    words: Named,
    settings: Settings,
    containers: Containers = "*",
    limits: Annotated[str, Flag("--limits", help="cpu=100m,memory=256Mi")] = "",
    requests: Annotated[str, Flag("--requests", help="cpu=100m,memory=256Mi")] = "",
) -> None:
    """Update resource requests/limits on objects with pod templates."""
    if not limits and not requests:
        raise CommandError(
            "you must specify an update to requests or limits (in the form of --requests/--limits)"
        )
    wanted = {"limits": _amounts(limits), "requests": _amounts(requests)}

    def change(obj: Object) -> list[str]:
        matching = chosen(pod_spec(obj), containers)
        if not matching:
            return [f"error: unable to find container named {containers}"]
        for container in matching:
            for name, amounts in wanted.items():
                if amounts:
                    container.setdefault("resources", {}).setdefault(name, {}).update(amounts)
        return []

    failure = "failed to patch resources update to pod template "
    change_all(words, settings, change, "resource requirements", failure)


def _amounts(text: str) -> dict[str, str]:
    found = {}
    for part in filter(None, text.split(",")):
        name, equals, amount = part.partition("=")
        if not equals:
            raise CommandError(f"Invalid argument syntax {part}, expected <resource>=<value>")
        found[name] = amount
    return found


def service_account(words: Named, settings: Settings) -> None:
    """Update the service account of a resource."""
    if not words:
        raise CommandError("serviceaccount is required")
    *named, account = words
    if not named and not settings.filename:
        raise CommandError(NOTHING_NAMED)

    def change(obj: Object) -> None:
        pod_spec(obj)["serviceAccountName"] = account

    change_all(named, settings, change, "serviceaccount", "failed to patch ServiceAccountName: ")


def selector(words: Named, settings: Settings, resource_version: ResourceVersion = "") -> None:
    """Set the selector on a resource."""
    if len(words) < (1 if settings.filename else 2):
        raise CommandError(NOTHING_NAMED)
    *named, expression = words
    parsed = parse_selector(expression)
    wanted = dict(part.split("=", 1) for part in expression.split(",") if "=" in part)
    if len(wanted) != len(parsed.requirements):
        raise CommandError(f"match expression [{parsed}] not supported on this object")

    def change(obj: Object) -> None:
        if obj["kind"] != "Service":
            raise CommandError("setting a selector is only supported for Services")
        obj["spec"]["selector"] = wanted
        if resource_version:
            obj["metadata"]["resourceVersion"] = resource_version

    change_all(named, settings, change, "selector")


def subject(
    words: Named,
    settings: Settings,
    user: Annotated[list[str] | None, Flag("--user", help="Users to bind.")] = None,
    group: Annotated[list[str] | None, Flag("--group", help="Groups to bind.")] = None,
    serviceaccount: Annotated[
        list[str] | None, Flag("--serviceaccount", help="Accounts to bind: namespace:name.")
    ] = None,
) -> None:
    """Update the user, group, or service account in a role binding or cluster role binding."""
    wanted = subjects(user or (), group or (), serviceaccount or ())
    if not wanted:
        raise CommandError("you must specify at least one value of user, group or serviceaccount")

    def change(obj: Object) -> None:
        if obj["kind"] not in ("RoleBinding", "ClusterRoleBinding"):
            raise CommandError(
                f"{OBJECT} setting subjects is only supported for RoleBinding/ClusterRoleBinding"
            )
        present = obj.get("subjects") or []
        obj["subjects"] = present + [each for each in wanted if each not in present]

    change_all(words, settings, change, "subjects", "failed to patch subjects to rolebinding: ")


set_ = Group(
    "Configure application resources.",
    {
        "env": env,
        "image": image,
        "resources": resources,
        "selector": selector,
        "serviceaccount": service_account,
        "subject": subject,
    },
    {"sa": "serviceaccount"},
)
