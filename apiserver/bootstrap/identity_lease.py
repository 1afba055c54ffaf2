"""The Lease in kube-system that says that this apiserver is alive; those of others that have run out go.

Source: createOrUpdateAPIServerIdentityLease in pkg/controlplane/apiserver/server.go and
pkg/controlplane/controller/apiserverleasegc of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from apimachinery.errors import ConflictError, NotFoundError
from apimachinery.labels import parse_selector
from apimachinery.objects import Object, get_path, labels_of, uid_of
from apimachinery.scheme import LEASES
from apimachinery.times import format_micro_time, parse_time
from apimachinery.well_known import HOSTNAME
from apiserver.bootstrap.policy import Wanted
from apiserver.bootstrap.reconcile import Bootstrapper
from apiserver.identity import NAME, identity_of
from apiserver.registry.options import DeleteOptions, ListOptions
from apiserver.registry.store import Store

NAMESPACE = "kube-system"
LABEL = "apiserver.kubernetes.io/identity"
_SECONDS = 3600
_OURS = ListOptions(labels=parse_selector(f"{LABEL}={NAME}"))


class IdentityLease:
    """Of the apiserver on this host."""

    def __init__(
        self, bootstrapper: Bootstrapper, leases: Store, host: str, now: Callable[[], datetime]
    ) -> None:
        self._bootstrapper = bootstrapper
        self._leases = leases
        self._host = host
        self._now = now
        self._holder = f"{identity_of(host)}_{uuid4()}"

    async def renew(self) -> None:
        """One pass: the Lease is there, and of now."""
        wanted = Wanted(LEASES, identity_lease(self._host, self._holder, self._now()))
        if self._bootstrapper.lookup(LEASES, wanted.obj) is None:
            await self._bootstrapper.ensure(wanted)
        else:
            await self._bootstrapper.change(wanted, lambda current: renewed(current, wanted.obj))

    async def collect(self) -> None:
        """One pass: the Leases of apiservers that are no more go."""
        for entry in (await self._leases.list(NAMESPACE, _OURS)).entries:
            if has_run_out(entry.obj, self._now()):
                await self._remove(entry.obj)

    async def _remove(self, lease: Object) -> None:
        version = str(lease["metadata"]["resourceVersion"])
        with suppress(NotFoundError, ConflictError):
            await self._bootstrapper.delete(
                Wanted(LEASES, lease), DeleteOptions(uid=uid_of(lease), resource_version=version)
            )


def identity_lease(host: str, holder: str, now: datetime) -> Object:
    labels = {LABEL: NAME, HOSTNAME: host}
    return {
        "apiVersion": LEASES.api_version,
        "kind": LEASES.kind,
        "metadata": {"name": identity_of(host), "namespace": NAMESPACE, "labels": labels},
        "spec": {
            "holderIdentity": holder,
            "leaseDurationSeconds": _SECONDS,
            "renewTime": format_micro_time(now),
        },
    }


def renewed(current: Object, wanted: Object) -> Object:
    """Of now, and otherwise whose it was: several servers on a host share it. Pure."""
    spec = {**(current.get("spec") or {}), "renewTime": wanted["spec"]["renewTime"]}
    labels = {**labels_of(current), **wanted["metadata"]["labels"]}
    return {**current, "metadata": {**current["metadata"], "labels": labels}, "spec": spec}


def has_run_out(lease: Object, now: datetime) -> bool:
    """Whether nobody has renewed it for as long as it lasts, or ever. Pure."""
    renewed_at, seconds = get_path(lease, "spec.renewTime"), get_path(lease, "spec.leaseDurationSeconds")
    if not renewed_at or seconds is None:
        return True
    return parse_time(renewed_at) + timedelta(seconds=seconds) < now.astimezone(UTC)
