"""What happened to each pod on this node, step by step with times: answers why a pod started slowly.

In memory, for the latest pods only; served at /debug/pods/journal.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime

from apimachinery.objects import Object, name_of, namespace_of, uid_of
from apimachinery.times import format_micro_time

MAX_PODS, MAX_STEPS = 500, 200


class Journal:
    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._pods: OrderedDict[str, tuple[str, list[Object]]] = OrderedDict()

    def step(self, pod: Object, what: str, container: str = "") -> None:
        uid = uid_of(pod)
        if uid not in self._pods:
            self._pods[uid] = (f"{namespace_of(pod)}/{name_of(pod)}", [])
            if len(self._pods) > MAX_PODS:
                self._pods.popitem(last=False)
        steps = self._pods[uid][1]
        if len(steps) < MAX_STEPS:
            entry = {"time": format_micro_time(self._now()), "step": what}
            steps.append({**entry, "container": container} if container else entry)

    def pods(self, name: str = "") -> list[Object]:
        """Every pod's steps, or of those called `namespace/name`."""
        return [
            {"uid": uid, "pod": key, "steps": steps}
            for uid, (key, steps) in self._pods.items()
            if name in ("", key)
        ]
