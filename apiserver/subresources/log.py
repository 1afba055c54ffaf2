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
from apiserver.subresources.relay import DialError, Relay, read_body
from apiserver.subresources.targets import choose_container, host_of
from component_base.first_of import first_of
from component_base.forwarding import Client, stream_body
from component_base.tunnel import UPGRADE

if TYPE_CHECKING:
    import httpx

_TEXT = b"text/plain"


class PodLogs:
    def __init__(self, kubelets: Kubelets, unverified: Relay) -> None:
        self._kubelets = kubelets
        self._unverified = unverified

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
        relay = self._unverified if options.skip_tls_verify else self._kubelets.relay
        passing = _pass_on(relay, url, info, scope, send)
        await first_of(passing, Client(scope, receive).until_gone())


async def _pass_on(relay: Relay, url: str, info: RequestInfo, scope: Scope, send: Send) -> None:
    try:
        async with relay.open("GET", url) as answer:
            await _check(answer, info.name)
            if _wants_messages(scope):
                from apiserver.subresources.log_messages import send_messages  # few ask for it

                info.status = 101
                return await send_messages(answer.aiter_raw(), scope)
            headers = [(b"content-type", _TEXT), (b"cache-control", b"no-cache, private")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await stream_body(answer.aiter_raw(), send)
    except DialError as error:
        raise StatusError(f'Get "{url}": {error}') from None


def _wants_messages(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    return UPGRADE in scope["extensions"] and headers.get(b"upgrade", b"").lower() == b"websocket"


async def _check(answer: httpx.Response, name: str) -> None:
    """Turns a kubelet's refusal into upstream's. Raises StatusError."""
    if 200 <= answer.status_code < 300:
        return
    await read_body(answer)
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
