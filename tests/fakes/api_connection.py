"""The API connection's twin: the Client's interface over objects in memory; its watches can lose events.

Small but honest: optimistic locking, generation, status apart from spec, finalizers, 410 after compaction.
What it can do that a real one doesn't: `lose_events`, `compact`, `break_watches`, `refusals`. Pods end at
once when they are deleted, unless `graceful` is set: then somebody has to delete them again without grace.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from apimachinery.errors import AlreadyExistsError, ConflictError, ExpiredError, NotFoundError, StatusError
from apimachinery.labels import parse_selector
from apimachinery.objects import Object, deep_copy, labels_of, name_of, namespace_of
from apimachinery.patch import merge_patch
from apimachinery.scheme import PODS, Resource
from apimachinery.times import format_time
from client.errors import ConnectionFailed

START = datetime(2026, 1, 1, tzinfo=UTC)

Key = tuple[str, str, str]
Objects = list[Object]
Refusal = Callable[[str, Resource, Object], StatusError | ConnectionFailed | None]


class _Watcher:
    """One watch: what it is of, and whether there is something to look at."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.news = asyncio.Event()
        self.is_broken = False

    async def wait(self) -> None:
        """Until there is news; raises if it is the end of the connection."""
        await self.news.wait()
        self.news.clear()
        if self.is_broken:
            raise ConnectionFailed("connection lost: broken by the test")


class FakeApi:
    """Stands in for a Client. The wall clock is START plus the loop's time."""

    def __init__(self) -> None:
        self._objects: defaultdict[str, dict[Key, Object]] = defaultdict(dict)
        """By what they are: Events outnumber all that tests ask for."""
        self.ahead = timedelta()
        """By how much somebody has set the wall clock forward."""
        self.calls: list[str] = []
        self.refusals: list[Refusal] = []
        self.graceful = False
        self.on_change: Callable[[], None] = lambda: None
        """Called after every write."""
        self._history: list[tuple[int, str, str, Object]] = []
        self._revision = 1
        self._compacted = 0
        self._losing: list[str] | None = []
        """Of which nothing is told; None: of all."""
        self._watchers: list[_Watcher] = []
        self._names = 0

    def now(self) -> datetime:
        return START + self.ahead + timedelta(seconds=asyncio.get_running_loop().time())

    # What tests do to it.

    @contextmanager
    def lose_events(self, *resources: Resource) -> Iterator[None]:
        """What changes inside (of these only) is never told to watches; compaction makes them find out."""
        self._losing = [each.group_resource for each in resources] or None
        try:
            yield
        finally:
            self._losing = []

    def compact(self) -> None:
        """Forgets the past: whoever watches from before has to list again."""
        self._compacted = self._revision
        self._history.clear()

    def break_watches(self) -> None:
        """Every connection of a watch is lost."""
        for watcher in self._watchers:
            watcher.is_broken = True
            watcher.news.set()

    def watchers(self, resource: Resource) -> int:
        return [each.kind for each in self._watchers].count(resource.group_resource)

    def find(self, resource: Resource, namespace: str = "") -> list[Object]:
        """All objects of a resource, as they are."""
        found = self._objects[resource.group_resource]
        return [obj for (_, ns, _), obj in found.items() if not namespace or ns == namespace]

    def put(self, resource: Resource, obj: Object) -> None:
        """Replaces an object as it is, as the server itself may."""
        self._store((resource.group_resource, namespace_of(obj), name_of(obj)), "MODIFIED", obj)

    # The Client's interface.

    async def get(self, resource: Resource, name: str, namespace: str | None = None, **_: Any) -> Object:
        self._called("get", resource, name)
        return _copy(self._live((resource.group_resource, namespace or "", name), resource))

    async def list(
        self, resource: Resource, namespace: str | None = None, *, label_selector: str | None = None, **_: Any
    ) -> Object:
        self._called("list", resource, "")
        wanted = parse_selector(label_selector or "")
        found = self.find(resource, namespace or "")
        items = [_copy(each) for each in found if wanted.matches(labels_of(each))]
        return {"metadata": {"resourceVersion": str(self._revision)}, "items": items}

    async def watch(
        self, resource: Resource, namespace: str | None = None, *, resource_version: str, **_: Any
    ) -> AsyncGenerator[tuple[str, Object], None]:
        self._called("watch", resource, "")
        seen, watcher = int(resource_version), _Watcher(resource.group_resource)
        self._watchers.append(watcher)
        try:
            while True:
                if seen < self._compacted:
                    raise ExpiredError("too old resource version")
                first = bisect_right(self._history, seen, key=lambda event: event[0])
                for revision, kind, type, obj in self._history[first:]:
                    if kind == watcher.kind:
                        seen = revision
                        yield type, _copy(obj)
                await watcher.wait()
        finally:
            self._watchers.remove(watcher)

    async def create(self, resource: Resource, obj: Object, namespace: str | None = None, **_: Any) -> Object:
        obj = _copy(obj)
        metadata = obj["metadata"]
        if not metadata.get("name"):
            self._names += 1
            metadata["name"] = f"{metadata['generateName']}{self._names:05d}"
        if resource.namespaced:
            metadata.setdefault("namespace", namespace or "default")
        self._called("create", resource, name_of(obj), obj)
        key = (resource.group_resource, namespace_of(obj), name_of(obj))
        if key in self._objects[key[0]]:
            raise AlreadyExistsError(resource, name_of(obj))
        metadata |= {
            "uid": f"uid-{self._revision + 1:05d}",
            "generation": 1,
            "creationTimestamp": format_time(self.now()),
        }
        obj |= {"apiVersion": resource.api_version, "kind": resource.kind}
        if resource is PODS:
            obj["status"] = {"phase": "Pending"}
        return self._store(key, "ADDED", obj)

    async def update(
        self, resource: Resource, obj: Object, *, subresource: str | None = None, **_: Any
    ) -> Object:
        verb = "update" if subresource is None else f"update/{subresource}"
        self._called(verb, resource, name_of(obj), obj)
        key = (resource.group_resource, namespace_of(obj), name_of(obj))
        return self._replace(key, resource, _copy(obj), subresource)

    async def update_status(self, resource: Resource, obj: Object) -> Object:
        return await self.update(resource, obj, subresource="status")

    async def patch(
        self,
        resource: Resource,
        name: str,
        patch: Any,
        namespace: str | None = None,
        *,
        patch_type: str = "",
        subresource: str | None = None,
        **_: Any,
    ) -> Object:
        self._called("patch", resource, name, patch)
        key = (resource.group_resource, namespace or "", name)
        old = self._live(key, resource)
        uid = old["metadata"]["uid"]
        if patch.get("metadata", {}).get("uid", uid) != uid:
            raise ConflictError(resource, name, "Precondition failed: UID")
        if "strategic" in patch_type:
            patch = _with_merged_lists(patch, old)
        return self._replace(key, resource, merge_patch(_copy(old), patch), subresource)

    async def delete(
        self, resource: Resource, name: str, namespace: str | None = None, *, options: Object | None = None
    ) -> Object:
        self._called("delete", resource, name)
        key = (resource.group_resource, namespace or "", name)
        obj, options = self._live(key, resource), options or {}
        if options.get("preconditions", {}).get("uid", obj["metadata"]["uid"]) != obj["metadata"]["uid"]:
            raise ConflictError(resource, name, "Precondition failed: UID")
        is_graceful = resource is PODS and self.graceful
        grace = options.get("gracePeriodSeconds", 30) if is_graceful else 0
        if not obj["metadata"].get("finalizers") and not grace:
            return self._remove(key)
        marked = _copy(obj)
        marked["metadata"].setdefault("deletionTimestamp", format_time(self.now()))
        marked["metadata"]["deletionGracePeriodSeconds"] = grace
        return self._store(key, "MODIFIED", marked)

    async def aclose(self) -> None:
        """Nothing to close."""

    # How it keeps its books.

    def _called(self, verb: str, resource: Resource, name: str, obj: Object | None = None) -> None:
        self.calls.append(f"{verb} {resource.plural} {name}".strip())
        for refusal in self.refusals:
            error = refusal(verb, resource, obj or {"metadata": {"name": name}})
            if error is not None:
                raise error

    def _live(self, key: Key, resource: Resource) -> Object:
        if key not in self._objects[key[0]]:
            raise NotFoundError(resource, key[2])
        return self._objects[key[0]][key]

    def _replace(self, key: Key, resource: Resource, new: Object, subresource: str | None) -> Object:
        old = self._live(key, resource)
        if new["metadata"].get("resourceVersion") not in (None, old["metadata"]["resourceVersion"]):
            raise ConflictError(resource, key[2])
        if subresource == "status":
            new = {**_copy(old), "metadata": new["metadata"], "status": new.get("status") or {}}
        elif "status" in old:
            new["status"] = _copy(old["status"])
        generation = old["metadata"]["generation"] + (new.get("spec") != old.get("spec"))
        new["metadata"] |= {"generation": generation, "resourceVersion": old["metadata"]["resourceVersion"]}
        if _is_over(new["metadata"]):
            self._remove(key)
            return new  # with the version from before: an update does not tell that of its deletion
        return _copy(old) if new == old else self._store(key, "MODIFIED", new)

    def _store(self, key: Key, type: str, obj: Object) -> Object:
        self._revision += 1
        obj["metadata"]["resourceVersion"] = str(self._revision)
        self._objects[key[0]][key] = obj
        self._tell(type, key[0], obj)
        return _copy(obj)

    def _remove(self, key: Key) -> Object:
        gone = _copy(self._objects[key[0]].pop(key))
        self._revision += 1
        gone["metadata"]["resourceVersion"] = str(self._revision)
        self._tell("DELETED", key[0], gone)
        return gone

    def _tell(self, type: str, kind: str, obj: Object) -> None:
        if self._losing is not None and kind not in self._losing:
            self._history.append((self._revision, kind, type, _copy(obj)))
        for watcher in self._watchers:
            if watcher.kind == kind:
                watcher.news.set()
        self.on_change()


def _is_over(metadata: Object) -> bool:
    """Whether nothing holds an object that is being deleted any more."""
    held = metadata.get("finalizers") or metadata.get("deletionGracePeriodSeconds")
    return bool(metadata.get("deletionTimestamp") and not held)


def _copy(obj: Object) -> Object:
    copied: Object = deep_copy(obj)
    return copied


def _with_merged_lists(patch: Object, old: Object) -> Object:
    """The strategic lists that controllers patch: conditions, merged by type, ownerReferences, finalizers."""
    if conditions := patch.get("status", {}).get("conditions"):
        before = (old.get("status") or {}).get("conditions") or []
        merged = {each["type"]: each for each in (*before, *conditions)}
        patch = {**patch, "status": {**patch["status"], "conditions": list(merged.values())}}
    changes = dict(patch.get("metadata", {}))
    if "ownerReferences" in changes:
        changes["ownerReferences"] = _merged_owners(changes["ownerReferences"], old)
    finalizers = old["metadata"].get("finalizers") or []
    if gone := changes.pop("$deleteFromPrimitiveList/finalizers", None):
        changes["finalizers"] = [each for each in finalizers if each not in gone]
    elif "finalizers" in changes:
        changes["finalizers"] = [*dict.fromkeys([*finalizers, *changes["finalizers"]])]
    return {**patch, "metadata": changes}


def _merged_owners(changes: Iterable[Object], old: Object) -> Objects:
    owners = {each["uid"]: each for each in old["metadata"].get("ownerReferences") or []}
    for change in changes:
        if change.get("$patch") == "delete":
            owners.pop(change["uid"], None)
        else:
            owners[change["uid"]] = change
    return list(owners.values())
