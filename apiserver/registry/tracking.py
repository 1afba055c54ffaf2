"""Managed fields for a store: which tracker serves which door, and what counts as a change.

Trackers are built when a door is first used: shapes are made of the schema then.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache

from apimachinery.errors import InternalError, StatusError
from apimachinery.merge.fields import Fields, Path, matching, path_set, recursive_difference
from apimachinery.merge.shape import shape_of
from apimachinery.objects import Object, deep_copy
from apimachinery.schema import Checked, builtin, checker_for
from apimachinery.scheme import Resource
from apiserver.managed_fields.book import BookError, read
from apiserver.managed_fields.tracker import Tracker, full_name, kind_text
from apiserver.managed_fields.updating import Door, Filter, all_fields
from apiserver.managed_fields.versions import Convert, Version, Versions, as_it_is
from apiserver.registry.conversion import Conversion, versions_of
from apiserver.registry.strategy import Strategy
from apiserver.request import RequestInfo

_MAX_MANAGER = 128
_NONSENSE = (
    ".metadata.managedFields was in an invalid state after admission; this could be caused by an outdated "
    "mutating admission controller; please fix your requests: {}"
)


class Tracking:
    """The trackers of one resource in one API version."""

    def __init__(self, api_version: str, strategy: Strategy, versions: Callable[[], Versions]) -> None:
        self._api_version = api_version
        self._strategy = strategy
        self._make_versions = versions
        self._trackers: dict[str, Tracker] = {}

    def through(self, subresource: str) -> Tracker:
        tracker = self._trackers.get(subresource)
        if tracker is None:
            tracker = self._trackers[subresource] = Tracker(self._door(subresource))
        return tracker

    @cached_property
    def _versions(self) -> Versions:
        return self._make_versions()

    def _door(self, subresource: str) -> Door:
        kept = kept_fields(self._strategy, subresource)
        return Door(self._api_version, self._versions, subresource, kept)


def built_in_versions(stored: Resource) -> Versions:
    """The versions of a built-in resource, by the version that it is stored in."""
    return Versions(
        {resource.api_version: _version(resource, each) for resource, each in versions_of(stored)}
    )


def _version(resource: Resource, conversion: Conversion | None) -> Version:
    node = builtin().node(resource.api_version, resource.kind)
    checker = checker_for(resource.api_version, resource.kind)
    if checker is None:
        raise InternalError(f"no schema for {resource.api_version} {resource.kind}")
    to_stored, from_stored = (
        (conversion.to_stored, conversion.from_stored) if conversion else (as_it_is, as_it_is)
    )
    return Version(shape_of(node), from_stored, settling(checker.check, resource.api_version, to_stored))


def settling(check: Callable[..., Checked], api_version: str, to_stored: Convert) -> Convert:
    """What merging made, as a client could have sent it: without nulls, and of the right types."""

    def settled(given: Object) -> Object:
        obj = deep_copy(given)
        checked = check(obj, prune=True)
        if checked.type_errors:
            what = f"failed to convert new object ({full_name(obj)}) to proper version"
            why = (
                f"unable to convert unstructured object to {kind_text(obj)}: {checked.type_errors[0].message}"
            )
            raise StatusError(f"{what}: {why}")
        return to_stored(obj)

    return settled


def kept_fields(strategy: Strategy, subresource: str) -> Filter:
    """What a write through a door can change, of what it says."""
    if writable := strategy.writable_fields(subresource):
        pattern = path_set(*map(_path, writable))
        return lambda fields: matching(fields, pattern)
    resets = path_set(*map(_path, strategy.reset_fields(subresource)))

    def without_resets(fields: Fields) -> Fields:
        return recursive_difference(fields, resets) if fields else fields

    return without_resets if resets else all_fields


def _path(text: str) -> Path:
    return tuple(name if name == "*" else f"f:{name}" for name in text.split("."))


def manager_of(info: RequestInfo, field_manager: str) -> str:
    """Who a write is by: who it says, else the user agent up to its first slash."""
    return field_manager or _program_of(info.user_agent)


@lru_cache(maxsize=256)
def _program_of(user_agent: str) -> str:
    name = "".join(each for each in user_agent.partition("/")[0] if each.isprintable())
    return name.encode()[:_MAX_MANAGER].decode(errors="ignore")


def managers_of(obj: Object | None) -> list[Object] | None:
    """An object's managedFields, as they are."""
    managers: list[Object] | None = obj["metadata"].get("managedFields") if obj else None
    return managers


def restore_nonsense(obj: Object | None, before: list[Object] | None) -> list[str]:
    """Undoes what admission made of managedFields if nobody can read it; the warnings for whoever asked."""
    after = managers_of(obj)
    if obj is None or after == before:
        return []
    try:
        read(after)
    except BookError as error:
        obj["metadata"] |= {"managedFields": before or []}
        return [_NONSENSE.format(error)]
    return []


def is_unchanged(new: Object, old: Object) -> bool:
    """Whether nothing differs, or nothing but the times at which managers wrote."""
    if new == old:
        return True
    return _times_differ(new, old) and _timeless(new) == _timeless(old)


def _times_differ(new: Object, old: Object) -> bool:
    entries, before = new["metadata"].get("managedFields") or (), old["metadata"].get("managedFields") or ()
    return len(entries) == len(before) and [each.get("time") for each in entries] != [
        each.get("time") for each in before
    ]


def _timeless(obj: Object) -> Object:
    entries = [{**each, "time": None} for each in obj["metadata"]["managedFields"]]
    return obj | {"metadata": obj["metadata"] | {"managedFields": entries}}
