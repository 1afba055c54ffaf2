"""An update of what is stored, whatever the change is: a PUT's object, a patch, a scale, a binding.

Everything that looks at the stored object runs again when that has changed meanwhile.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from apimachinery.errors import NotFoundError
from apimachinery.objects import Object
from apiserver.admission.attributes import Attributes, Forms
from apiserver.cel.patience import patiently
from apiserver.registry import rules
from apiserver.registry.creating import admit, begin, creation_attributes, prepare
from apiserver.registry.deletion import is_released
from apiserver.registry.options import WriteOptions
from apiserver.registry.owner_references import dedup_owner_references
from apiserver.registry.strategy import Rollback, nothing_to_undo
from apiserver.registry.tracking import is_unchanged
from apiserver.registry.transaction import Decision, Keep, Put, Remove
from apiserver.request import RequestInfo
from apiserver.storage.entry import Entry

if TYPE_CHECKING:
    from apiserver.registry.store import Store

Change = Callable[[Entry | None], Awaitable[Object]]
"""From what is stored (None: nothing) to what is wanted: in the stored version, with defaults filled in."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be updated, and through which door."""

    namespace: str
    name: str
    subresource: str = ""
    may_create: bool = False
    """Whether what is not there is created."""
    is_tracked: bool = False
    """Whether the change itself says who manages what."""
    forms: Forms | None = None
    """What admission's webhooks see, if not the object itself."""


async def update(
    store: Store, info: RequestInfo, target: Target, change: Change, options: WriteOptions
) -> tuple[Entry, bool]:
    """The entry, and whether it is new. Raises NotFoundError, ConflictError, InvalidError and more."""
    attempt = _Update(store, info, target, change, options)
    try:
        key = store.key(target.namespace, target.name)
        entry = await store.transactions.guaranteed_update(key, attempt.decide)
    except BaseException:
        await attempt.rollback()
        raise
    if entry is None:
        raise NotFoundError(store.resource, target.name)
    await attempt.after()
    return attempt.shown(store.note(info, entry)), attempt.old is None


class _Update:
    """One update over its attempts: remembers what the last one allocated and decided."""

    def __init__(
        self, store: Store, info: RequestInfo, target: Target, change: Change, options: WriteOptions
    ) -> None:
        self._store = store
        self._info = info
        self._target = target
        self._change = change
        self._options = options
        self._decision: Decision = Keep()
        self.rollback: Rollback = nothing_to_undo
        self.old: Object | None = None
        self.new: Object | None = None

    async def decide(self, entry: Entry | None) -> Decision:
        await self.rollback()
        self.rollback = nothing_to_undo
        if entry is None and not self._target.may_create:
            raise NotFoundError(self._store.resource, self._target.name)
        self.old = await self._judged(entry) if entry else None
        self.new = await self._change(entry)
        rules.set_namespace(self._store.resource, self._target.namespace, self.new)
        rules.check_name(self._target.name, self.new)
        if not self._target.is_tracked:
            self._store.track(self._info, self.old, self.new, self._options, self._target.subresource)
        if self.old is None:
            self._decision = await self._create(self.new)
        else:
            self._decision = await self._update(self.new, self.old)
        return self._decision

    async def _judged(self, entry: Entry) -> Object:
        await self._store.codec.prepare([entry])
        return self._store.codec.judged(entry)

    async def _create(self, obj: Object) -> Decision:
        store = self._store
        await store.shared.authorize(self._info, "create")
        obj["metadata"].pop("resourceVersion", None)
        attributes = creation_attributes(store, self._info, obj, self._options)
        await admit(store, attributes, obj)
        begin(store, attributes, obj)
        self.rollback = await store.strategy.begin_create(store.context(self._options.dry_run), obj)
        await prepare(store, attributes, obj)
        return Put(await store.codec.to_storage(obj), self._options.dry_run)

    async def _update(self, new: Object, old: Object) -> Decision:
        store, target, dry_run = self._store, self._target, self._options.dry_run
        attributes = self._attributes(new, old)
        await store.admit(attributes)
        self._info.warnings += dedup_owner_references(new, after_admission=True)
        if self._info.verb == "patch":
            rules.check_patched_uid(store.resource, new, old)
        rules.check_version(store.resource, store.strategy, new, old)
        store.shared.disabled.drop(store.resource, new, old)
        rules.before_update(store.strategy, new, old, target.subresource)
        self.rollback = await store.strategy.begin_update(store.context(dry_run), new, old)
        await patiently(
            partial(rules.validate_update, store.resource, store.strategy, new, old, target.subresource)
        )
        self._info.warnings += await patiently(
            partial(rules.update_warnings, store.strategy, new, old, target.subresource)
        )
        await store.validate(attributes)
        if is_released(store.resource, new):
            return Remove(dry_run, await store.codec.to_storage(new))
        return (
            Keep(renew=not dry_run)
            if is_unchanged(new, old)
            else Put(await store.codec.to_storage(new), dry_run)
        )

    def _attributes(self, new: Object, old: Object) -> Attributes:
        return Attributes(
            operation="UPDATE",
            resource=self._store.resource,
            subresource=self._target.subresource,
            namespace=old["metadata"].get("namespace") or "",
            name=self._target.name,
            object=new,
            old_object=old,
            user=self._info.user,
            dry_run=self._options.dry_run,
            options=self._options.as_object("UpdateOptions"),
            warnings=self._info.warnings,
            annotations=self._info.annotations,
            forms=self._target.forms or self._store.forms,
        )

    def shown(self, entry: Entry) -> Entry:
        """What the update has removed is shown as of when it was last stored, as upstream shows it."""
        if not isinstance(self._decision, Remove):
            return entry
        assert self.old is not None
        return entry.at(int(self.old["metadata"]["resourceVersion"]))

    async def after(self) -> None:
        """What is left to do once the decision holds."""
        strategy, context = self._store.strategy, self._store.context(self._options.dry_run)
        assert self.new is not None
        if self._options.dry_run:
            await self.rollback()
        elif isinstance(self._decision, Remove):
            await strategy.after_delete(context, self.new)
        elif self.old is not None and isinstance(self._decision, Put):
            await strategy.after_update(context, self.new, self.old)
