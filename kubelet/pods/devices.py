"""Devices that a pod claims. No driver is ever registered here: a pod that has some can't start.

Source: prepareResources in pkg/kubelet/cm/dra/manager.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from apimachinery.errors import StatusError
from apimachinery.objects import Object, get_path, name_of, namespace_of, uid_of
from apimachinery.resource_claims import (
    NOT_NEEDED,
    claim_name,
    is_from_template,
    is_reserved_for,
    references_of,
    why_not_for_pod,
)
from apimachinery.scheme import RESOURCE_CLAIMS
from client.errors import ConnectionFailed
from client.rest import Client
from kubelet.metrics import DEVICE_SECONDS


class DeviceError(Exception):
    """Why the devices of a pod can't be had."""


@contextmanager
def counted_preparation() -> Iterator[None]:
    began, is_error = perf_counter(), True
    try:
        yield
        is_error = False
    finally:
        labels = "PrepareResources", str(is_error).lower()
        DEVICE_SECONDS.labels(*labels).observe(perf_counter() - began)


class Devices:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def prepare(self, pod: Object) -> None:
        """Raises DeviceError, in upstream's words."""
        for reference in references_of(pod):
            name = claim_name(pod, reference)
            if name is None:
                where = f'pod "{namespace_of(pod)}/{name_of(pod)}"'
                raise DeviceError(f"prepare resource claim: {where}: ResourceClaim not created yet")
            if name != NOT_NEEDED:
                check_claim(pod, reference, await self._claim(pod, name))

    async def _claim(self, pod: Object, name: str) -> Object:
        try:
            return await self._client.get(RESOURCE_CLAIMS, name, namespace_of(pod))
        except (StatusError, ConnectionFailed) as error:
            text = f"failed to fetch ResourceClaim {name} referenced by pod {name_of(pod)}: {error}"
            raise DeviceError(text) from error


def check_claim(pod: Object, reference: Object, claim: Object) -> None:
    """Raises DeviceError unless the claim is the pod's and has no devices."""
    if is_from_template(reference) and (why_not := why_not_for_pod(pod, claim)):
        raise DeviceError(why_not)
    if not is_reserved_for(claim, uid_of(pod)):
        who, what = (
            f"pod {name_of(pod)} ({uid_of(pod)})",
            f"resource claim {name_of(claim)} ({uid_of(claim)})",
        )
        raise DeviceError(f"{who} is not allowed to use {what}")
    for result in get_path(claim, "status.allocation.devices.results", []):
        raise DeviceError(f"DRA driver {result['driver']} is not registered")
