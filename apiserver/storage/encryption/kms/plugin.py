"""The plugin at its socket: Status, Encrypt and Decrypt, each in its time.

Source: pkg/storage/value/encrypt/envelope/kmsv2/grpc_service.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from google.protobuf.message import DecodeError

from apiserver.storage.encryption.kms.envelope import Source
from apiserver.storage.encryption.kms.messages import SERVICE, load
from apiserver.storage.encryption.metrics import KMS_LATENCY
from component_base.grpc.channel import Channel, Endpoint
from component_base.grpc.status import Code, GrpcError

NewUid = Callable[[], str]
_ABSTRACT = "/@"


class PluginError(Exception):
    """The plugin did not do it; the message is upstream's. `is_away`: it could not be asked."""

    def __init__(self, error: GrpcError) -> None:
        super().__init__(f"rpc error: code = {go_name(error.code)} desc = {error.details}")
        self.is_away = error.code in (Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED)


class Plugin:
    def __init__(self, name: str, endpoint: str, seconds: float, new_uid: NewUid) -> None:
        """`endpoint`: unix:///path, or unix:///@name in the abstract namespace."""
        path = urlsplit(endpoint).path
        if path.startswith(_ABSTRACT):
            path = "\0" + path.removeprefix(_ABSTRACT)
        self.name = name
        self._channel = Channel([Endpoint(path)])
        self._seconds = seconds
        self._new_uid = new_uid
        self._messages = load()

    async def status(self) -> Any:
        """StatusResponse. Raises PluginError."""
        return await self._call("Status", self._messages.StatusRequest(), self._messages.StatusResponse)

    async def encrypt(self, plaintext: bytes) -> Any:
        """EncryptResponse. Raises PluginError."""
        request = self._messages.EncryptRequest(plaintext=plaintext, uid=self._new_uid())
        return await self._call("Encrypt", request, self._messages.EncryptResponse)

    async def decrypt(self, source: Source) -> bytes:
        """Raises PluginError."""
        request = self._messages.DecryptRequest(
            ciphertext=source.encrypted,
            uid=self._new_uid(),
            key_id=source.key_id,
            annotations=dict(source.annotations),
        )
        response = await self._call("Decrypt", request, self._messages.DecryptResponse)
        plaintext: bytes = response.plaintext
        return plaintext

    async def _call(self, method: str, request: Any, response: Any) -> Any:
        path, began, code = f"{SERVICE}/{method}", perf_counter(), Code.OK
        try:
            return response.FromString(
                await self._channel.unary(path, request.SerializeToString(), self._seconds)
            )
        except GrpcError as error:
            code = error.code
            raise PluginError(error) from None
        except DecodeError as error:
            code = Code.INTERNAL
            text = f"grpc: failed to unmarshal the received message: {error}"
            raise PluginError(GrpcError(code, text)) from None
        finally:
            KMS_LATENCY.labels(self.name, path, go_name(code)).observe(perf_counter() - began)

    async def aclose(self) -> None:
        await self._channel.aclose()


def go_name(code: Code) -> str:
    """As Go's gRPC calls it: DeadlineExceeded."""
    return "OK" if code is Code.OK else code.name.title().replace("_", "")
