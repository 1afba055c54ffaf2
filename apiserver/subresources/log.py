"""pods/log: a container's log, from its kubelet.

Source: pkg/registry/core/pod/rest/log.go and pkg/registry/core/pod/strategy.go of Kubernetes 1.34.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery.errors import BadRequestError, InternalError, InvalidError, StatusError
from apiserver.asgi import Receive, Scope, Send
from apiserver.request import RequestInfo
from apiserver.responses import send_bytes
from apiserver.subresources.kubelets import Kubelets
from apiserver.subresources.log_options import parse_log_options, validate_log_options
from apiserver.subresources.relay import DialError, stream_body
from apiserver.subresources.targets import choose_container, host_of

if TYPE_CHECKING:
    import httpx

_TEXT = b"text/plain"


class PodLogs:
    def __init__(self, kubelets: Kubelets) -> None:
        self._kubelets = kubelets

    async def __call__(self, info: RequestInfo, scope: Scope, receive: Receive, send: Send) -> None:
        options = parse_log_options(info.query)
        errors = validate_log_options(options)
        if errors:
            raise InvalidError("PodLogOptions", info.name, errors)
        pod = await self._kubelets.pod(info)
        container = choose_container(pod, options.container)
        node = host_of(pod)
        if not node:
            return await send_bytes(send, 204, b"", _TEXT)
        path = f"/containerLogs/{info.namespace}/{info.name}/{container}"
        url = await self._kubelets.url(node, path, options.query())
        try:
            async with self._kubelets.relay.open("GET", url) as answer:
                await _check(answer, info.name)
                await _stream(answer, receive, send)
        except DialError as error:
            raise InternalError(f'Get "{url}": {error}') from None


async def _check(answer: httpx.Response, name: str) -> None:
    """Turns a kubelet's refusal into upstream's. Raises StatusError."""
    if 200 <= answer.status_code < 300:
        return
    await answer.aread()
    if answer.status_code == 500:
        raise InternalError(answer.text)
    if answer.status_code == 400:
        raise BadRequestError(answer.text)
    text = "the server could not find the requested resource"
    if answer.status_code != 404:
        text = f"the server responded with the status code {answer.status_code}"
        text += " but did not return more information"
    causes = [{"reason": "UnexpectedServerResponse", "message": answer.text}]
    reason = "NotFound" if answer.status_code == 404 else "Unknown"
    raise StatusError(
        f"{text} ( pods/log {name})",
        code=answer.status_code,
        reason=reason,
        details={"name": name, "kind": "pods/log", "causes": causes},
    )


async def _stream(answer: httpx.Response, receive: Receive, send: Send) -> None:
    headers = [(b"content-type", _TEXT), (b"cache-control", b"no-cache, private")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await stream_body(answer.aiter_raw(), send, receive)
