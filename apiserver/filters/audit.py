"""Records requests: inside of authentication, because policies ask for users, and what fails there as well.

Source: pkg/endpoints/filters/audit.go and authn_audit.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from typing import Any

from apimachinery.errors import InternalError, StatusError, UnauthorizedError
from apimachinery.protobuf import CONTENT_TYPE, MAGIC, ProtobufError, decode
from apimachinery.schema import definition_name
from apimachinery.serialize import DecodeError, from_json
from apiserver.asgi import App, Message, Receive, Scope, Send
from apiserver.audit.auditor import Auditor
from apiserver.audit.metrics import REJECTED
from apiserver.audit.policy import COMPLETE, PANIC, RECEIVED, STARTED
from apiserver.audit.record import Record
from apiserver.filters.request_info import KEY, is_long_running
from apiserver.request import RequestInfo, UserInfo
from apiserver.responses import send_server_error

_NOBODY = UserInfo("")
_JSON, _PROTOBUF = b"application/json", CONTENT_TYPE.encode()


class AuditFailedAuthentication:
    """Around authentication. Such a request has one stage only."""

    def __init__(self, app: App, auditor: Auditor) -> None:
        self._app = app
        self._auditor = auditor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except UnauthorizedError as error:
            scope[KEY].user = _NOBODY
            if (record := self._auditor.begin(scope[KEY], scope)) is not None:
                record.fail(error)
                await record.reach(STARTED)
            raise


class Audit:
    """Around everything that is done once it is known for whom."""

    def __init__(self, app: App, auditor: Auditor) -> None:
        self._app = app
        self._auditor = auditor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        info: RequestInfo | None = scope.get(KEY)
        record = self._auditor.begin(info, scope) if info is not None else None
        if info is None or record is None:
            return await self._app(scope, receive, send)
        if not await record.reach(RECEIVED):
            return await _refuse(scope, send)
        lasting = is_long_running(info)
        exchange = Exchange(record, receive, send, lasting=lasting)
        last = COMPLETE
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except StatusError as error:
            record.fail(error)
            raise
        except Exception as error:
            record.fail(InternalError(f"APIServer panic'd: {error}"))
            last = PANIC
            raise
        finally:
            if lasting and not exchange.has_started and last is COMPLETE:
                await record.reach(STARTED)
            await record.reach(last)


class Exchange:
    """The bodies of one request, as they pass by."""

    def __init__(self, record: Record, receive: Receive, send: Send, *, lasting: bool) -> None:
        self.has_started = False
        self._record = record
        self._receive = receive
        self._send = send
        self._lasting = lasting
        self._code = 0
        self._is_kept = False
        self._parts: list[bytes] = []

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request" and self._record.wants_request and not self._lasting:
            self._record.request_body += message.get("body", b"")
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._start(message)
        elif message["type"] == "http.response.body" and self._is_kept:
            await self._keep(message)
        await self._send(message)

    async def _start(self, message: Message) -> None:
        self.has_started = True
        self._code = message["status"]
        self._record.note_answer(self._code, None)
        is_object = any(
            name == b"content-type" and value.startswith((_JSON, _PROTOBUF))
            for name, value in message["headers"]
        )
        # A Status says what came of a request, whoever is shown the objects.
        tells = self._code >= 400 or self._record.wants_response or self._record.ends_in_status
        self._is_kept = is_object and tells and (self._code >= 400 or not self._lasting)
        if self._lasting and not self._is_kept:
            await self._record.reach(STARTED)

    async def _keep(self, message: Message) -> None:
        self._parts.append(message.get("body", b""))
        if not message.get("more_body"):
            self._record.note_answer(self._code, _decoded(b"".join(self._parts)))
            if self._lasting:
                await self._record.reach(STARTED)


async def _refuse(scope: Scope, send: Send) -> None:
    """Mode blocking-strict: what cannot be recorded is not done."""
    REJECTED.inc()
    await send_server_error(scope, send, "failed to store audit event")


def _decoded(body: bytes) -> Any:
    try:
        return decode(body, definition_name) if body.startswith(MAGIC) else from_json(body)
    except (DecodeError, ProtobufError):
        return None
