"""JSON that people read: for whom it is indented, and what is left as it is."""

from __future__ import annotations

import pytest

from apiserver.asgi import Receive, Scope, Send
from apiserver.filters.pretty import Pretty
from apiserver.responses import JSON, TEXT, send_bytes
from tests.fakes.asgi import Sent, nothing, scope_of

COMPACT = b'{"kind":"Pod","spec":{"a":[1]}}\n'
INDENTED = b'{\n  "kind": "Pod",\n  "spec": {\n    "a": [\n      1\n    ]\n  }\n}'
PODS, CURL, GO = "/api/v1/pods", b"curl/8.5.0", b"Go-http-client/1.1"


async def answered(
    path: str, agent: bytes, body: bytes = COMPACT, content_type: bytes = JSON, status: int = 200
) -> Sent:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send_bytes(send, status, body, content_type)

    sent = Sent()
    await Pretty(app)(scope_of(f"GET {path}", headers=[(b"user-agent", agent)]), nothing, sent)
    return sent


@pytest.mark.parametrize(
    ("path", "agent", "expected"),
    [
        (PODS, CURL, INDENTED),
        (PODS, b"Mozilla/5.0 (X11)", INDENTED),
        (PODS, GO, COMPACT),
        (f"{PODS}?pretty=true", GO, INDENTED),
        (f"{PODS}?pretty=1", GO, INDENTED),
        (f"{PODS}?pretty=yes", GO, COMPACT),
        (f"{PODS}?pretty=false", CURL, COMPACT),
        (f"{PODS}?pretty", CURL, INDENTED),
        ("/openapi/v3", CURL, COMPACT),
    ],
)
async def test_who_gets_indented_answers(path: str, agent: bytes, expected: bytes) -> None:
    sent = await answered(path, agent)
    assert sent.messages[1]["body"] == expected
    assert dict(sent.messages[0]["headers"])[b"content-length"] == b"%d" % len(expected)


async def test_errors_are_indented_wherever_they_come_from() -> None:
    assert (await answered("/openapi/v3", CURL, status=403)).messages[1]["body"] == INDENTED


async def test_what_is_no_json_is_left_alone() -> None:
    assert (await answered(PODS, CURL, b"404 page not found\n", TEXT)).messages[1]["body"][:3] == b"404"
