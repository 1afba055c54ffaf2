"""Pods that were to be evicted, and after two minutes still are not, are told so."""

from __future__ import annotations

from typing import ClassVar

from apimachinery import scheme
from apimachinery.conditions import set_condition
from apimachinery.errors import ConflictError, NotFoundError
from apimachinery.objects import NamespacedName, Object, deep_copy
from apimachinery.times import format_time
from client.controller import Watch, by_name
from controller_manager.context import ControllerContext
from controller_manager.disruption.plan import DISRUPTION_TARGET, stale_after


class StaleDisruptionController:
    """Takes DisruptionTarget from pods that were to be evicted and after two minutes still are not."""

    name: ClassVar[str] = "stale-disruption-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client, self._now = context.client, context.now
        self._pods = context.informers.informer(scheme.PODS)

    def watches(self) -> list[Watch]:
        return [Watch(self._pods, by_name, lambda old, new: self._wait(new) is not None)]

    async def reconcile(self, key: NamespacedName) -> float | None:
        pod = self._pods.get(key)
        wait = self._wait(pod)
        if pod is None or wait is None or wait > 0:
            return wait
        status = deep_copy(pod["status"])
        condition = {"type": DISRUPTION_TARGET, "status": "False"}
        set_condition(status["conditions"], condition, format_time(self._now()))
        try:
            await self._client.update_status(scheme.PODS, {**pod, "status": status})
        except (NotFoundError, ConflictError):
            return None  # the event of that change brings us back, if need be
        return None

    def _wait(self, pod: Object | None) -> float | None:
        return stale_after(pod, self._now()) if pod else None
