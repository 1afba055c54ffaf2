"""The Storage seam over etcd: the only module that knows etcd.

A grpc.aio channel with the stubs of the `etcd3` package. Several endpoints are gRPC's to choose from:
it connects to the first that answers and moves on when that one goes.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import grpc
import grpc.aio

from apiserver.storage import etcd_messages
from apiserver.storage.interface import (
    Batch,
    Event,
    KeyExists,
    KeyValue,
    Page,
    RevisionCompacted,
    RevisionInFuture,
    RevisionMismatch,
    StorageError,
    StorageUnreachable,
    ValueTooLarge,
)

_T = TypeVar("_T")
_END: Any = getattr(grpc.aio, "EOF")  # noqa: B009 (its stubs forget it)
_TIMEOUT = 10.0
_MAX_SENT = 2 * 1024 * 1024
"""What upstream's client of etcd sends at most; etcd itself takes less."""
_CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
)


@dataclass(frozen=True, slots=True)
class EtcdTLS:
    """Paths of PEM files: the CA to trust, and what to show to etcd."""

    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""

    def credentials(self) -> grpc.ChannelCredentials:
        parts = [
            Path(path).read_bytes() if path else None
            for path in (self.ca_file, self.key_file, self.cert_file)
        ]
        return grpc.ssl_channel_credentials(*parts)


def _target(endpoints: Sequence[str]) -> tuple[str, str]:
    """gRPC's target for all endpoints, and the host name to check certificates against ("" for IPs)."""
    parsed = [urlsplit(each if "//" in each else f"http://{each}") for each in endpoints]
    if len(parsed) == 1:
        return (f"unix:{parsed[0].path}" if parsed[0].scheme.startswith("unix") else parsed[0].netloc), ""
    found: list[tuple[str, int]] = [
        (str(address[0]), int(address[1]))
        for each in parsed
        for *_, address in socket.getaddrinfo(each.hostname, each.port or 2379, type=socket.SOCK_STREAM)
    ]
    family = "ipv6" if ":" in found[0][0] else "ipv4"
    targets = [f"[{host}]:{port}" if family == "ipv6" else f"{host}:{port}" for host, port in found]
    name = str(parsed[0].hostname)
    return f"{family}:{','.join(dict.fromkeys(targets))}", "" if name == found[0][0] else name


def _range_end(prefix: bytes) -> bytes:
    """The first key after all that start with `prefix`."""
    return prefix[:-1] + bytes((prefix[-1] + 1,))


def _error(error: grpc.aio.AioRpcError) -> StorageError:
    text, code = error.details() or "", error.code()
    if "required revision has been compacted" in text:
        return RevisionCompacted(0)
    if "required revision is a future revision" in text:
        return RevisionInFuture(text)
    if "request is too large" in text or "received message larger than max" in text:
        return ValueTooLarge(text)
    if code in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED):
        return StorageError(text)
    return StorageUnreachable(f"{code.name}: {text}")


async def _mapped(call: Awaitable[_T]) -> _T:
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise _error(error) from None


class EtcdStorage:
    """See `Storage`. Calls wait up to `timeout` seconds for a connection: a restart of etcd is only slow."""

    def __init__(
        self, endpoints: Sequence[str], *, tls: EtcdTLS | None = None, timeout: float = _TIMEOUT
    ) -> None:
        self._endpoints = list(endpoints)
        self._tls = tls
        self._timeout = timeout
        self._rpc = etcd_messages.load()
        self._channel: grpc.aio.Channel | None = None

    @cached_property
    def _kv(self) -> Any:
        return self._rpc.KVStub(self._connect())

    @cached_property
    def _lease(self) -> Any:
        return self._rpc.LeaseStub(self._connect())

    @cached_property
    def _watch(self) -> Any:
        return self._rpc.WatchStub(self._connect())

    def _connect(self) -> grpc.aio.Channel:
        """The channel; made on first use, because it belongs to the running loop."""
        if self._channel is None:
            target, name = _target(self._endpoints)
            options = [
                *_CHANNEL_OPTIONS,
                *([("grpc.ssl_target_name_override", name)] if name and self._tls else []),
            ]
            if self._tls is None:
                self._channel = grpc.aio.insecure_channel(target, options)
            else:
                self._channel = grpc.aio.secure_channel(target, self._tls.credentials(), options)
        return self._channel

    async def _call(self, method: Any, request: Any) -> Any:
        return await _mapped(method(request, timeout=self._timeout, wait_for_ready=True))

    async def get(self, key: str) -> KeyValue | None:
        response = await self._call(self._kv.Range, self._rpc.RangeRequest(key=key.encode()))
        return _key_value(response.kvs[0]) if response.kvs else None

    async def list(
        self, prefix: str, *, revision: int = 0, limit: int = 0, start_after: str | None = None
    ) -> Page:
        start = prefix if start_after is None else f"{start_after}\0"
        request = self._rpc.RangeRequest(
            key=start.encode(), range_end=_range_end(prefix.encode()), limit=limit, revision=revision
        )
        response = await self._call(self._kv.Range, request)
        items = [_key_value(each) for each in response.kvs]
        return Page(items, revision or response.header.revision, response.count - len(items))

    async def create(self, key: str, value: bytes, *, lease: int = 0) -> int:
        done, answer = await self._put_if(key.encode(), value, 0, lease)
        if not done:
            raise KeyExists(key)
        return int(answer.header.revision)

    async def update(self, key: str, value: bytes, revision: int, *, lease: int = 0) -> int:
        done, answer = await self._put_if(key.encode(), value, revision, lease)
        if not done:
            raise RevisionMismatch(key, _found(answer))
        return int(answer.header.revision)

    async def _put_if(self, key: bytes, value: bytes, revision: int, lease: int) -> tuple[bool, Any]:
        put = self._rpc.PutRequest(key=key, value=value, lease=lease)
        return await self._transact(key, revision, self._rpc.RequestOp(request_put=put))

    async def delete(self, key: str, revision: int) -> int:
        name = key.encode()
        remove = self._rpc.RequestOp(request_delete_range=self._rpc.DeleteRangeRequest(key=name))
        done, answer = await self._transact(name, revision, remove)
        if not done:
            raise RevisionMismatch(key, _found(answer))
        return int(answer.header.revision)

    async def _transact(self, key: bytes, revision: int, then: Any) -> tuple[bool, Any]:
        """Does `then` if the key is at `revision` (0: absent); otherwise the answer holds what is there."""
        rpc = self._rpc
        request = rpc.TxnRequest(
            compare=[
                rpc.Compare(key=key, target=rpc.Compare.MOD, result=rpc.Compare.EQUAL, mod_revision=revision)
            ],
            success=[then],
            failure=[rpc.RequestOp(request_range=rpc.RangeRequest(key=key))] if revision else [],
        )
        if (size := request.ByteSize()) > _MAX_SENT:
            raise ValueTooLarge(
                "rpc error: code = ResourceExhausted desc = trying to send message larger than max "
                f"({size} vs. {_MAX_SENT})"
            )
        response = await self._call(self._kv.Txn, request)
        return response.succeeded, response

    async def current_revision(self) -> int:
        response = await self._call(self._kv.Range, self._rpc.RangeRequest(key=b"\0", count_only=True))
        return int(response.header.revision)

    async def watch(self, prefix: str, revision: int) -> AsyncIterator[Batch]:
        key, end = (prefix.encode(), _range_end(prefix.encode())) if prefix else (b"\0", b"\0")
        create = self._rpc.WatchCreateRequest(
            key=key, range_end=end, start_revision=revision + 1, progress_notify=True
        )
        call = self._watch.Watch(wait_for_ready=True)
        try:
            await _mapped(call.write(self._rpc.WatchRequest(create_request=create)))
            while True:
                response = await self._next(call)
                if not response.created:
                    yield _batch(response)
        finally:
            call.cancel()

    async def _next(self, call: Any) -> Any:
        response = await _mapped(call.read())
        if response is _END:
            raise StorageUnreachable("the watch ended")
        if response.compact_revision:
            raise RevisionCompacted(response.compact_revision)
        if response.canceled:
            raise StorageUnreachable(f"the watch was cancelled: {response.cancel_reason}")
        return response

    async def grant(self, ttl: int) -> int:
        response = await self._call(self._lease.LeaseGrant, self._rpc.LeaseGrantRequest(TTL=ttl))
        return int(response.ID)

    async def compact(self, revision: int) -> None:
        with suppress(RevisionCompacted):  # another apiserver was first
            await self._call(self._kv.Compact, self._rpc.CompactionRequest(revision=revision))

    async def close(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close(None)


def _key_value(found: Any) -> KeyValue:
    return KeyValue(found.key.decode(), found.value, found.mod_revision)


def _found(answer: Any) -> KeyValue | None:
    """What the failure branch of a transaction read."""
    ranges = answer.responses[0].response_range.kvs
    return _key_value(ranges[0]) if ranges else None


_DELETE = 1


def _batch(response: Any) -> Batch:
    """The header has the store's revision, which a batch of old events lags behind: the last event counts."""
    events = [
        Event(each.kv.key.decode(), None if each.type == _DELETE else each.kv.value, each.kv.mod_revision)
        for each in response.events
    ]
    return Batch(events, events[-1].revision if events else response.header.revision)
