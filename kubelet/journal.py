"""What happened to each pod on this node, step by step with times: how it started, and what is in its way.

In memory, for the latest pods only; served at /debug/pods. A step that is taken again is counted, not
repeated: its first time tells how the pod started, its last one what it is doing now.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from apimachinery.objects import NamespacedName, Object, key_of, uid_of
from apimachinery.times import format_micro_time

MAX_PODS, MAX_STEPS = 500, 100


class _Key(NamedTuple):
    step: str
    container: str
    error: str


@dataclass(slots=True)
class _Step:
    first: datetime
    milliseconds: float | None
    """Of the first time; None if it took none."""
    last: datetime
    count: int = 1


@dataclass(slots=True)
class _Pod:
    key: NamespacedName
    steps: dict[_Key, _Step] = field(default_factory=dict)


class Journal:
    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._pods: OrderedDict[str, _Pod] = OrderedDict()

    def note(self, pod: Object, step: str, container: str = "", *, error: str = "") -> None:
        """A moment."""
        self._add(pod, _Key(step, container, error), self._now(), None)

    @contextmanager
    def step(self, pod: Object, step: str, container: str = "") -> Iterator[None]:
        """What takes time; an exception is how it failed."""
        began = self._now()
        error = ""
        try:
            yield
        except Exception as raised:
            error = str(raised) or type(raised).__name__
            raise
        finally:
            took = (self._now() - began).total_seconds() * 1000
            self._add(pod, _Key(step, container, error), began, took)

    def of(self, key: NamespacedName) -> dict[str, list[Object]]:
        """The steps of every pod that had this name, by uid; the newest pod last."""
        return {
            uid: [_shown(what, step) for what, step in pod.steps.items()]
            for uid, pod in self._pods.items()
            if pod.key == key
        }

    def _add(self, pod: Object, key: _Key, moment: datetime, milliseconds: float | None) -> None:
        steps = self._of_pod(pod).steps
        known = steps.get(key)
        if known is not None:
            known.last, known.count = moment, known.count + 1
            return
        if len(steps) >= MAX_STEPS:
            del steps[next((each for each in steps if each.error), next(iter(steps)))]
        steps[key] = _Step(moment, milliseconds, moment)

    def _of_pod(self, pod: Object) -> _Pod:
        uid = uid_of(pod)
        if uid not in self._pods:
            self._pods[uid] = _Pod(key_of(pod))
            if len(self._pods) > MAX_PODS:
                self._pods.popitem(last=False)
        return self._pods[uid]


def _shown(what: _Key, step: _Step) -> Object:
    shown: Object = {"step": what.step, "time": format_micro_time(step.first)}
    if what.container:
        shown["container"] = what.container
    if step.milliseconds is not None:
        shown["milliseconds"] = round(step.milliseconds, 3)
    if what.error:
        shown["error"] = what.error
    if step.count > 1:
        shown |= {"count": step.count, "lastTime": format_micro_time(step.last)}
    return shown
