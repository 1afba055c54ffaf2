"""The way from a pod's status in the API to the one it should have, as a strategic merge patch. Pure."""

from __future__ import annotations

from typing import Any

from apimachinery.objects import Object
from kubelet.pods.allocation import RESIZE_CONDITIONS
from kubelet.pods.status import OWNED_CONDITIONS

_REPLACED_LISTS = ("podIPs", "hostIPs")
"""Merged by ip unless told otherwise: an old address would stay."""

_FOREIGN = ("nominatedNodeName", "resize", "resourceClaimStatuses", "extendedResourceClaimStatus")


def status_patch(old: Object, new: Object) -> Object:
    """Empty if there is nothing to say. Conditions are merged by type: those of others are left alone."""
    patch: Object = {}
    for key in sorted(old.keys() | new.keys()):
        if key in _FOREIGN:
            continue
        if key == "conditions":
            changed = _changed_conditions(old.get(key) or [], new.get(key) or [])
            patch |= {key: changed} if changed else {}
        elif new.get(key) is None:
            patch |= {key: None} if old.get(key) else {}
        elif not _equal(old.get(key), new[key]):
            patch[key] = _replacement(key, new[key], old.get(key))
    return patch


def _changed_conditions(old: list[Object], new: list[Object]) -> list[Object]:
    """Changed ones, with a null for each field that has gone; our own go that are not told any more."""
    before = {each["type"]: each for each in old}
    changed = []
    for condition in new:
        known = before.get(condition["type"], {})
        if _equal(known, condition):
            continue
        gone = {key: None for key in known if key not in condition}
        changed.append({**condition, **gone})
    kept = {each["type"] for each in new}
    over = [name for name in (*OWNED_CONDITIONS, *RESIZE_CONDITIONS) if name in before and name not in kept]
    return [*changed, *({"type": name, "$patch": "delete"} for name in over)]


def _replacement(key: str, value: Any, old: Any) -> Any:
    if key in _REPLACED_LISTS and old:
        return [{"$patch": "replace"}, *value]
    return value


def _equal(one: Any, other: Any) -> bool:
    """What the server leaves out and what is empty are the same."""
    if one == other:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return all(_equal(one.get(key), other.get(key)) for key in one.keys() | other.keys())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return _is_empty(one) and _is_empty(other)


def _is_empty(value: Any) -> bool:
    return value in (None, []) or (isinstance(value, dict) and all(map(_is_empty, value.values())))
