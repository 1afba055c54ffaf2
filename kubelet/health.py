"""What /healthz and systemd's watchdog ask of a kubelet.

Source: SyncLoopHealthCheck in pkg/kubelet/kubelet.go of Kubernetes 1.34.
"""

from __future__ import annotations

import asyncio

from component_base.health_checks import Check, ping
from kubelet.housekeeping import Housekeeping

LONGEST_SECONDS = 300.0
"""So long nobody may have looked at all pods, as while the engine is away."""


def health_checks(housekeeping: Housekeeping) -> dict[str, Check]:
    def sync_loop() -> str:
        last = housekeeping.last_look
        if last is None or asyncio.get_running_loop().time() <= last + LONGEST_SECONDS:
            return ""
        return "sync Loop took longer than expected"

    return {"log": ping, "syncloop": sync_loop}
