"""Compression: of what, for whom, and that it is the same afterwards."""

from __future__ import annotations

import gzip

import pytest

from apiserver.asgi import Receive, Scope, Send
from apiserver.filters.compression import Compression, accepts_gzip
from apiserver.responses import send_bytes
from tests.fakes.asgi import Sent, nothing, scope_of

LARGE = b"kubernetes " * 20_000


async def answered(
    body: bytes, accept: bytes = b"gzip", more: list[tuple[bytes, bytes]] | None = None
) -> Sent:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send_bytes(send, 200, body, headers=more)

    sent = Sent()
    headers = [(b"accept-encoding", accept)]
    await Compression(app)(scope_of("GET /api/v1/pods", headers=headers), nothing, sent)
    return sent


async def test_a_large_answer_is_compressed() -> None:
    sent = await answered(LARGE, more=[(b"etag", b"E")])
    headers = dict(sent.messages[0]["headers"])
    assert (headers[b"content-encoding"], headers[b"vary"]) == (b"gzip", b"Accept-Encoding")
    assert (b"content-length" in headers, headers[b"etag"]) == (False, b"E")
    assert gzip.decompress(sent.messages[1]["body"]) == LARGE
    assert len(sent.messages[1]["body"]) < len(LARGE) / 50


@pytest.mark.parametrize(
    ("body", "accept", "more"),
    [
        (b"small", b"gzip", None),
        (LARGE, b"identity", None),
        (LARGE, b"gzip", [(b"content-encoding", b"br")]),
    ],
    ids=["small", "not asked for", "compressed by somebody else"],
)
async def test_other_answers_are_left_alone(
    body: bytes, accept: bytes, more: list[tuple[bytes, bytes]] | None
) -> None:
    assert (await answered(body, accept, more)).messages[1]["body"] == body


@pytest.mark.parametrize(
    ("header", "accepts"),
    [
        ("gzip", True),
        ("br, gzip", True),
        ("gzip;q=0.5", False),
        ("gzip;q=0", False),
        ("GZIP", False),
        ("deflate", False),
        ("", False),
    ],
)
def test_who_accepts_gzip(header: str, accepts: bool) -> None:
    assert accepts_gzip(header) is accepts
