"""A delete: preconditions, admission, the plan of `deletion`, and the one or two writes that carry it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery.errors import NotFoundError
from apimachinery.objects import Object
from apiserver.admission.attributes import Attributes
from apiserver.registry.deletion import Deletion, check_preconditions, plan_deletion
from apiserver.registry.options import DeleteOptions
from apiserver.registry.transaction import Decision, Keep, Put, Remove
from apiserver.request import RequestInfo
from apiserver.storage.entry import Entry

if TYPE_CHECKING:
    from apiserver.registry.store import Store


async def delete(
    store: Store,
    info: RequestInfo,
    namespace: str,
    name: str,
    options: DeleteOptions,
    *,
    is_admitted: bool = False,
) -> tuple[Entry, bool]:
    """The object's last state, and whether it is gone. Raises NotFoundError, ConflictError."""
    attempt = _Delete(store, info, name, options, is_admitted)
    key = store.key(namespace, name)
    entry = await store.transactions.guaranteed_update(key, attempt.mark)
    if entry is not None and attempt.marked and attempt.remove and not options.dry_run:
        # Watchers are told that the object is terminating before it is gone, as upstream does it.
        entry = await store.transactions.guaranteed_update(key, attempt.finish) or entry
    if entry is None:
        raise NotFoundError(store.resource, name)
    if attempt.remove and not options.dry_run:
        await store.strategy.after_delete(store.context(dry_run=False), entry.obj)
    return entry, attempt.remove


class _Delete:
    """One delete over its attempts."""

    def __init__(
        self, store: Store, info: RequestInfo, name: str, options: DeleteOptions, is_admitted: bool
    ) -> None:
        self._store = store
        self._info = info
        self._name = name
        self._options = options
        self._is_admitted = is_admitted
        self.marked = False
        self.remove = False

    async def mark(self, entry: Entry | None) -> Decision:
        if entry is None:
            raise NotFoundError(self._store.resource, self._name)
        obj = entry.obj
        check_preconditions(obj, self._options, self._store.resource)
        if not self._is_admitted:
            await self._admit(obj)
        deletion = self._plan(obj)
        self.remove, self.marked = deletion.remove, deletion.marked is not None
        if deletion.marked is not None:
            return Put(deletion.marked, self._options.dry_run)
        return Remove(self._options.dry_run) if deletion.remove else Keep()

    async def finish(self, entry: Entry | None) -> Decision:
        """The object has been marked; if nothing holds it by now, it goes."""
        if entry is None:
            return Keep()
        self.remove = self._plan(entry.obj).remove
        return Remove() if self.remove else Keep()

    async def _admit(self, obj: Object) -> None:
        attributes = Attributes(
            operation="DELETE",
            resource=self._store.resource,
            subresource="",
            namespace=obj["metadata"].get("namespace") or "",
            name=self._name,
            object=None,
            old_object=obj,
            user=self._info.user,
            dry_run=self._options.dry_run,
            options=self._options.as_object(),
            warnings=self._info.warnings,
            annotations=self._info.annotations,
            forms=self._store.forms,
        )
        await self._store.admit(attributes)
        await self._store.validate(attributes)

    def _plan(self, obj: Object) -> Deletion:
        store, options = self._store, self._options
        grace = store.strategy.grace_period(obj, options.grace_period)
        default = store.strategy.default_delete_propagation
        if not obj["metadata"].get("deletionTimestamp"):
            store.strategy.prepare_for_delete(obj, store.shared.now())
        return plan_deletion(store.resource, obj, options, grace, default, store.shared.now())
