"""grpc: the standard health service, asked without TLS.

Its two messages are so small that they are made by hand.
"""

from __future__ import annotations

import asyncio

from apimachinery.durations import format_duration
from apimachinery.protobuf_wire import encode_varint
from component_base.grpc.channel import Endpoint, connect
from component_base.grpc.connection import Connection
from component_base.grpc.status import Code, GrpcError
from kubelet.probes.outcome import Attempt, Outcome

_METHOD = "/grpc.health.v1.Health/Check"
_USER_AGENT = "kube-probe/1.34"
_SERVING = 1
_RETRY = 1.0
_STATUS_NAMES = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}


async def probe_grpc(host: str, port: int, service: str, limit: float) -> Attempt:
    """Never raises."""
    endpoint, within, connection = Endpoint(host, port), format_duration(limit), None
    try:
        async with asyncio.timeout(limit):
            connection = await _connected(endpoint)
            answer = await connection.unary(_METHOD, encode_request(service), limit).answer
    except TimeoutError:
        if connection is not None:
            return Attempt(Outcome.FAILURE, f"timeout: health rpc did not complete within {within}")
        text = f'timeout: failed to connect service "{endpoint.authority}" within {within}'
        return Attempt(Outcome.FAILURE, f"{text}: context deadline exceeded")
    except GrpcError as error:
        return Attempt(Outcome.FAILURE, complaint(error, within))
    finally:
        if connection is not None:
            connection.abort("the probe is over")
    return judge(decode_status(answer))


async def _connected(endpoint: Endpoint) -> Connection:
    """Tries again for as long as it is let to, as grpc-go does: the server may be about to listen."""
    while True:
        try:
            return await connect(endpoint, user_agent=_USER_AGENT)
        except (OSError, GrpcError):
            await asyncio.sleep(_RETRY)


def judge(status: int) -> Attempt:
    if status == _SERVING:
        return Attempt(Outcome.SUCCESS, "service healthy")
    name = _STATUS_NAMES.get(status, str(status))
    return Attempt(Outcome.FAILURE, f'service unhealthy (responded with "{name}")')


def complaint(error: GrpcError, within: str) -> str:
    """Upstream's words for a call that failed."""
    if error.code is Code.UNIMPLEMENTED:
        return (
            "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): "
            f"{error.details}"
        )
    if error.code is Code.DEADLINE_EXCEEDED:
        return f"timeout: health rpc did not complete within {within}"
    code = "".join(word.capitalize() for word in error.code.name.split("_"))
    return f"error: health rpc probe failed: rpc error: code = {code} desc = {error.details}"


def encode_request(service: str) -> bytes:
    """HealthCheckRequest{service = 1: string}."""
    name = service.encode()
    return b"\x0a" + encode_varint(len(name)) + name if name else b""


def decode_status(message: bytes) -> int:
    """HealthCheckResponse{status = 1: enum}; an absent field is 0."""
    return message[1] if len(message) >= 2 and message[0] == 0x08 else 0
