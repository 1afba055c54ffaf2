"""The ServiceCIDR `kubernetes`: the range of --service-cluster-ip-range, ready from the start.

Source: pkg/controlplane/controller/defaultservicecidr of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from apimachinery.conditions import find_condition
from apimachinery.objects import Object, get_path, is_terminating
from apimachinery.scheme import SERVICE_CIDRS
from apimachinery.times import format_time
from apiserver.bootstrap.policy import Wanted
from apiserver.bootstrap.reconcile import Bootstrapper

READY = "Ready"


class DefaultServiceCIDR:
    """Keeps it there. What an administrator has made of its condition stays."""

    def __init__(self, bootstrapper: Bootstrapper, cidr: str, now: Callable[[], datetime]) -> None:
        self._bootstrapper = bootstrapper
        self._wanted = Wanted(SERVICE_CIDRS, service_cidr(cidr))
        self._now = now

    async def sync(self) -> None:
        """One pass."""
        await self._bootstrapper.ensure(self._wanted)
        current = self._bootstrapper.lookup(SERVICE_CIDRS, self._wanted.obj)
        if current is None or self._with_ready(current) is not None:
            await self._bootstrapper.change(self._wanted, self._with_ready, "status")

    def _with_ready(self, current: Object) -> Object | None:
        return with_ready(current, self._wanted.obj["spec"], format_time(self._now()))


def service_cidr(cidr: str) -> Object:
    return {
        "apiVersion": SERVICE_CIDRS.api_version,
        "kind": SERVICE_CIDRS.kind,
        "metadata": {"name": "kubernetes"},
        "spec": {"cidrs": [cidr]},
    }


def with_ready(current: Object, spec: Object, now: str) -> Object | None:
    """With the condition Ready, or None if there is one already or the range is not this server's. Pure."""
    conditions = get_path(current, "status.conditions", [])
    if is_terminating(current) or current["spec"] != spec or find_condition(conditions, READY):
        return None
    ready = {
        "type": READY,
        "status": "True",
        "lastTransitionTime": now,
        "reason": "",
        "message": "Kubernetes default Service CIDR is ready",
    }
    return {**current, "status": {**(current.get("status") or {}), "conditions": [*conditions, ready]}}
