"""Keeps one of the node's certificates current: asks for the first, and for the next before it ends.

Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/staging/src/k8s.io/client-go/util/certificate/certificate_manager.go
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from datetime import datetime
from math import inf
from typing import NamedTuple

from apimachinery.errors import StatusError
from client.errors import ConnectionFailed
from client.rest import Client
from component_base.certificates import Certificate, CertificateError, inspect
from component_base.metrics import Gauge
from kubelet.certificates.requests import RequestRefused, Wanted, obtain
from kubelet.certificates.store import CertificateStore

log = logging.getLogger(__name__)

_EARLIEST, _SPREAD = 0.7, 0.3
"""Renewed after 70 to 91 % of its life, so that nodes made together do not ask together."""
_FIRST_RETRY, _LAST_RETRY = 2.0, 128.0


def renewal_at(certificate: Certificate, rng: random.Random) -> datetime:
    life = certificate.end - certificate.begin
    return certificate.begin + life * _EARLIEST * (1 + _SPREAD * rng.random())


def names(certificate: Certificate, wanted: Wanted) -> bool:
    """Whether it is good for all the node's names and addresses."""
    return {*wanted.dns} <= certificate.dns and {*wanted.addresses} <= certificate.addresses


class Gauges(NamedTuple):
    """Where it tells how long its certificate is good, and how often it got no new one."""

    ttl: Gauge
    errors: Gauge


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
        gauges: Gauges,
    ) -> None:
        self._client = client
        self._store = store
        self._wanted = wanted
        self._use = use
        self._now = now
        self._rng = rng
        self._end: datetime | None = None
        self._gauges = gauges
        gauges.ttl.set_function(self._seconds_left)
        self._asked_for: Wanted | None = None

    def _seconds_left(self) -> float:
        return inf if self._end is None else (self._end - self._now()).total_seconds()

    async def run(self) -> None:
        """Never ends."""
        delay = _FIRST_RETRY
        while True:
            try:
                await self._until_renewal()
                await self._renew()
            except (RequestRefused, StatusError, ConnectionFailed, CertificateError) as error:
                log.warning("No new certificate yet, will retry: err=%s", error)
                self._gauges.errors.inc()
                await asyncio.sleep(delay)
                delay = min(2 * delay, _LAST_RETRY)
            else:
                delay = _FIRST_RETRY

    async def _until_renewal(self) -> None:
        """Returns at once if there is no certificate to go on with, or only one for other names."""
        pem = self._store.read()
        if not pem:
            return
        self._use(pem.encode())
        certificate = await inspect(pem)
        self._end = certificate.end
        wanted = self._wanted()
        if wanted != self._asked_for and not names(certificate, wanted):
            return
        due = renewal_at(certificate, self._rng)
        log.info("The certificate is good: file=%s renewal=%s", self._store.current, due)
        await asyncio.sleep((due - self._now()).total_seconds())

    async def _renew(self) -> None:
        self._asked_for = self._wanted()
        key, certificate = await obtain(self._client, self._asked_for, self._store)
        self._store.save(key, certificate, self._now())
        log.info("Got a new certificate: file=%s", self._store.current)
