"""CORS and HSTS around an application that says yes."""

from __future__ import annotations

import pytest

from apiserver.asgi import Receive, Scope, Send
from apiserver.filters.fixed_headers import (
    CrossOrigin,
    StrictTransportSecurity,
    directives_problem,
    origins_problem,
)
from tests.fakes.asgi import Sent

PATTERNS = (r"//localhost(:|$)", r"^https://.*\.example\.com$")


async def says_yes(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"audit-id", b"1")]})
    await send({"type": "http.response.body", "body": b"yes"})


async def nothing() -> dict[str, str]:
    return {}


async def asked(app: CrossOrigin | StrictTransportSecurity, method: str = "GET", origin: str = "") -> Sent:
    sent, headers = Sent(), [(b"origin", origin.encode())] if origin else []
    await app({"type": "http", "method": method, "headers": headers}, nothing, sent)
    return sent


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        pytest.param("", False, id="no page"),
        pytest.param("http://localhost:8080", True, id="with a port"),
        pytest.param("https://a.example.com", True, id="a subdomain"),
        pytest.param("http://localhost.evil.com", False, id="one that begins alike"),
        pytest.param("https://example.org", False, id="another"),
    ],
)
async def test_pages_of_some_origins_may_ask(origin: str, allowed: bool) -> None:
    sent = await asked(CrossOrigin(says_yes, PATTERNS), origin=origin)
    headers = dict(sent.messages[0]["headers"])
    assert headers.get(b"access-control-allow-origin", b"").decode() == (origin if allowed else "")
    assert headers[b"audit-id"] == b"1"
    assert sent.messages[1]["body"] == b"yes"


async def test_of_origins_said_twice_the_first_counts() -> None:
    sent, headers = Sent(), [(b"origin", b"https://evil.com"), (b"origin", b"http://localhost")]
    await CrossOrigin(says_yes, PATTERNS)(
        {"type": "http", "method": "GET", "headers": headers}, nothing, sent
    )
    assert b"access-control-allow-origin" not in dict(sent.messages[0]["headers"])


async def test_a_browser_that_asks_beforehand_is_answered_at_once() -> None:
    sent = await asked(CrossOrigin(says_yes, PATTERNS), "OPTIONS", "http://localhost")
    assert (sent.status, sent.messages[1]["body"]) == (204, b"")
    assert dict(sent.messages[0]["headers"])[b"access-control-allow-methods"] == (
        b"POST, GET, OPTIONS, PUT, DELETE, PATCH"
    )


async def test_options_of_another_origin_pass() -> None:
    assert (await asked(CrossOrigin(says_yes, PATTERNS), "OPTIONS", "http://elsewhere")).status == 200


async def test_browsers_are_told_to_stay_with_https() -> None:
    sent = await asked(StrictTransportSecurity(says_yes, ("max-age=31536000", "preload")))
    assert (b"strict-transport-security", b"max-age=31536000; preload") in sent.messages[0]["headers"]


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("//localhost(:|$)", ""),
        ("^https://a$", ""),
        ("localhost", "does not pin to start/end of host"),
        ("//localhost", "does not pin to start/end of host"),
        ("^(", "error parsing regexp"),
    ],
)
def test_patterns_of_origins(pattern: str, problem: str) -> None:
    found = origins_problem([pattern])
    assert problem in found
    assert bool(found) == bool(problem)


@pytest.mark.parametrize(
    ("directive", "is_one"),
    [
        ("includeSubDomains", True), ("preload", True), ("max-age=1", True),
        ("max-age", False), ("max-age=1=2", False), ("preloads", False), ("", False),
    ],
)  # fmt: skip
def test_directives(directive: str, is_one: bool) -> None:
    assert bool(directives_problem([directive])) != is_one
