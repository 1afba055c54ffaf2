"""What a DELETE means for an object, as a table."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from apimachinery.errors import ConflictError
from apimachinery.objects import Object
from apimachinery.scheme import CONFIG_MAPS, CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES, PODS, Resource
from apiserver.registry.deletion import Deletion, check_preconditions, is_released, plan_deletion
from apiserver.registry.options import DeleteOptions

NOW = datetime(2026, 1, 1, 0, 0, 0, tzinfo=UTC)
AT_ONCE, IN_30 = "2026-01-01T00:00:00Z", "2026-01-01T00:00:30Z"


def obj(**metadata: Any) -> Object:
    return {"metadata": {"name": "a", **metadata}}


def plan(resource: Resource, thing: Object, *, grace: int | None = None, **options: Any) -> Deletion:
    return plan_deletion(resource, thing, DeleteOptions(**options), grace, "Background", NOW)


GONE = Deletion(remove=True)
TERMINATING = {"deletionTimestamp": IN_30, "deletionGracePeriodSeconds": 30}


@pytest.mark.parametrize(
    ("thing", "grace", "options", "expected"),
    [
        pytest.param(obj(), None, {}, GONE, id="nothing holds it"),
        pytest.param(
            obj(finalizers=["x/y"]),
            None,
            {},
            Deletion(obj(finalizers=["x/y"], deletionTimestamp=AT_ONCE, deletionGracePeriodSeconds=0)),
            id="a finalizer holds it",
        ),
        pytest.param(
            obj(finalizers=["x/y"], deletionTimestamp=AT_ONCE, deletionGracePeriodSeconds=0),
            None,
            {},
            Deletion(),
            id="deleted twice while held",
        ),
        pytest.param(
            obj(),
            None,
            {"propagation_policy": "Foreground"},
            Deletion(
                obj(
                    finalizers=["foregroundDeletion"],
                    deletionTimestamp=AT_ONCE,
                    deletionGracePeriodSeconds=0,
                )
            ),
            id="foreground waits for dependents",
        ),
        pytest.param(
            obj(finalizers=["foregroundDeletion"]),
            None,
            {"orphan_dependents": True},
            Deletion(obj(finalizers=["orphan"], deletionTimestamp=AT_ONCE, deletionGracePeriodSeconds=0)),
            id="orphan replaces foreground",
        ),
        pytest.param(
            obj(generation=2),
            30,
            {},
            Deletion(obj(generation=3, **TERMINATING)),
            id="a pod gets its grace period",
        ),
        pytest.param(
            obj(),
            0,
            {"grace_period": 0},
            Deletion(obj(deletionTimestamp=AT_ONCE, deletionGracePeriodSeconds=0), remove=True),
            id="grace 0 marks and removes",
        ),
        pytest.param(obj(**TERMINATING), 30, {}, Deletion(), id="a pod deleted twice"),
        pytest.param(obj(**TERMINATING), 60, {"grace_period": 60}, Deletion(), id="grace can't be longer"),
        pytest.param(
            obj(**TERMINATING),
            10,
            {"grace_period": 10},
            Deletion(obj(deletionTimestamp="2026-01-01T00:00:10Z", deletionGracePeriodSeconds=10)),
            id="grace can be shorter",
        ),
        pytest.param(
            obj(**TERMINATING),
            0,
            {"grace_period": 0},
            Deletion(obj(deletionTimestamp=AT_ONCE, deletionGracePeriodSeconds=0), remove=True),
            id="the kubelet is done",
        ),
        pytest.param(
            obj(finalizers=["x/y"], **TERMINATING),
            0,
            {"grace_period": 0},
            Deletion(obj(finalizers=["x/y"], deletionTimestamp=AT_ONCE, deletionGracePeriodSeconds=0)),
            id="the kubelet is done but a finalizer is not",
        ),
        pytest.param(
            obj(deletionTimestamp=AT_ONCE, deletionGracePeriodSeconds=0),
            30,
            {},
            GONE,
            id="a removal that was cut short",
        ),
    ],
)
def test_plan(thing: Object, grace: int | None, options: dict[str, Any], expected: Deletion) -> None:
    before = repr(thing)
    assert plan(PODS if grace is not None else CONFIG_MAPS, thing, grace=grace, **options) == expected
    assert repr(thing) == before, "the plan touches nothing"


def test_a_namespace_is_held_by_its_spec_and_says_terminating() -> None:
    namespace = obj() | {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
    marked = plan(NAMESPACES, namespace).marked
    assert marked == obj(deletionTimestamp=AT_ONCE) | {
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Terminating"},
    }
    assert plan(NAMESPACES, marked) == Deletion()
    assert plan(NAMESPACES, marked | {"spec": {}}) == GONE


def test_options_count_for_a_namespace_at_once() -> None:
    """It has a deletion of its own, too, but that asks for the finalizers of the garbage collector."""
    in_use = obj(finalizers=["orphan"], generation=1) | {"spec": {"finalizers": ["kubernetes"]}}
    marked = plan(NAMESPACES, in_use, propagation_policy="Foreground").marked
    assert marked == in_use | obj(
        finalizers=["foregroundDeletion"], generation=1, deletionTimestamp=AT_ONCE
    ) | {"status": {"phase": "Terminating"}}


def test_a_definition_is_only_given_a_time_at_first() -> None:
    """Its cleanup finalizer holds it; options count from the second time on."""
    definition = obj(finalizers=["cleanup"], generation=1)
    marked = plan(CUSTOM_RESOURCE_DEFINITIONS, definition, propagation_policy="Foreground").marked
    assert marked == obj(finalizers=["cleanup"], generation=1, deletionTimestamp=AT_ONCE)
    again = plan(CUSTOM_RESOURCE_DEFINITIONS, marked, propagation_policy="Foreground").marked
    held = ["cleanup", "foregroundDeletion"]
    assert again == obj(
        finalizers=held, generation=1, deletionTimestamp=AT_ONCE, deletionGracePeriodSeconds=0
    )


@pytest.mark.parametrize(
    ("thing", "released"),
    [
        pytest.param(obj(), False, id="not being deleted"),
        pytest.param(obj(deletionTimestamp=AT_ONCE, deletionGracePeriodSeconds=0), True, id="nothing left"),
        pytest.param(obj(deletionTimestamp=AT_ONCE, finalizers=["x/y"]), False, id="a finalizer left"),
        pytest.param(obj(**TERMINATING), False, id="in its grace period"),
    ],
)
def test_an_update_can_release_an_object(thing: Object, released: bool) -> None:
    assert is_released(CONFIG_MAPS, thing) is released


def test_preconditions_name_both_sides() -> None:
    thing = obj(uid="u1", resourceVersion="7")
    check_preconditions(thing, DeleteOptions(uid="u1", resource_version="7"), PODS)
    with pytest.raises(ConflictError, match=r"UID in the precondition \(u2\) does not match .* \(u1\)"):
        check_preconditions(thing, DeleteOptions(uid="u2"), PODS)
    with pytest.raises(ConflictError, match=r"ResourceVersion in the precondition \(6\) .* \(7\)"):
        check_preconditions(thing, DeleteOptions(resource_version="6"), PODS)


@pytest.mark.parametrize("resource", [NAMESPACES, CUSTOM_RESOURCE_DEFINITIONS])
def test_preconditions_of_what_is_emptied_first_are_told_in_their_own_words(resource: Resource) -> None:
    text = (
        f'{resource.group_resource} "a": Precondition failed: UID in precondition: u2, UID in object meta: u1'
    )
    with pytest.raises(ConflictError, match=re.escape(text)):
        check_preconditions(obj(uid="u1"), DeleteOptions(uid="u2"), resource)
