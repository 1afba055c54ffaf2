"""`--prune`: what was applied before and is in the files no more, found by label or by apply set.

Source: k8s.io/kubectl/pkg/cmd/apply/prune.go, pkg/util/prune/prune.go.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, NamedTuple

from apimachinery import scheme
from apimachinery.errors import StatusError
from apimachinery.objects import Object, annotations_of, name_of, namespace_of
from apimachinery.scheme import Resource
from apimachinery.well_known import LAST_APPLIED
from kubectl import session
from kubectl.arguments import Flag, UsageError
from kubectl.dry_run import DryRun
from kubectl.failures import CommandError
from kubectl.flags import Everything

if TYPE_CHECKING:
    from client.rest import Client
    from kubectl.resources import Mapper

KINDS = (
    "v1/ConfigMap", "v1/Endpoints", "v1/PersistentVolumeClaim", "v1/Pod", "v1/ReplicationController",
    "v1/Secret", "v1/Service", "batch/v1/Job", "batch/v1/CronJob", "networking.k8s.io/v1/Ingress",
    "apps/v1/DaemonSet", "apps/v1/Deployment", "apps/v1/ReplicaSet", "apps/v1/StatefulSet",
    "v1/Namespace", "v1/PersistentVolume",
)  # fmt: skip
"""What is pruned unless --prune-allowlist says otherwise."""
APPLY_SETS = "KUBECTL_APPLYSET"
"""The environment variable that turns --applyset on."""
_DEPRECATED = (
    "Deprecated: kubectl apply will no longer prune non-namespaced resources by default when used with the "
    "--namespace flag in a future release. To preserve the current behaviour, list the resources you want to "
    "target explicitly in the --prune-allowlist flag."
)
_WITHOUT_ALL = (
    "all resources selected for prune without explicitly passing --all. To prune all resources, pass the "
    "--all flag. If you did not mean to prune all resources, specify a label selector"
)


class Pruning(NamedTuple):
    """The flags of apply."""

    prune: Annotated[
        bool, Flag("--prune", help="Delete what was applied before and is in the files no more.")
    ] = False
    everything: Everything = False
    allowlist: Annotated[
        list[str] | None, Flag("--prune-allowlist", help="The kinds to prune: group/version/kind.")
    ] = None
    apply_set: Annotated[
        str, Flag("--applyset", help="The object that knows what was applied: [RESOURCE][.GROUP]/NAME.")
    ] = ""

    def check(self, *, selector: str, force: bool, server_side: bool) -> None:
        """Raises CommandError in kubectl's words."""
        if self.apply_set and not os.environ.get(APPLY_SETS) == "true":
            raise UsageError("unknown flag: --applyset", "apply")
        if self.apply_set and not self.prune:
            raise CommandError("--applyset requires --prune")
        if not self.prune:
            return
        if force:
            raise CommandError("--force cannot be used with --prune")
        if self.apply_set:
            others = {
                "--all": self.everything, "--selector": selector, "--prune-allowlist": self.allowlist,
            }  # fmt: skip
            for flag, given in others.items():
                if given:
                    raise CommandError(f"{flag} is incompatible with --applyset")
            return
        if not self.everything and not selector:
            raise CommandError(_WITHOUT_ALL)
        if self.everything and selector:
            raise CommandError("cannot set --all and --selector at the same time")
        if server_side:
            raise CommandError(
                "--prune is in alpha and doesn't currently work on objects created by server-side apply"
            )


NOTHING_PRUNED = Pruning()


class Place(NamedTuple):
    """An object that was applied, and so stays."""

    group_resource: str
    namespace: str
    name: str


def place_of(resource: Resource, obj: Object) -> Place:
    return Place(resource.group_resource, namespace_of(obj), name_of(obj))


async def allowed(mapper: Mapper, allowlist: Sequence[str]) -> list[Resource]:
    """The kinds of --prune-allowlist (group/version/kind). Raises CommandError."""
    found = []
    for word in allowlist:
        parts = word.split("/")
        if len(parts) != 3:
            raise CommandError(f"invalid GroupVersionKind format: {word}, please follow <group/version/kind>")
        group, version, kind = parts
        api_version = version if group in ("", "core") else f"{group}/{version}"
        try:
            found.append(await mapper.by_kind(api_version, kind))
        except CommandError:
            raise CommandError(f'no matches for kind "{kind}" in version "{api_version}"') from None
    return found


def by_default() -> list[Resource]:
    """The kinds that are pruned unless others are named. Warns, as kubectl does."""
    session.klog("W", _DEPRECATED, "prune.go:71")
    pairs = (word.rsplit("/", 1) for word in KINDS)
    return [known for version, kind in pairs if (known := scheme.by_kind(version, kind)) is not None]


async def outdated(
    client: Client, resources: Iterable[Resource], namespaces: Iterable[str], selector: str, kept: set[Place]
) -> AsyncIterator[tuple[Resource, Object]]:
    """What apply made in these namespaces and is not kept. Raises CommandError."""
    inside = sorted(namespaces)
    for resource in sorted(resources, key=lambda each: not each.namespaced):
        for namespace in inside if resource.namespaced else [""]:
            listed = await _listed(client, resource, namespace, selector)
            for obj in unkept(resource, listed, kept):
                if LAST_APPLIED in annotations_of(obj):
                    yield resource, obj


def unkept(resource: Resource, listed: Iterable[Object], kept: set[Place]) -> Iterator[Object]:
    """Those that are to go, with their kind."""
    for obj in listed:
        if place_of(resource, obj) not in kept:
            yield {"apiVersion": resource.api_version, "kind": resource.kind, **obj}


async def _listed(client: Client, resource: Resource, namespace: str, selector: str) -> list[Object]:
    try:
        answer = await client.list(resource, namespace or None, label_selector=selector or None)
    except StatusError as error:
        scope = "namespaced" if namespace else "nonNamespaced"
        group = f"{resource.group}/{resource.version}" if resource.group else f"/{resource.version}"
        what = f"error pruning {scope} object {group}, Kind={resource.kind}"
        raise CommandError(f"{what}: {error.message}") from None
    items: list[Object] = answer["items"]
    return items


async def delete(client: Client, resource: Resource, obj: Object, mode: DryRun) -> None:
    """As apply's own --cascade, --grace-period have it by default; nothing in a dry run of the client's."""
    if mode is DryRun.CLIENT:
        return
    options: Object = {"propagationPolicy": "Background"}
    if mode is DryRun.SERVER:
        options["dryRun"] = ["All"]
    await client.delete(resource, name_of(obj), namespace_of(obj) or None, options=options)
