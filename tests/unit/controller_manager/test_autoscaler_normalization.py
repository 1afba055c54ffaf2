"""Never too much, too fast, or back and forth."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apimachinery.objects import Object
from controller_manager.horizontal_pod_autoscaler.history import Change, History, Recommendation
from controller_manager.horizontal_pod_autoscaler.normalization import Normalized, normalize
from controller_manager.horizontal_pod_autoscaler.settings import Settings
from tests.unit.controller_manager.builders import NOW


def autoscaler(maximum: int = 100, minimum: int = 1, **behavior: Any) -> Object:
    spec: Object = {"minReplicas": minimum, "maxReplicas": maximum}
    return {"spec": {**spec, **({"behavior": behavior} if behavior else {})}}


def history(*recommended: tuple[float, int], changed: tuple[tuple[float, int], ...] = ()) -> History:
    """Each so many seconds ago."""
    return History(
        [Recommendation(NOW - timedelta(seconds=age), replicas) for age, replicas in recommended],
        [Change(NOW - timedelta(seconds=age), replicas) for age, replicas in changed],
    )


def found(obj: Object, current: int, proposed: int, past: History) -> tuple[int, str, str, bool]:
    """The replicas, the two reasons, and whether they were limited."""
    it: Normalized = normalize(obj, current, proposed, past, Settings(), NOW)
    return it.replicas, it.able[0], it.limited[0], it.is_limited


READY, WITHIN = "ReadyForNewScale", "DesiredWithinRange"

WITHOUT_BEHAVIOR = {
    "as proposed": (autoscaler(), 3, 5, history(), (5, READY, WITHIN, False)),
    "at most twice as many": (autoscaler(), 3, 10, history(), (6, READY, "ScaleUpLimit", True)),
    "or four": (autoscaler(), 1, 10, history(), (4, READY, "ScaleUpLimit", True)),
    "at most what is allowed": (autoscaler(5), 3, 10, history(), (5, READY, "TooManyReplicas", True)),
    "at least what is allowed": (
        autoscaler(minimum=2),
        3,
        1,
        history(),
        (2, READY, "TooFewReplicas", True),
    ),
    "not down below what was recommended in five minutes": (
        autoscaler(),
        8,
        2,
        history((299, 6), (301, 8)),
        (6, "ScaleDownStabilized", WITHIN, False),
    ),
    "up at once": (autoscaler(), 4, 8, history((10, 4), (20, 2)), (8, READY, WITHIN, False)),
}


@pytest.mark.parametrize("case", WITHOUT_BEHAVIOR.values(), ids=WITHOUT_BEHAVIOR.keys())
def test_without_a_behavior(case: tuple[Object, int, int, History, tuple[int, str, str, bool]]) -> None:
    obj, current, proposed, past, expected = case
    assert found(obj, current, proposed, past) == expected


def policy(sort: str, value: int, seconds: int = 60) -> Object:
    return {"type": sort, "value": value, "periodSeconds": seconds}


def rules(*policies: Object, window: int | None = 0, select: str = "Max") -> Object:
    windows = {} if window is None else {"stabilizationWindowSeconds": window}
    return {"policies": list(policies), "selectPolicy": select, **windows}


PODS, PERCENT = policy("Pods", 4), policy("Percent", 50)
FREE = rules(policy("Percent", 1000))

UP = {
    "the policy that lets most": (rules(PODS, PERCENT), 10, history(), 15),
    "the policy that lets least": (rules(PODS, PERCENT, select="Min"), 10, history(), 14),
    "not at all": (rules(PODS, select="Disabled"), 10, history(), 10),
    "what was added already counts": (rules(PODS), 10, history(changed=((30, 3),)), 11),
    "what was added before the period does not": (rules(PODS), 10, history(changed=((61, 3),)), 14),
    "what was taken away counts, too": (rules(PODS), 10, history(changed=((30, 3), (10, -5))), 16),
    "never below what there is": (rules(PODS), 10, history(changed=((30, 9),)), 10),
    "shares are rounded up": (rules(policy("Percent", 1)), 10, history(), 11),
    "of what there was when the period began": (rules(PERCENT), 12, history(changed=((5, 2),)), 15),
    "only as far as was recommended all the time": (
        rules(policy("Pods", 50), window=60),
        10,
        history((30, 12), (90, 5)),
        12,
    ),
}


@pytest.mark.parametrize(("up", "current", "past", "replicas"), UP.values(), ids=UP.keys())
def test_up_as_the_behavior_has_it(up: Object, current: int, past: History, replicas: int) -> None:
    assert found(autoscaler(scaleUp=up, scaleDown=FREE), current, 40, past)[0] == replicas


DOWN = {
    "the policy that lets most": (rules(PODS, PERCENT), 10, history(), 5),
    "the policy that lets least": (rules(PODS, PERCENT, select="Min"), 10, history(), 6),
    "not at all": (rules(PODS, select="Disabled"), 10, history(), 10),
    "what was taken away counts": (rules(PODS), 10, history(changed=((30, -3),)), 9),
    "never above what there is": (rules(PODS), 10, history(changed=((30, -9),)), 10),
    "shares are rounded down": (rules(policy("Percent", 1)), 10, history(), 9),
    "not below what was recommended": (rules(PODS, window=60), 10, history((30, 8), (61, 9)), 8),
    "five minutes, if it says nothing": (rules(PODS, window=None), 10, history((299, 8), (301, 9)), 8),
}  # fmt: skip


@pytest.mark.parametrize(("down", "current", "past", "replicas"), DOWN.values(), ids=DOWN.keys())
def test_down_as_the_behavior_has_it(down: Object, current: int, past: History, replicas: int) -> None:
    assert found(autoscaler(scaleUp=FREE, scaleDown=down), current, 1, past)[0] == replicas


def test_a_behavior_says_why_it_limits() -> None:
    slow = autoscaler(30, 2, scaleUp=rules(PODS), scaleDown=rules(PODS))
    assert found(slow, 10, 20, history()) == (14, READY, "ScaleUpLimit", True)
    assert found(slow, 10, 3, history()) == (6, READY, "ScaleDownLimit", True)
    assert found(slow, 28, 50, history()) == (30, READY, "TooManyReplicas", True)
    assert found(slow, 3, 1, history()) == (2, READY, "TooFewReplicas", True)
    steady = autoscaler(scaleUp=rules(PODS, window=60), scaleDown=rules(PODS, window=60))
    assert found(steady, 10, 13, history((5, 11))) == (11, "ScaleUpStabilized", WITHIN, False)
    assert found(steady, 10, 7, history((5, 9))) == (9, "ScaleDownStabilized", WITHIN, False)


def test_what_is_proposed_is_remembered_for_an_hour() -> None:
    past = history((3599, 7), (3601, 8))
    normalize(autoscaler(), 3, 5, past, Settings(), NOW)
    assert [each.replicas for each in past.recommendations] == [7, 5]
