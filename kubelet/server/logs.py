"""/containerLogs: the log of a container, whole or followed, as it comes from the engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from apimachinery.times import parse_time
from kubelet.kubelet import Kubelet
from kubelet.runtime.interface import ContainerRuntimeError, LogOptions
from kubelet.server.containers import logged_container_id, pod_named
from kubelet.server.refused import Refused


class ContainerLogs:
    def __init__(self, kubelet: Kubelet, now: Callable[[], datetime]) -> None:
        self._kubelet = kubelet
        self._now = now

    async def __call__(self, request: Request) -> Response:
        where = request.path_params
        try:
            options = log_options(request.query_params, self._now().timestamp())
            pod = pod_named(self._kubelet, where["namespace"], where["pod"])
            previous = _flag(request.query_params, "previous")
            container_id = logged_container_id(pod, where["container"], previous=previous)
        except Refused as refused:
            return refused.response()
        return StreamingResponse(self._pieces(container_id, options), media_type="text/plain")

    async def _pieces(self, container_id: str, options: LogOptions) -> AsyncIterator[bytes]:
        try:
            async for piece in self._kubelet.runtime.logs(container_id, options):
                yield piece
        except ContainerRuntimeError as error:
            yield f"{error}\n".encode()


def log_options(query: Mapping[str, str], now: float) -> LogOptions:
    """Raises Refused for what is no number."""
    try:
        return LogOptions(
            follow=_flag(query, "follow"),
            tail=_number(query, "tailLines"),
            since=_since(query, now),
            timestamps=_flag(query, "timestamps"),
            limit_bytes=_number(query, "limitBytes"),
            stream=query.get("stream") or "All",
        )
    except ValueError as error:
        raise Refused(400, f"Unable to decode query: {error}") from error


def _flag(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "").lower() in ("true", "1", "t")


def _number(query: Mapping[str, str], name: str) -> int | None:
    return int(query[name]) if query.get(name) else None


def _since(query: Mapping[str, str], now: float) -> float:
    if query.get("sinceTime"):
        return parse_time(query["sinceTime"]).timestamp()
    seconds = _number(query, "sinceSeconds")
    return now - seconds if seconds is not None else 0.0
