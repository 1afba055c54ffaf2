"""What the schema can't say about a kind: defaults, what a write may change, validation, columns.

A Strategy is data and pure functions; the store calls it in upstream's order
(`registry/rest/create.go`, `update.go`). Objects are changed in place where a method says so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from apimachinery import names
from apimachinery.field import ErrorList
from apimachinery.labels import selector_from_label_selector
from apimachinery.objects import Object, get_path
from apiserver.storage.cached import Lookup
from apiserver.storage.interface import Storage


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a Table (meta/v1 TableColumnDefinition). priority 0 is shown always, 1 with -o wide."""

    name: str
    type: str = "string"
    format: str = ""
    description: str = ""
    priority: int = 0


NAME_COLUMN = Column("Name", format="name")
AGE_COLUMN = Column("Age")

Rollback = Callable[[], Awaitable[None]]


async def nothing_to_undo() -> None:
    """The Rollback of a kind that allocates nothing."""


@dataclass(frozen=True)
class WriteContext:
    """What a strategy that must look beyond its own object may use."""

    get: Lookup
    """Another object as the cache has it."""
    storage: Storage
    """For allocations (cluster IPs, node ports)."""
    dry_run: bool = False
    now: Callable[[], datetime] = field(kw_only=True)


class Strategy:
    """The behaviour of a kind nobody has said anything about; kinds override what differs."""

    name_check: Callable[[str], list[str]] = staticmethod(names.is_dns1123_subdomain)
    error_kind: str = ""
    """What errors call the kind, where that is not its own group's name."""
    has_status: bool = True
    """Create drops status, an update keeps the old one, an update of status keeps the old spec."""
    keeps_status_on_create: bool = False
    """Nodes register with what they are."""
    allow_create_on_update: bool = False
    allow_unconditional_update: bool = True
    tracks_generation: bool = True
    """generation counts changes of anything but metadata and status."""
    first_generation: int = 1
    status_resets: tuple[str, ...] = ("spec",)
    """Dotted paths of what an update of status leaves as it was. All but metadata is left in any case."""
    default_delete_propagation: str = "Background"
    default_delete_warning: str = ""
    """For those who delete without saying what becomes of dependents."""
    demands_qualified_finalizers: bool = True
    """Whether a finalizer must have a domain, but for those that are older than that rule."""
    deprecation: str = ""
    """A warning for everybody who speaks this version."""
    replicas_path: Sequence[str] = ("spec", "replicas")
    status_replicas_path: Sequence[str] = ("status", "replicas")
    """Where the scale subresource looks."""
    field_names: Mapping[str, str] = MappingProxyType({})
    """Of a version that is not stored: what a field selector may name, with its name in selectable_fields."""
    columns: Sequence[Column] = (NAME_COLUMN, Column("Created At", "date"))
    row_order: Callable[[Object], Any] | None = None
    """By what the rows of a Table are sorted; None: as they are in any list."""
    unselectable: str = ""
    """The refusal of a field selector that names another field, where it is not that of most kinds."""

    def default(self, obj: Object) -> None:
        """Fills in defaults, in place; idempotent. Runs on every decoded object, before anything else."""

    def prepare_for_create(self, obj: Object) -> None:
        """Drops or sets what the user may not, in place."""

    def prepare_for_update(self, new: Object, old: Object) -> None:
        """Carries over from old what an update may not change, in place."""

    def validate(self, obj: Object) -> ErrorList:
        """Every error of a new object's own fields; metadata is checked by the store."""
        return []

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        """Every error of this change, including those of validate(new) where upstream repeats them."""
        return self.validate(new)

    def prepare_for_status_update(self, new: Object, old: Object) -> None:
        """As prepare_for_update, for the status subresource; the store keeps everything but status."""

    def validate_status_update(self, new: Object, old: Object) -> ErrorList:
        return []

    def prepare_for_delete(self, obj: Object, now: datetime) -> None:
        """What a first DELETE changes beyond the metadata that it always does, in place."""

    def replicas(self, obj: Object) -> int | None:
        """spec.replicas of a Scale; None if the object does not say."""
        count: int | None = get_path(obj, self.replicas_path)
        return count

    def scale_selector(self, obj: Object) -> str:
        """The selector of status.selector in a Scale."""
        return str(selector_from_label_selector((obj.get("spec") or {}).get("selector")))

    def warnings_as_sent(self, obj: Object) -> list[str]:
        """Warnings about a new object before prepare_for_create mends it, told even if it is refused."""
        return []

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """Texts for Warning headers about an object that is valid, whatever becomes of it."""
        return []

    def status_warnings(self, obj: Object, old: Object) -> list[str]:
        """As warnings, for an update of the status."""
        return []

    async def begin_create(self, ctx: WriteContext, obj: Object) -> Rollback:
        """Allocates what the object needs, in place, after prepare_for_create; the result undoes it."""
        return nothing_to_undo

    async def begin_update(self, ctx: WriteContext, new: Object, old: Object) -> Rollback:
        return nothing_to_undo

    async def after_update(self, ctx: WriteContext, new: Object, old: Object) -> None:
        """Gives back what the update freed, once it is stored."""

    async def after_delete(self, ctx: WriteContext, obj: Object) -> None:
        """Gives back what begin_create took, once the object is gone."""

    def for_subresource(self, subresource: str) -> Strategy:
        """Who judges updates through a subresource of the kind's own form, status aside.

        pods/ephemeralcontainers, pods/resize, namespaces/finalize, certificatesigningrequests/approval:
        the store calls prepare_for_update and validate_update of the result.
        """
        return self

    def reset_fields(self, subresource: str) -> tuple[str, ...]:
        """Dotted paths of what a write through this door leaves as it was: nobody comes to manage it so."""
        if subresource == "status":
            return self.status_resets
        return ("status",) if self.has_status else ()

    def writable_fields(self, subresource: str) -> tuple[str, ...]:
        """Dotted paths (`*`: every item) where a write through this door can change nothing but these."""
        return ()

    def grace_period(self, obj: Object, requested: int | None) -> int | None:
        """Seconds of graceful deletion, or None if the kind is deleted at once (all but pods)."""
        return None

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        """What a field selector may name beyond metadata.name and metadata.namespace, with its values.

        Called with an empty object it tells the names.
        """
        return {}

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        """One Table row, in the order of columns."""
        return [obj["metadata"]["name"], obj["metadata"].get("creationTimestamp")]

    def row_conditions(self, obj: Object) -> list[Object]:
        """TableRow conditions: `Completed` for what clients may hide."""
        return []
