"""Conditions: the list of typed true/false/unknown statements that most statuses carry."""

from __future__ import annotations

from collections.abc import Sequence

from apimachinery.objects import Object, get_path


def find_condition(conditions: Sequence[Object] | None, type: str) -> Object | None:
    return next((each for each in conditions or () if each.get("type") == type), None)


def condition_of(obj: Object, type: str) -> Object | None:
    """The condition of that type in the object's status."""
    return find_condition(get_path(obj, "status.conditions"), type)


def is_condition_true(obj: Object, type: str) -> bool:
    found = condition_of(obj, type)
    return found is not None and found.get("status") == "True"


def set_condition(conditions: list[Object], condition: Object, now: str) -> bool:
    """Adds or replaces, in place; says whether anything changed.

    lastTransitionTime stays when the status does, and becomes `now` (or what the condition brings) otherwise.
    """
    old = find_condition(conditions, condition["type"])
    if old is None:
        conditions.append({"lastTransitionTime": now, **condition})
        return True
    if old.get("status") == condition["status"]:
        new = {**condition, "lastTransitionTime": old.get("lastTransitionTime")}
    else:
        new = {"lastTransitionTime": now, **condition}
    if new == old:
        return False
    conditions[conditions.index(old)] = new
    return True
