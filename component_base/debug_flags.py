"""/debug/flags/v of a daemon: how much is logged from now on."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from component_base import logs
from component_base.flag_values import parse_uint

_NOT_SNIFFED = {"content-type": "text/plain", "x-content-type-options": "nosniff"}


async def put_verbosity(request: Request) -> Response:
    if request.method != "PUT":
        return _told(406, "unsupported http method")
    text = (await request.body()).decode(errors="replace")
    try:
        logs.set_verbosity(parse_uint(text))
    except ValueError as error:
        return _told(400, str(error))
    return _told(200, f"successfully set klog.logging.verbosity to {text}")


def _told(status: int, text: str) -> Response:
    return Response(text, status, _NOT_SNIFFED)
