"""Namespace deletion: deletes everything in a terminating namespace, pods first, then lets it go.

Source: pkg/controller/namespace/deletion/namespaced_resources_deleter.go; pods go first since 1.33
(KEP-5080, ordered namespace deletion).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from apimachinery import conditions, scheme
from apimachinery.errors import MethodNotAllowedError, NotFoundError, StatusError
from apimachinery.objects import NamespacedName, Object, is_terminating, name_of, namespace_of
from apimachinery.pods import is_terminal
from apimachinery.scheme import Resource
from apimachinery.times import format_time, parse_time, seconds_between
from client.controller import Watch, by_name
from client.discovery import discover, preferred
from controller_manager.context import ControllerContext

FINALIZER = "kubernetes"
PARALLEL = 8
LOOK_AGAIN = 1.0
"""Seconds until the next look at content that no watch of ours announces (finalizers, custom resources)."""


_FINE = {
    "NamespaceDeletionDiscoveryFailure": ("ResourcesDiscovered", "All resources successfully discovered"),
    "NamespaceDeletionGroupVersionParsingFailure": (
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    ),
    "NamespaceDeletionContentFailure": (
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
    "NamespaceContentRemaining": ("ContentRemoved", "All content successfully removed"),
    "NamespaceFinalizersRemaining": (
        "ContentHasNoFinalizers",
        "All content-preserving finalizers finished",
    ),
}
"""By type of condition: reason and message where all is well."""


@dataclass(slots=True)
class Content:
    """What one pass found left: instances by `resource.group`, finalizers by name, and what went wrong."""

    remaining: Counter[str] = field(default_factory=Counter)
    finalizers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def add(self, resource: Resource, items: Sequence[Object]) -> None:
        if items:
            self.remaining[f"{resource.plural}.{resource.group}"] += len(items)
        for item in items:
            self.finalizers.update(item["metadata"].get("finalizers") or [])

    @property
    def empty(self) -> bool:
        return not self.remaining and not self.failures


def content_conditions(content: Content) -> list[Object]:
    """The conditions of a terminating namespace, in upstream's words. What is not told of went well."""
    troubles = _troubles(content)
    return [
        {
            "type": kind,
            "status": "True" if kind in troubles else "False",
            **dict(zip(("reason", "message"), troubles.get(kind, fine), strict=True)),
        }
        for kind, fine in _FINE.items()
    ]


def _troubles(content: Content) -> dict[str, tuple[str, str]]:
    """Reason and message by type."""
    found = {}
    if content.failures:
        texts = ", ".join(sorted(content.failures))
        text = f"Failed to delete all resource types, {len(content.failures)} remaining: {texts}"
        found["NamespaceDeletionContentFailure"] = ("ContentDeletionFailed", text)
    if content.remaining:
        texts = _counted("has", content.remaining)
        found["NamespaceContentRemaining"] = (
            "SomeResourcesRemain",
            f"Some resources are remaining: {texts}",
        )
    if content.finalizers:
        texts = _counted("in", content.finalizers)
        found["NamespaceFinalizersRemaining"] = (
            "SomeFinalizersRemain",
            f"Some content in the namespace has finalizers remaining: {texts}",
        )
    return found


def _counted(verb: str, counts: Counter[str]) -> str:
    return ", ".join(f"{name} {verb} {count} resource instances" for name, count in sorted(counts.items()))


def is_unexpected(resource: Resource, items: Sequence[Object], since: float) -> bool:
    """Whether nothing explains that these are left, `since` seconds after their namespace was deleted.

    Finalizers do, and that pods take their time to end.
    """
    if not items or any(item["metadata"].get("finalizers") for item in items):
        return False
    lasting = [pod for pod in items if not is_terminal(pod)] if _is_pods(resource) else []
    graces = (pod["spec"].get("terminationGracePeriodSeconds") or 0 for pod in lasting)
    return since >= max(graces, default=0)


class NamespaceController:
    """One key a namespace; pods that go wake it up, so that it need not ask whether they have."""

    name = "namespace-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._now = context.now
        self._namespaces = context.informers.informer(scheme.NAMESPACES)
        self._pods = context.informers.informer(scheme.PODS)
        self._slots = asyncio.Semaphore(PARALLEL)

    def watches(self) -> list[Watch]:
        return [Watch(self._namespaces, by_name), Watch(self._pods, self._terminating_namespace)]

    def _terminating_namespace(self, pod: Object) -> Iterable[NamespacedName]:
        key = NamespacedName("", namespace_of(pod))
        namespace = self._namespaces.get(key)
        return [key] if namespace is not None and is_terminating(namespace) else []

    async def reconcile(self, key: NamespacedName) -> float | None:
        if not _is_to_be_emptied(self._namespaces.get(key)):
            return None
        namespace = await self._live(key.name)
        if namespace is None or not _is_to_be_emptied(namespace):
            return None
        content = Content()
        resources = deletable(await discover(self._client))
        await self._sweep([r for r in resources if _is_pods(r)], namespace, content)
        if content.empty:
            await self._sweep([r for r in resources if not _is_pods(r)], namespace, content)
        await self._report(namespace, content)
        if not content.empty:
            return LOOK_AGAIN
        await self._finalize(namespace)
        return None

    async def _live(self, name: str) -> Object | None:
        """As the API has it: another may bear the name by now, whose content is not ours to delete."""
        try:
            return await self._client.get(scheme.NAMESPACES, name)
        except NotFoundError:
            return None

    async def _sweep(self, resources: Sequence[Resource], namespace: Object, content: Content) -> None:
        async with asyncio.TaskGroup() as group:
            for resource in resources:
                group.create_task(self._sweep_one(resource, namespace, content))

    async def _sweep_one(self, resource: Resource, namespace: Object, content: Content) -> None:
        """Deletes all of one resource and books what stays; a resource that is gone from the API is empty."""
        name = name_of(namespace)
        async with self._slots:
            try:
                items = await self._list(resource, name)
                if any(not is_terminating(item) for item in items):
                    await self._delete_all(resource, name, items)
                    items = await self._list(resource, name)
            except (NotFoundError, MethodNotAllowedError):
                return
            except StatusError as error:
                content.failures.append(error.message)
                return
        content.add(resource, items)
        deleted = parse_time(namespace["metadata"]["deletionTimestamp"])
        if is_unexpected(resource, items, seconds_between(deleted, self._now())):
            kind = f"{resource.group}/{resource.version}, Resource={resource.plural}"
            text = f"unexpected items still remain in namespace: {name} for gvr: {kind}"
            content.failures.append(text)

    async def _list(self, resource: Resource, namespace: str) -> list[Object]:
        return list((await self._client.list(resource, namespace))["items"])

    async def _delete_all(self, resource: Resource, namespace: str, items: Sequence[Object]) -> None:
        options = {"propagationPolicy": "Background"}
        if "deletecollection" in resource.verbs:
            await self._client.delete_collection(resource, namespace, options=options)
            return
        for item in items:
            await self._client.delete(resource, name_of(item), namespace, options=options)

    async def _report(self, namespace: Object, content: Content) -> None:
        status = namespace.get("status") or {}
        listed = [dict(each) for each in status.get("conditions") or []]
        now = format_time(self._now())
        changed = [conditions.set_condition(listed, each, now) for each in content_conditions(content)]
        if any(changed):
            changed_status = {"status": {**status, "conditions": listed}}
            name = name_of(namespace)
            await self._client.patch(scheme.NAMESPACES, name, changed_status, subresource="status")

    async def _finalize(self, namespace: Object) -> None:
        kept = [each for each in namespace["spec"]["finalizers"] if each != FINALIZER]
        metadata = {k: v for k, v in namespace["metadata"].items() if k != "resourceVersion"}
        body = {**namespace, "metadata": metadata, "spec": {**namespace["spec"], "finalizers": kept}}
        with suppress(NotFoundError):
            await self._client.update(scheme.NAMESPACES, body, subresource="finalize")


def _is_to_be_emptied(namespace: Object | None) -> bool:
    return (
        namespace is not None
        and is_terminating(namespace)
        and FINALIZER in (namespace["spec"].get("finalizers") or [])
    )


def _is_pods(resource: Resource) -> bool:
    return resource.group_resource == scheme.PODS.group_resource


def deletable(resources: list[Resource]) -> list[Resource]:
    """The namespaced resources whose objects can be listed and deleted, one version of each."""
    chosen = [r for r in resources if r.namespaced and {"list", "delete"} <= set(r.verbs)]
    return preferred(chosen)
