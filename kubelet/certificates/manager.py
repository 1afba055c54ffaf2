"""Keeps one of the node's certificates current: asks for the first, and for the next before it ends.

Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/staging/src/k8s.io/client-go/util/certificate/certificate_manager.go
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from datetime import datetime
from math import inf, trunc
from typing import NamedTuple

from apimachinery.errors import StatusError
from client.errors import ConnectionFailed
from client.rest import Client
from component_base.certificates import Certificate, CertificateError, inspect
from component_base.metrics import Gauge, Histogram
from kubelet.certificates.requests import RequestRefused, Wanted, obtain
from kubelet.certificates.store import CertificateStore, joined

log = logging.getLogger(__name__)

_EARLIEST, _SPREAD = 0.7, 0.2
"""Renewed after 70 to 90 % of its life, so that nodes made together do not ask together."""
_FIRST_RETRY, _LAST_RETRY = 2.0, 32.0


def renewal_at(certificate: Certificate, rng: random.Random) -> datetime:
    life = certificate.end - certificate.begin
    return certificate.begin + life * (_EARLIEST + _SPREAD * rng.random())


def names(certificate: Certificate, wanted: Wanted) -> bool:
    """Whether it is good for all the node's names and addresses."""
    return {*wanted.dns} <= certificate.dns and {*wanted.addresses} <= certificate.addresses


class Told(NamedTuple):
    """Where it tells how long its certificate is good, how often there was none, how old those before got."""

    ttl: Gauge
    errors: Gauge
    ages: Histogram | None = None


class CertificateManager:
    """`wanted` is asked each time: a node's addresses change. `use` is given key and certificate in PEM."""

    def __init__(
        self,
        client: Client,
        store: CertificateStore,
        wanted: Callable[[], Wanted],
        use: Callable[[bytes], None],
        now: Callable[[], datetime],
        rng: random.Random,
        told: Told,
    ) -> None:
        self._client = client
        self._store = store
        self._wanted = wanted
        self._use = use
        self._now = now
        self._rng = rng
        self._used: Certificate | None = None
        self._told = told
        told.ttl.set_function(self._seconds_left)

    def _seconds_left(self) -> float:
        return inf if self._used is None else trunc((self._used.end - self._now()).total_seconds())

    async def run(self) -> None:
        """Never ends."""
        certificate, delay = await self._kept(), _FIRST_RETRY
        while True:
            if certificate is not None:
                await self._until_renewal(certificate)
            try:
                certificate, delay = await self._renewed(), _FIRST_RETRY
            except (RequestRefused, StatusError, ConnectionFailed, CertificateError, OSError) as error:
                log.warning("No new certificate yet, will retry: err=%s", error)
                self._told.errors.inc()
                await asyncio.sleep(delay)
                certificate, delay = None, min(2 * delay, _LAST_RETRY)

    async def _kept(self) -> Certificate | None:
        """From before; nothing if there is none, or one that is of no use, or for other names."""
        try:
            pem = self._store.read()
            certificate = await self._begin_to_use(pem) if pem else None
        except (CertificateError, OSError) as error:
            log.warning("What is kept is of no use: file=%s err=%s", self._store.current, error)
            return None
        return certificate if certificate is not None and names(certificate, self._wanted()) else None

    async def _begin_to_use(self, pem: str) -> Certificate:
        """Raises CertificateError, OSError (of which ssl.SSLError is one)."""
        certificate = await inspect(pem)
        self._use(pem.encode())
        self._used = certificate
        return certificate

    async def _until_renewal(self, certificate: Certificate) -> None:
        due = renewal_at(certificate, self._rng)
        log.info("The certificate is good: file=%s renewal=%s", self._store.current, due)
        await asyncio.sleep((due - self._now()).total_seconds())

    async def _renewed(self) -> Certificate:
        """What is of no use is not kept: one that was may be there to go on with."""
        key, pem = await obtain(self._client, self._wanted(), self._store)
        before = self._used
        try:
            certificate = await self._begin_to_use(joined(key, pem))
        except (CertificateError, OSError):
            self._store.forget_pending_key()  # with the same key the answer would be the same
            raise
        self._store.save(key, pem, self._now())
        log.info("Got a new certificate: file=%s", self._store.current)
        if before is not None and self._told.ages is not None:
            self._told.ages.observe((self._now() - before.begin).total_seconds())
        return certificate
