"""Requests as Prometheus is told of them: by method and the root of their path.

Source: ServeHTTP in pkg/kubelet/server/server.go of Kubernetes 1.34.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from kubelet.metrics import HTTP_IN_FLIGHT, HTTP_REQUESTS, HTTP_SECONDS

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "OPTIONS", "CONNECT"})
_ROOTS = frozenset({
    "healthz", "pods", "stats", "metrics", "metrics/cadvisor", "metrics/probes", "metrics/resource", "run",
    "exec", "attach", "portForward", "containerLogs", "configz", "runningpods", "checkpoint", "pprof", "logs",
    "debug",
})  # fmt: skip
_LONG_RUNNING = frozenset({"exec", "attach", "portforward", "debug"})
"""In upstream's spelling, by which a portForward is none."""
_OTHER = "other"


def root_of(path: str) -> str:
    """How metrics call what is asked for."""
    first, _, rest = path.removeprefix("/").partition("/")
    root = f"{first}/{rest.partition('/')[0]}" if first == "metrics" and rest else first
    return root if root in _ROOTS else _OTHER


class Counted:
    def __init__(self, app: ASGIApp, server: str) -> None:
        """`server`: readwrite or readonly."""
        self._app = app
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, root = scope["method"], root_of(scope["path"])
        is_long = "true" if root in _LONG_RUNNING else "false"
        labels = (method if method in _METHODS else _OTHER, root, self._server, is_long)
        HTTP_REQUESTS.labels(*labels).inc()
        with HTTP_IN_FLIGHT.labels(*labels).track_inprogress(), HTTP_SECONDS.labels(*labels).time():
            await self._app(scope, receive, send)
