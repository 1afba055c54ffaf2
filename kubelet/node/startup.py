"""How long it took a node that is new to the API to come: from the machine's start to Ready.

Source: pkg/kubelet/util/node_startup_latency_tracker.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Callable

from kubelet.metrics import NODE_STARTUP


class NodeStartup:
    """Times are Unix seconds: the machine's start, the kubelet's, and `now`."""

    def __init__(self, boot: float, began: float, now: Callable[[], float]) -> None:
        self._boot = boot
        self._began = began
        self._now = now
        self._tried: float | None = None
        self._registered: float | None = None
        self._is_ready = False

    def trying(self) -> None:
        """To register it."""
        self._tried = self._tried or self._now()

    def registered(self) -> None:
        """It was not there before."""
        if self._tried is None or self._registered is not None:
            return
        self._registered = self._now()
        NODE_STARTUP["pre_kubelet_"].set(self._began - self._boot)
        NODE_STARTUP["pre_registration_"].set(self._tried - self._began)
        NODE_STARTUP["registration_"].set(self._registered - self._tried)

    def ready(self) -> None:
        if self._registered is None or self._is_ready:
            return
        self._is_ready = True
        NODE_STARTUP["post_registration_"].set(self._now() - self._registered)
        NODE_STARTUP[""].set(self._now() - self._boot)
