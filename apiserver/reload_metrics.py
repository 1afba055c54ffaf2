"""What is counted of configuration files that are read again when they change, with upstream's names.

Source: pkg/server/options/*config/metrics of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from hashlib import sha256

from apiserver.identity import own_hash
from component_base.metrics import Counter, Gauge

_LABELS = ["status", "apiserver_id_hash"]


class ReloadMetrics:
    def __init__(self, what: str, count: str = "", time: str = "") -> None:
        """`what`: authorization, authentication, encryption; how they are described, if otherwise."""
        prefix = f"apiserver_{what}_config_controller_automatic_reload"
        reloads = f"of {what} configuration split by status and apiserver identity."
        self._count = Counter(
            f"{prefix}s_total", count or f"Total number of automatic reloads {reloads}", _LABELS
        )
        self._times = Gauge(
            f"{prefix}_last_timestamp_seconds",
            time or f"Timestamp of the last automatic reload {reloads}",
            _LABELS,
        )

        self._last = Gauge(
            f"apiserver_{what}_config_controller_last_config_info",
            f"Information about the last applied {what} configuration with hash as label, split by apiserver "
            "identity.",
            ["apiserver_id_hash", "hash"],
        )

    def applied(self, text: bytes) -> None:
        """A configuration is in use from now on."""
        self._last.clear()
        self._last.labels(own_hash(), f"sha256:{sha256(text).hexdigest()}").set(1)

    def note(self, status: str) -> None:
        """A reload has ended; `status` is success or failure."""
        self._count.labels(status, own_hash()).inc()
        self._times.labels(status, own_hash()).set_to_current_time()


AUTHORIZATION, AUTHENTICATION = ReloadMetrics("authorization"), ReloadMetrics("authentication")
ENCRYPTION = ReloadMetrics(
    "encryption",
    "Total number of reload successes and failures of encryption configuration split by apiserver identity.",
    "Timestamp of the last successful or failed automatic reload of encryption configuration split by "
    "apiserver identity.",
)
