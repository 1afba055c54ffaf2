"""The Storage seam over etcd: the only module that knows etcd.

Its messages are those of the `etcd3` package. Of several endpoints one is used until it fails or has lost its
leader, then the next.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

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
from component_base.certificates import client_context
from component_base.grpc.channel import Channel, Endpoint, Stream
from component_base.grpc.status import Code, GrpcError

_PORT = 2379
_TIMEOUT = 10.0
_RETRY_SECONDS = 0.05
_MAX_SENT = 2 * 1024 * 1024
"""What upstream's client of etcd sends at most; etcd itself takes less."""


@dataclass(frozen=True, slots=True)
class EtcdTLS:
    """Paths of PEM files: the CA to trust, and what to show to etcd."""

    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""

    def context(self) -> ssl.SSLContext:
        context = client_context(ca_file=self.ca_file)
        context.set_alpn_protocols(["h2"])
        if self.cert_file:
            context.load_cert_chain(self.cert_file, self.key_file)
        return context


def _range_end(prefix: bytes) -> bytes:
    """The first key after all that start with `prefix`."""
    return prefix[:-1] + bytes((prefix[-1] + 1,))


def _error(error: GrpcError) -> StorageError:
    text = error.details
    if "required revision has been compacted" in text:
        return RevisionCompacted(0)
    if "required revision is a future revision" in text:
        return RevisionInFuture(text)
    if "request is too large" in text or "received message larger than max" in text:
        return ValueTooLarge(text)
    if error.code in (Code.INVALID_ARGUMENT, Code.RESOURCE_EXHAUSTED):
        return StorageError(text)
    return StorageUnreachable(str(error))


class EtcdStorage:
    """See `Storage`. Calls wait up to `timeout` seconds for a connection: a restart of etcd is only slow."""

    def __init__(
        self, endpoints: Sequence[str], *, tls: EtcdTLS | None = None, timeout: float = _TIMEOUT
    ) -> None:
        context = tls.context() if tls is not None else None
        self._channel = Channel([Endpoint.parse(each, _PORT) for each in endpoints], context)
        self._timeout = timeout
        self._rpc = etcd_messages.load()

    async def _call(self, method: str, request: Any, response: Any, *, repeatable: bool = False) -> Any:
        """`method` is one of etcd's services and its method: KV/Range.

        A member that is cut off from the others says that it is unavailable: there may be a better one.
        """
        path, message = f"/etcdserverpb.{method}", request.SerializeToString()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout
        while True:
            try:
                return response.FromString(await self._channel.unary(path, message, deadline - loop.time()))
            except GrpcError as error:
                if error.code is Code.UNAVAILABLE:
                    self._channel.move_on(error.details)
                    if repeatable and loop.time() + _RETRY_SECONDS < deadline:
                        await asyncio.sleep(_RETRY_SECONDS)
                        continue
                raise _error(error) from None

    async def get(self, key: str) -> KeyValue | None:
        response = await self._range(key=key.encode())
        return _key_value(response.kvs[0]) if response.kvs else None

    async def list(
        self, prefix: str, *, revision: int = 0, limit: int = 0, start_after: str | None = None
    ) -> Page:
        start = prefix if start_after is None else f"{start_after}\0"
        response = await self._range(
            key=start.encode(), range_end=_range_end(prefix.encode()), limit=limit, revision=revision
        )
        items = [_key_value(each) for each in response.kvs]
        return Page(items, revision or response.header.revision, response.count - len(items))

    async def _range(self, **fields: Any) -> Any:
        rpc = self._rpc
        return await self._call("KV/Range", rpc.RangeRequest(**fields), rpc.RangeResponse, repeatable=True)

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
        request = self._if_at(key, revision)
        put = request.success.add().request_put
        put.key, put.value, put.lease = key, value, lease
        return await self._transact(request)

    async def delete(self, key: str, revision: int) -> int:
        name = key.encode()
        request = self._if_at(name, revision)
        request.success.add().request_delete_range.key = name
        done, answer = await self._transact(request)
        if not done:
            raise RevisionMismatch(key, _found(answer))
        return int(answer.header.revision)

    def _if_at(self, key: bytes, revision: int) -> Any:
        """A TxnRequest that does nothing yet if the key is at `revision` (0: absent), and else reads it.

        Filled in place: half the time of messages put into one another.
        """
        request = self._rpc.TxnRequest()
        condition = request.compare.add()
        condition.key, condition.target, condition.mod_revision = key, self._rpc.Compare.MOD, revision
        if revision:
            request.failure.add().request_range.key = key
        return request

    async def _transact(self, request: Any) -> tuple[bool, Any]:
        if (size := request.ByteSize()) > _MAX_SENT:
            raise ValueTooLarge(
                "rpc error: code = ResourceExhausted desc = trying to send message larger than max "
                f"({size} vs. {_MAX_SENT})"
            )
        response = await self._call("KV/Txn", request, self._rpc.TxnResponse)
        return response.succeeded, response

    async def current_revision(self) -> int:
        response = await self._range(key=b"\0", count_only=True)
        return int(response.header.revision)

    async def watch(self, prefix: str, revision: int) -> AsyncIterator[Batch]:
        key, end = (prefix.encode(), _range_end(prefix.encode())) if prefix else (b"\0", b"\0")
        create = self._rpc.WatchCreateRequest(
            key=key, range_end=end, start_revision=revision + 1, progress_notify=True
        )
        request = self._rpc.WatchRequest(create_request=create).SerializeToString()
        try:
            async with self._channel.stream(
                "/etcdserverpb.Watch/Watch", self._timeout, hasleader="true"
            ) as watch:
                watch.write(request)
                while True:
                    response = await self._next(watch)
                    if not response.created:
                        yield _batch(response)
        except GrpcError as error:
            self._channel.move_on(error.details)
            raise _error(error) from None

    async def _next(self, watch: Stream) -> Any:
        message = await watch.read()
        if message is None:
            raise StorageUnreachable("the watch ended")
        response = self._rpc.WatchResponse.FromString(message)
        if response.compact_revision:
            raise RevisionCompacted(response.compact_revision)
        if response.canceled:
            raise StorageUnreachable(f"the watch was cancelled: {response.cancel_reason}")
        return response

    async def grant(self, ttl: int) -> int:
        rpc = self._rpc
        response = await self._call(
            "Lease/LeaseGrant", rpc.LeaseGrantRequest(TTL=ttl), rpc.LeaseGrantResponse
        )
        return int(response.ID)

    async def compact(self, revision: int) -> None:
        with suppress(RevisionCompacted):  # another apiserver was first
            rpc = self._rpc
            await self._call("KV/Compact", rpc.CompactionRequest(revision=revision), rpc.CompactionResponse)

    async def size(self) -> int:
        rpc = self._rpc
        response = await self._call("Maintenance/Status", rpc.StatusRequest(), rpc.StatusResponse)
        return int(response.dbSize)

    async def aclose(self) -> None:
        await self._channel.aclose()


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
