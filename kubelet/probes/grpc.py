"""grpc: the standard health service, asked without TLS.

Its two messages are so small that they are made by hand.
"""

from __future__ import annotations

import asyncio

from apimachinery.protobuf_wire import encode_varint
from component_base.grpc.channel import Endpoint, connect
from component_base.grpc.status import Code, GrpcError
from kubelet.probes.http import dial_error
from kubelet.probes.outcome import Attempt, Outcome

_METHOD = "/grpc.health.v1.Health/Check"
_USER_AGENT = "kube-probe/1.34"
_SERVING = 1
_STATUS_NAMES = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}


async def probe_grpc(host: str, port: int, service: str, limit: float) -> Attempt:
    """Never raises."""
    endpoint = Endpoint(host, port)
    try:
        async with asyncio.timeout(limit):
            answer = await _check(endpoint, encode_request(service), limit)
    except TimeoutError:
        return Attempt(Outcome.FAILURE, f"timeout: health rpc did not complete within {limit:g}s")
    except OSError as error:
        why = dial_error(host, port, error)
        text = f'timeout: failed to connect service "{endpoint.authority}" within {limit:g}s: {why}'
        return Attempt(Outcome.FAILURE, text)
    except GrpcError as error:
        return Attempt(Outcome.FAILURE, _complaint(error, endpoint.authority, limit))
    return judge(decode_status(answer))


async def _check(endpoint: Endpoint, request: bytes, limit: float) -> bytes:
    connection = await connect(endpoint, user_agent=_USER_AGENT)
    try:
        return await connection.unary(_METHOD, request, limit).answer
    finally:
        connection.abort("the probe is over")


def judge(status: int) -> Attempt:
    if status == _SERVING:
        return Attempt(Outcome.SUCCESS, "service healthy")
    name = _STATUS_NAMES.get(status, str(status))
    return Attempt(Outcome.FAILURE, f'service unhealthy (responded with "{name}")')


def _complaint(error: GrpcError, target: str, limit: float) -> str:
    if error.code is Code.UNIMPLEMENTED:
        return (
            "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): "
            f"{error.details}"
        )
    if error.code is Code.DEADLINE_EXCEEDED:
        return f"timeout: health rpc did not complete within {limit:g}s"
    if error.code is Code.UNAVAILABLE:
        return f'timeout: failed to connect service "{target}" within {limit:g}s: {error.details}'
    return f"error: health rpc probe failed: rpc error: code = {error.code.name} desc = {error.details}"


def encode_request(service: str) -> bytes:
    """HealthCheckRequest{service = 1: string}."""
    name = service.encode()
    return b"\x0a" + encode_varint(len(name)) + name if name else b""


def decode_status(message: bytes) -> int:
    """HealthCheckResponse{status = 1: enum}; an absent field is 0."""
    return message[1] if len(message) >= 2 and message[0] == 0x08 else 0
