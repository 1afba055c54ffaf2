"""How long clients' certificates are still good, and whose tokens are known, with upstream's names.

Source: pkg/authentication/request/x509/x509.go and token/cache/stats.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from component_base.metric_families import counter, histogram
from component_base.metrics import Tally

_HOUR, _DAY = 3600, 86400
_BUCKETS = (
    0, _HOUR // 2, _HOUR, 2 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 4 * _DAY, 7 * _DAY, 30 * _DAY,
    90 * _DAY, 180 * _DAY, 360 * _DAY,
)  # fmt: skip


class CertificateMetrics(Collector):
    def __init__(self) -> None:
        self.seconds_left = Tally(_BUCKETS)

    def collect(self) -> Iterator[Metric]:
        yield histogram(
            "apiserver_client_certificate_expiration_seconds",
            "Distribution of the remaining lifetime on the certificate used to authenticate a request.",
            [],
            [([], self.seconds_left)],
        )


class TokenCacheMetrics(Collector):
    """How often a token was one of those seen lately, and what came of it otherwise."""

    def __init__(self) -> None:
        self.hits = self.fetched = self.failures = 0

    def collect(self) -> Iterator[Metric]:
        misses = self.fetched + self.failures
        yield counter(
            "authentication_token_cache_request", "", ["status"], [(["hit"], self.hits), (["miss"], misses)]
        )
        yield counter(
            "authentication_token_cache_fetch",
            "",
            ["status"],
            [(["ok"], self.fetched), (["error"], self.failures)],
        )
