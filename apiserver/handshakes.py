"""TLS handshakes that come to nothing, counted with upstream's name."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import ClassVar

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from component_base.metric_families import counter


class ServerEnd(ssl.SSLObject):
    """Of one connection. asyncio tells nobody of a handshake that fails, is broken off or takes too long."""

    failures: ClassVar[int] = 0
    _is_agreed = False

    def do_handshake(self) -> None:
        super().do_handshake()
        self._is_agreed = True

    def __del__(self) -> None:
        if not self._is_agreed:
            ServerEnd.failures += 1


class HandshakeMetrics(Collector):
    def collect(self) -> Iterator[Metric]:
        yield counter(
            "apiserver_tls_handshake_errors",
            "Number of requests dropped with 'TLS handshake error from' error",
            [],
            [([], ServerEnd.failures)],
        )
