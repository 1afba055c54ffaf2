"""/containerLogs: the log of a container, whole or followed, as it comes from the engine."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from apimachinery.objects import NamespacedName
from apimachinery.times import parse_time
from kubelet.kubelet import Kubelet
from kubelet.runtime.interface import ContainerRuntimeError, LogOptions
from kubelet.server.containers import logged_container_id
from kubelet.server.refused import Refused

log = logging.getLogger(__name__)


class ContainerLogs:
    def __init__(self, kubelet: Kubelet, now: Callable[[], datetime]) -> None:
        self._kubelet = kubelet
        self._now = now

    async def __call__(self, request: Request) -> Response:
        try:
            pieces = await self._open(request)
        except Refused as refused:
            return refused.response()
        return StreamingResponse(_to_the_end(pieces), media_type="text/plain")

    async def _open(self, request: Request) -> AsyncIterator[bytes]:
        """Raises Refused."""
        where, query = request.path_params, request.query_params
        options = log_options(query, self._now().timestamp())
        pod = self._kubelet.pod_named(NamespacedName(where["namespace"], where["pod"]))
        if pod is None:
            raise Refused(404, f'pod "{where["pod"]}" does not exist')
        container_id = logged_container_id(pod, where["container"], previous=_flag(query, "previous"))
        try:
            return await self._kubelet.runtime.logs(container_id, options)
        except ContainerRuntimeError as error:
            log.warning("Log not opened: container=%s error=%s", container_id, error)
            raise Refused(400, f"unable to retrieve container logs for {container_id}") from error


async def _to_the_end(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A log that breaks off says so in its last line."""
    try:
        async for piece in pieces:
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
        raise Refused(400, '{"message": "Unable to decode query."}') from error


def _flag(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "").lower() in ("true", "1", "t")


def _number(query: Mapping[str, str], name: str) -> int | None:
    return int(query[name]) if query.get(name) else None


def _since(query: Mapping[str, str], now: float) -> float:
    if query.get("sinceTime"):
        return parse_time(query["sinceTime"]).timestamp()
    seconds = _number(query, "sinceSeconds")
    return now - seconds if seconds is not None else 0.0
