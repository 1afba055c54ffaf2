"""How often changed configuration files were read, and when, with upstream's names."""

from __future__ import annotations

from component_base.metrics import Counter, Gauge


class ReloadMetrics:
    def __init__(self, what: str) -> None:
        """`what`: authorization or authentication."""
        prefix = f"apiserver_{what}_config_controller_automatic_reload"
        self._count = Counter(
            f"{prefix}s_total",
            f"Total number of automatic reloads of {what} configuration split by status.",
            ["status"],
        )
        self._times = Gauge(
            f"{prefix}_last_timestamp_seconds",
            f"Timestamp of the last automatic reload of {what} configuration split by status.",
            ["status"],
        )

    def note(self, status: str) -> None:
        """success or failure."""
        self._count.labels(status).inc()
        self._times.labels(status).set_to_current_time()


AUTHORIZATION, AUTHENTICATION = ReloadMetrics("authorization"), ReloadMetrics("authentication")
