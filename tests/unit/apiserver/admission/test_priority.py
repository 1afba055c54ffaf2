"""Priority classes become numbers."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from apimachinery.scheme import PRIORITY_CLASSES
from apiserver.admission.priority import Priority
from tests.unit.apiserver.admission.writes import Objects, admit, make_pod, refusal, write


def priority(**classes: Object) -> Priority:
    objects = Objects(**classes)
    return Priority(objects.lookup, objects.all)


PRIORITIES: dict[str, tuple[Object, Object, tuple[Any, ...]]] = {
    "no class at all": ({}, {}, (0, "PreemptLowerPriority", None)),
    "a class": ({"high": {"value": 10}}, {"priorityClassName": "high"}, (10, "PreemptLowerPriority", "high")),
    "the default class": (
        {"usual": {"value": 5, "globalDefault": True, "preemptionPolicy": "Never"}},
        {},
        (5, "Never", "usual"),
    ),
}


@pytest.mark.parametrize("row", PRIORITIES.values(), ids=PRIORITIES.keys())
async def test_a_class_becomes_a_number(row: tuple[Object, Object, tuple[Any, ...]]) -> None:
    classes, spec, expected = row
    pod = await admit(priority(**classes), write(make_pod(**spec)))
    keys = ("priority", "preemptionPolicy", "priorityClassName")
    assert tuple(pod["spec"].get(key) for key in keys) == expected


PRIORITY_REFUSALS = {
    "no such class": ({"priorityClassName": "x"}, "no PriorityClass with name x was found"),
    "a number of one's own": (
        {"priority": 7},
        "the integer value of priority (7) must not be provided in pod spec; "
        "priority admission controller computed 0 from the given PriorityClass name",
    ),
}


@pytest.mark.parametrize("row", PRIORITY_REFUSALS.values(), ids=PRIORITY_REFUSALS.keys())
async def test_a_priority_is_refused(row: tuple[Object, str]) -> None:
    spec, expected = row
    error = await refusal(priority(), write(make_pod(**spec)))
    assert error.message == f'pods "web" is forbidden: {expected}'


async def test_there_is_one_default_class() -> None:
    wanted = {"metadata": {"name": "other"}, "globalDefault": True}
    error = await refusal(
        priority(usual={"globalDefault": True}), write(wanted, PRIORITY_CLASSES, name="other")
    )
    assert "PriorityClass usual is already marked as default" in error.message
