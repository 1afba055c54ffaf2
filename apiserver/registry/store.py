"""The CRUD engine of every kind: what all have in common, in upstream's order; strategies say what differs.

This module is the front and what the verbs share; `creating`, `updating` and `deleting` are the writes,
`listing` the lists. Results are entries: bytes ready to be sent.
Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from apimachinery import names
from apimachinery.errors import BadRequestError, NotFoundError
from apimachinery.objects import Object
from apimachinery.schema import Checked
from apimachinery.scheme import EVENTS, Resource
from apimachinery.times import format_time
from apiserver.admission.attributes import Attributes, Forms
from apiserver.managed_fields.versions import Versions
from apiserver.registry import creating, deleting, updating
from apiserver.registry.codec import Codec
from apiserver.registry.conversion import conversion_of
from apiserver.registry.disabled_fields import DisabledFields
from apiserver.registry.forms import StoredForms
from apiserver.registry.listing import Lister, Listing, matches
from apiserver.registry.options import DeleteOptions, ListOptions, WriteOptions
from apiserver.registry.strategy import Strategy, WriteContext
from apiserver.registry.tracking import Tracking, built_in_versions, manager_of, managers_of, restore_nonsense
from apiserver.registry.transaction import Lease, Transactions, no_lease
from apiserver.registry.updating import Change, Target
from apiserver.request import RequestInfo
from apiserver.sent_events import SentMetrics
from apiserver.storage.entry import Entry, Kind
from apiserver.storage.interface import Storage
from apiserver.storage.watch_cache import WatchCache


class Admission(Protocol):
    """What the store asks of the admission chain."""

    async def admit(self, attributes: Attributes) -> None: ...
    async def validate(self, attributes: Attributes) -> None: ...


async def anyone_may(info: RequestInfo, verb: str) -> None:
    """Where nobody asks for authorization."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What all stores have in common."""

    storage: Storage
    cache: WatchCache
    admission: Admission
    now: Callable[[], datetime]
    authorize: Callable[[RequestInfo, str], Awaitable[None]] = anyone_may
    """authorize(info, verb): raises ForbiddenError if the user may not do that to what the request names."""
    randomness: random.Random = field(default_factory=random.Random)
    event_lease: Lease = no_lease
    """The etcd lease that an Event is written with."""
    sent: SentMetrics = field(default_factory=SentMetrics)
    """What watchers are sent."""
    watch_seconds: float = 1800.0
    """The least that a watch lasts whose client does not say how long; the most is twice as much."""
    disabled: DisabledFields = field(default_factory=DisabledFields)
    """The fields that nobody may begin to use."""


class Check(Protocol):
    """What decoding asks about the fields of an object."""

    def check(self, obj: Object, *, prune: bool = False) -> Checked: ...


@dataclass(frozen=True, slots=True)
class Form:
    """How the objects of a resource are checked, kept and shown."""

    stored: Resource
    kind: Kind
    codec: Codec
    versions: Callable[[], Versions]
    """Those whose fields may have managers; the objects that are tracked are as they are judged."""
    checker: Check | None = None
    """None: that of the built-in kind."""
    forms: Forms | None = None
    """What admission sees of the objects; None: what it sees of built-in kinds."""


def built_in_form(resource: Resource, strategy: Strategy) -> Form:
    conversion = conversion_of(resource)
    stored = conversion.stored if conversion else resource
    kind = Kind(stored.api_version, stored.kind, strategy.selectable_fields)
    return Form(stored, kind, Codec(resource), lambda: built_in_versions(stored))


class Store:
    """One resource in one API version; versions that are not stored themselves convert at the handlers."""

    def __init__(
        self, resource: Resource, strategy: Strategy, shared: Shared, form: Form | None = None
    ) -> None:
        form = form or built_in_form(resource, strategy)
        self.resource = resource
        self.strategy = strategy
        self.shared = shared
        self.stored = form.stored
        self.codec = form.codec
        self.checker = form.checker
        self.forms = form.forms or StoredForms(self.stored, strategy)
        self.tracking = Tracking(resource.api_version, strategy, form.versions)
        self.cache = shared.cache.resource(self.stored, form.kind)
        self.lister = Lister(shared.storage, shared.cache, self.cache)
        lease = shared.event_lease if self.stored == EVENTS else no_lease
        self.transactions = Transactions(shared.storage, self.cache, lease)

    def __repr__(self) -> str:
        return f"<Store {self.resource.api_version} {self.resource.plural}>"

    def key(self, namespace: str, name: str) -> str:
        """Where the object is stored. Raises BadRequestError for a name that no key can have."""
        if problems := names.is_path_segment(name):
            raise BadRequestError(f'Name parameter invalid: "{name}": {";".join(problems)}')
        return self.stored.storage_key(namespace, name)

    def namespace_of(self, info: RequestInfo) -> str:
        """The namespace a request is about; a namespace object itself is in none."""
        return info.namespace if self.resource.namespaced else ""

    async def get(self, namespace: str, name: str, resource_version: str = "") -> Entry:
        """At least as of that revision. Raises NotFoundError; TimeoutStatusError if it does not come."""
        await self.lister.be_current(resource_version)
        entry = self.cache.get(namespace, name)
        if entry is None:
            self.cache.check_object(self.key(namespace, name))
            raise NotFoundError(self.resource, name)
        return entry

    async def list(self, namespace: str, options: ListOptions) -> Listing:
        if self.codec.is_prompt or options.selects_all:
            return await self.lister.list(namespace, options)
        listing = await self.lister.list(namespace, options.without_selectors)
        await self.codec.prepare(listing.entries)
        found = [each for each in listing.entries if matches(each, options, self.codec.selection)]
        return replace(listing, entries=found, remaining=None)

    async def create(self, info: RequestInfo, namespace: str, obj: Object, options: WriteOptions) -> Entry:
        """Stores a new object (decoded, defaulted, in the stored version), which is changed in place."""
        entry = await creating.create(self, info, namespace, obj, options)
        return self.note(info, entry)

    async def update(
        self, info: RequestInfo, target: Target, change: Change, options: WriteOptions
    ) -> tuple[Entry, bool]:
        """Applies `change` to what is stored, as often as it takes; the entry, and whether it is new."""
        return await updating.update(self, info, target, change, options)

    async def delete(
        self,
        info: RequestInfo,
        namespace: str,
        name: str,
        options: DeleteOptions,
        *,
        is_admitted: bool = False,
    ) -> tuple[Entry, bool]:
        """Marks the object as terminating, or removes it; its last state, and whether it is gone.

        `is_admitted`: admission has been asked already.
        """
        entry, gone = await deleting.delete(self, info, namespace, name, options, is_admitted=is_admitted)
        return self.note(info, entry), gone

    def note(self, info: RequestInfo, entry: Entry) -> Entry:
        """Tells the journal which revision of which object the request made."""
        info.revision, info.name = entry.revision, entry.name
        return entry

    # What the verbs share

    def context(self, dry_run: bool) -> WriteContext:
        return WriteContext(self._look_up, self.shared.storage, dry_run, now=self.shared.now)

    def track(
        self, info: RequestInfo, old: Object | None, new: Object, options: WriteOptions, subresource: str = ""
    ) -> None:
        """Notes in `new` who manages what, after this request made it of `old`."""
        manager, now = manager_of(info, options.field_manager), format_time(self.shared.now())
        self.tracking.through(subresource).track(old, new, manager, now)

    def _look_up(self, resource: Resource, namespace: str, name: str) -> Object | None:
        entry = self.shared.cache.resource(resource).get(namespace, name)
        return entry.obj if entry else None

    async def admit(self, attributes: Attributes) -> None:
        """Asks the plugins that may change the object, or refuse."""
        managers = managers_of(attributes.object)
        await self.shared.admission.admit(attributes)
        attributes.warnings += restore_nonsense(attributes.object, managers)

    async def validate(self, attributes: Attributes) -> None:
        """Asks the plugins that may only refuse."""
        await self.shared.admission.validate(attributes)
