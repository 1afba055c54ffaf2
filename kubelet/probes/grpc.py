"""grpc: the standard health service, asked without TLS.

Its two messages are so small that they are made by hand.
"""

from __future__ import annotations

from apimachinery.protobuf_wire import encode_varint
from kubelet.probes.outcome import Attempt, Outcome

_METHOD = "/grpc.health.v1.Health/Check"
_SERVING = 1
_STATUS_NAMES = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}


async def probe_grpc(host: str, port: int, service: str, limit: float) -> Attempt:
    """Never raises."""
    import grpc  # 30 MB that only a node with such a probe has to pay

    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    async with grpc.aio.insecure_channel(
        target, options=[("grpc.primary_user_agent", "kube-probe/1.34")]
    ) as channel:
        check = channel.unary_unary(_METHOD, request_serializer=None, response_deserializer=None)
        try:
            answer: bytes = await check(encode_request(service), timeout=limit)
        except grpc.aio.AioRpcError as error:
            return Attempt(
                Outcome.FAILURE, _complaint(error.code().name, error.details() or "", target, limit)
            )
    return judge(decode_status(answer))


def judge(status: int) -> Attempt:
    if status == _SERVING:
        return Attempt(Outcome.SUCCESS, "service healthy")
    name = _STATUS_NAMES.get(status, str(status))
    return Attempt(Outcome.FAILURE, f'service unhealthy (responded with "{name}")')


def _complaint(code: str, details: str, target: str, limit: float) -> str:
    if code == "UNIMPLEMENTED":
        return (
            "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): "
            f"{details}"
        )
    if code == "DEADLINE_EXCEEDED":
        return f"timeout: health rpc did not complete within {limit:g}s"
    if code == "UNAVAILABLE":
        return f'timeout: failed to connect service "{target}" within {limit:g}s: {details}'
    return f"error: health rpc probe failed: rpc error: code = {code} desc = {details}"


def encode_request(service: str) -> bytes:
    """HealthCheckRequest{service = 1: string}."""
    name = service.encode()
    return b"\x0a" + encode_varint(len(name)) + name if name else b""


def decode_status(message: bytes) -> int:
    """HealthCheckResponse{status = 1: enum}; an absent field is 0."""
    return message[1] if len(message) >= 2 and message[0] == 0x08 else 0
