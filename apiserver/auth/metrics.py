"""How long clients' certificates are still good, and how tokens are judged, with upstream's names.

Source: pkg/authentication/request/x509/x509.go, token/cache/stats.go and
plugin/pkg/authenticator/token/oidc/metrics.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from component_base.metric_families import counter, histogram
from component_base.metrics import DEFAULT_BUCKETS, Histogram, Tally

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
    """How often a token was one of those seen lately, and what came of it otherwise.

    Times are whole milliseconds, as upstream: looking into the cache takes none.
    """

    def __init__(self) -> None:
        self.hits = self.fetched = self.failures = 0
        self._misses = Tally(DEFAULT_BUCKETS)

    def missed(self, seconds: float, *, is_good: bool) -> None:
        """Somebody had to be asked."""
        self.fetched += is_good
        self.failures += not is_good
        self._misses.observe(int(seconds * 1000) / 1000)

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
        hits = Tally(DEFAULT_BUCKETS)
        hits.observe_often(0, self.hits)
        yield histogram(
            "authentication_token_cache_request_duration_seconds",
            "",
            ["status"],
            [(["hit"], hits), (["miss"], self._misses)],
        )


JWT_SECONDS = Histogram(
    "apiserver_authentication_jwt_authenticator_latency_seconds",
    "Latency of jwt authentication operations in seconds. This is the time spent authenticating a token for "
    "cache miss only (i.e. when the token is not found in the cache).",
    ["result", "jwt_issuer_hash"],
    buckets=(0.001, *DEFAULT_BUCKETS),
)
