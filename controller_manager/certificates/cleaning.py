"""Takes requests away that are over: an hour after they are done, a day if nobody cares, with a certificate.

Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/controller/certificates/cleaner/cleaner.go
"""

from __future__ import annotations

import base64
from contextlib import suppress
from datetime import datetime, timedelta

from apimachinery import scheme
from apimachinery.errors import NotFoundError
from apimachinery.objects import NamespacedName, Object, get_path, uid_of
from apimachinery.times import parse_time
from client.controller import Watch, by_name
from controller_manager.context import ControllerContext

_DECIDED, _PENDING = timedelta(hours=1), timedelta(hours=24)


def ends_at(csr: Object) -> datetime:
    """When the request is of no more use to anybody."""
    created = csr["metadata"]["creationTimestamp"]
    certificate = get_path(csr, "status.certificate") or ""
    lives = {"Approved": _DECIDED if certificate else _PENDING, "Denied": _DECIDED, "Failed": _DECIDED}
    moments = [
        parse_time(each.get("lastUpdateTime") or created) + lives[each["type"]]
        for each in get_path(csr, "status.conditions", ())
        if each.get("type") in lives
    ]
    expiry = _expiry(certificate)
    return min([*(moments or [parse_time(created) + _PENDING]), *([expiry] if expiry else [])])


def _expiry(certificate: str) -> datetime | None:
    if not certificate:
        return None
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(base64.b64decode(certificate)).not_valid_after_utc
    except ValueError:
        return None


class CertificateCleaningController:
    name = "certificatesigningrequest-cleaner-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._now = context.now
        self._requests = context.informers.informer(scheme.CERTIFICATE_SIGNING_REQUESTS)

    def watches(self) -> list[Watch]:
        return [Watch(self._requests, by_name)]

    async def reconcile(self, key: NamespacedName) -> float | None:
        csr = self._requests.get(key)
        if csr is None:
            return None
        remaining = (ends_at(csr) - self._now()).total_seconds()
        if remaining > 0:
            return remaining
        options = {"preconditions": {"uid": uid_of(csr)}}
        with suppress(NotFoundError):
            await self._client.delete(scheme.CERTIFICATE_SIGNING_REQUESTS, key.name, options=options)
        return None
