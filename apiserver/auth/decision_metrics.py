"""What authorizers have decided, with upstream's name."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from apiserver.auth.authorizers import Authorizers
from component_base.metric_families import counter


class AuthorizationMetrics(Collector):
    """Decisions are counted on the way of every request, and put together only when somebody asks."""

    def __init__(self, authorizers: Authorizers) -> None:
        self._authorizers = authorizers

    def collect(self) -> Iterator[Metric]:
        yield counter(
            "apiserver_authorization_decisions",
            "Total number of terminal decisions made by an authorizer split by authorizer type, name, and "
            "decision.",
            ["type", "name", "decision"],
            (
                ((kind, name, decision), times)
                for (kind, name), counts in self._authorizers.counts.items()
                for decision, times in zip(("denied", "allowed"), counts, strict=True)
                if times
            ),
        )
