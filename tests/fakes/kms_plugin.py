"""A KMS v2 plugin on a real socket, in Google's gRPC: wraps keys with AES-GCM and can be told what to say."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from apiserver.storage.encryption.kms.messages import load


class KmsPlugin:
    """`key_id` is the key it wraps with from now on; it forgets those that are taken out of `keys`."""

    def __init__(self) -> None:
        self.key_id = "one"
        self.keys = {"one": AESGCM.generate_key(256), "two": AESGCM.generate_key(256)}
        self.health, self.version = "ok", "v2"
        self.is_garbled = False
        self.calls: list[str] = []
        self._messages = load()

    def handler(self) -> grpc.GenericRpcHandler:
        def unary(method: Any, request: Any) -> grpc.RpcMethodHandler:
            return grpc.unary_unary_rpc_method_handler(method, request.FromString, self._written)

        methods = {
            "Status": unary(self._status, self._messages.StatusRequest),
            "Encrypt": unary(self._encrypt, self._messages.EncryptRequest),
            "Decrypt": unary(self._decrypt, self._messages.DecryptRequest),
        }
        return grpc.method_handlers_generic_handler("v2.KeyManagementService", methods)

    def _written(self, response: Any) -> bytes:
        written: bytes = response.SerializeToString()
        return b"\xff" if self.is_garbled else written

    async def _status(self, request: Any, context: Any) -> Any:
        self.calls.append("Status")
        return self._messages.StatusResponse(version=self.version, healthz=self.health, key_id=self.key_id)

    async def _encrypt(self, request: Any, context: Any) -> Any:
        self.calls.append("Encrypt")
        nonce = os.urandom(12)
        sealed = nonce + AESGCM(self.keys[self.key_id]).encrypt(nonce, request.plaintext, None)
        return self._messages.EncryptResponse(
            ciphertext=sealed, key_id=self.key_id, annotations={"wrapped.example.com": b"yes"}
        )

    async def _decrypt(self, request: Any, context: Any) -> Any:
        self.calls.append("Decrypt")
        key = self.keys.get(request.key_id)
        if key is None or request.annotations["wrapped.example.com"] != b"yes":
            await context.abort(grpc.StatusCode.NOT_FOUND, f"no key {request.key_id}")
        try:
            plain = AESGCM(key).decrypt(request.ciphertext[:12], request.ciphertext[12:], None)
        except InvalidTag:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "not wrapped here")
        return self._messages.DecryptResponse(plaintext=plain)


@asynccontextmanager
async def serving(plugin: KmsPlugin, socket: Path) -> AsyncIterator[str]:
    """Its endpoint, as a configuration names it."""
    server = grpc.aio.server()
    server.add_insecure_port(f"unix:{socket}")
    server.add_generic_rpc_handlers([plugin.handler()])
    await server.start()
    try:
        yield f"unix://{socket}"
    finally:
        await server.stop(None)
