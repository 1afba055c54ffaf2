"""How often it is asked who someone is and whether they may, and how long that takes, with upstream's names.

Source: pkg/endpoints/filters/metrics.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from time import perf_counter

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from component_base.metric_families import counter, gauge, histogram
from component_base.metrics import Tally

_BUCKETS = tuple(0.001 * 2**power for power in range(15))
_TOLD = frozenset(("admin", "client", "kube_proxy", "kubelet", "system:serviceaccount:kube-system:default"))


class Result(StrEnum):
    """What came of an attempt."""

    SUCCESS = "success"
    FAILURE = "failure"
    """There was nothing to know anybody by."""
    ERROR = "error"
    ALLOWED = "allowed"
    DENIED = "denied"
    NO_OPINION = "no-opinion"


class Attempts(Collector):
    """Of authentication and authorization."""

    def __init__(self) -> None:
        self._authentication: dict[Result, Tally] = {}
        self._authorization: dict[Result, Tally] = {}
        self._users: Counter[str] = Counter()

    def authenticated(self, result: Result, begun: float, user: str = "") -> None:
        """`begun` is when, by the performance counter."""
        _observe(self._authentication, result, begun)
        if result is Result.SUCCESS:
            self._users[_group_of(user)] += 1

    def authorized(self, result: Result, begun: float) -> None:
        _observe(self._authorization, result, begun)

    def collect(self) -> Iterator[Metric]:
        authentication = [((result,), tally) for result, tally in self._authentication.items()]
        authorization = [((result,), tally) for result, tally in self._authorization.items()]
        yield gauge(
            "authenticated_user_requests",
            "Counter of authenticated requests broken out by username.",
            ["username"],
            (((name,), count) for name, count in self._users.items()),
        )
        yield gauge(
            "authentication_attempts",
            "Counter of authenticated attempts.",
            ["result"],
            ((labels, tally.count) for labels, tally in authentication),
        )
        yield histogram(
            "authentication_duration_seconds",
            "Authentication duration in seconds broken out by result.",
            ["result"],
            authentication,
        )
        yield counter(
            "authorization_attempts",
            "Counter of authorization attempts broken down by result. It can be either 'allowed', 'denied', "
            "'no-opinion' or 'error'.",
            ["result"],
            ((labels, tally.count) for labels, tally in authorization),
        )
        yield histogram(
            "authorization_duration_seconds",
            "Authorization duration in seconds broken out by result.",
            ["result"],
            authorization,
        )


def _observe(tallies: dict[Result, Tally], result: Result, begun: float) -> None:
    tally = tallies.get(result)
    if tally is None:
        tally = tallies[result] = Tally(_BUCKETS)
    tally.observe(perf_counter() - begun)


def _group_of(user: str) -> str:
    """Names that anybody may have must not make series."""
    if user in _TOLD:
        return user
    return "email_id" if "@" in user else "other"
