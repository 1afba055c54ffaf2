"""Deletes finished Jobs whose ttlSecondsAfterFinished has passed.

Source: pkg/controller/ttlafterfinished/ttlafterfinished_controller.go.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from apimachinery import scheme
from apimachinery.errors import NotFoundError
from apimachinery.objects import NamespacedName, Object, get_path, is_terminating, uid_of
from apimachinery.times import parse_time
from client.controller import Watch, by_name
from controller_manager.context import ControllerContext
from controller_manager.metrics import TTL_SECONDS


def expiry_of(job: Object) -> datetime | None:
    """When a Job may go: so long after it was Complete or Failed. None if it may not, or no time is told."""
    seconds = job["spec"].get("ttlSecondsAfterFinished")
    if seconds is None or is_terminating(job):
        return None
    for condition in get_path(job, "status.conditions", []):
        if condition["type"] in ("Complete", "Failed") and condition["status"] == "True":
            finished = condition.get("lastTransitionTime")
            return parse_time(finished) + timedelta(seconds=seconds) if finished else None
    return None


class TTLAfterFinishedController:
    """Keeps the namespace clean."""

    name: ClassVar[str] = "ttl-after-finished-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client, self._now = context.client, context.now
        self._jobs = context.informers.informer(scheme.JOBS)

    def watches(self) -> list[Watch]:
        return [Watch(self._jobs, by_name, lambda old, new: new is not None and expiry_of(new) is not None)]

    async def reconcile(self, key: NamespacedName) -> float | None:
        job = self._jobs.get(key)
        left = self._left(job)
        if job is None or left is None or left > 0:
            return left
        try:
            fresh = await self._client.get(scheme.JOBS, key.name, key.namespace)
            left = self._left(fresh)  # the ttl may have been raised
            if uid_of(fresh) != uid_of(job) or left is None or left > 0:
                return left
            options = {"propagationPolicy": "Foreground", "preconditions": {"uid": uid_of(job)}}
            await self._client.delete(scheme.JOBS, key.name, key.namespace, options=options)
        except NotFoundError:
            return None
        TTL_SECONDS.observe(-left)
        return None

    def _left(self, job: Object | None) -> float | None:
        expiry = expiry_of(job) if job else None
        return (expiry - self._now()).total_seconds() if expiry else None
