"""Who may have what of a daemon's port, as its flags say."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from client.guard import PortGuard, guard_of
from client.rest import Client
from component_base.delegating_options import DelegatingOptions, is_open
from component_base.flags import CommonOptions, parse
from component_base.http_server import Request
from component_base.kubeconfig import ClientConfig
from tests.fakes.http_server import Exchange, ScriptedServer, scripted


@dataclass(frozen=True)
class Options(CommonOptions, DelegatingOptions):
    pass


async def review(exchange: Exchange) -> None:
    """Token `good` is jane, who may see /metrics."""
    asked = orjson.loads(exchange.body)
    if asked["kind"] == "TokenReview":
        good = asked["spec"]["token"] == "good"
        status = {"authenticated": good, "user": {"username": "jane"}}
    else:
        status = {"allowed": asked["spec"]["nonResourceAttributes"]["path"] == "/metrics"}
    await exchange.answer(orjson.dumps({**asked, "status": status}))


@asynccontextmanager
async def guarding(tmp_path: Path, *flags: str) -> AsyncIterator[tuple[PortGuard, ScriptedServer]]:
    """`OTHER` in a flag is the kubeconfig of another user."""
    async with scripted(review) as server:
        other = tmp_path / "other.conf"
        address = f"http://127.0.0.1:{server.port}"
        other.write_text(KUBECONFIG.format(server=address))
        options = parse(Options, [each.replace("OTHER", str(other)) for each in flags], prog="test")
        client = Client(ClientConfig(server=address, token="own"), user_agent="test")
        yield guard_of(options, client, kubeconfig="own.conf", name="test"), server


KUBECONFIG = """
current-context: c
contexts: [{{name: c, context: {{cluster: c, user: u}}}}]
clusters: [{{name: c, cluster: {{server: "{server}"}}}}]
users: [{{name: u, user: {{token: another}}}}]
"""


async def status(guard: PortGuard, path: str, token: str = "") -> int:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    refusal = await guard.refusal(Request("GET", path, {}, headers))
    return 200 if refusal is None else refusal.status


@pytest.mark.parametrize(
    ("flags", "path", "token", "expected"),
    [
        pytest.param((), "/healthz", "", 200, id="health is told to everybody"),
        pytest.param((), "/healthz/ping", "", 401, id="but not each check"),
        pytest.param((), "/metrics", "", 401, id="metrics are not"),
        pytest.param((), "/metrics", "bad", 401, id="nor to who is nobody"),
        pytest.param((), "/metrics", "good", 200, id="but to who may see them"),
        pytest.param((), "/configz", "good", 403, id="who may not see all"),
        pytest.param(("--authorization-always-allow-paths=/metrics",), "/metrics", "", 200, id="opened"),
        pytest.param(("--authorization-always-allow-paths=/metrics",), "/healthz", "", 401, id="closed"),
    ],
)
async def test_who_may_have_what(
    tmp_path: Path, flags: tuple[str, ...], path: str, token: str, expected: int
) -> None:
    async with guarding(tmp_path, *flags) as (guard, _):
        assert await status(guard, path, token) == expected


@pytest.mark.parametrize(
    ("flags", "asked"),
    [
        pytest.param((), {"own tokenreviews": 1, "own subjectaccessreviews": 1}, id="answers are remembered"),
        pytest.param(
            (
                "--authentication-token-webhook-cache-ttl=-1s",
                "--authorization-webhook-cache-authorized-ttl=-1s",
            ),
            {"own tokenreviews": 2, "own subjectaccessreviews": 2},
            id="for as long as is said",
        ),
        pytest.param(
            ("--authentication-kubeconfig=OTHER", "--authorization-kubeconfig=own.conf"),
            {"another tokenreviews": 1, "own subjectaccessreviews": 1},
            id="somebody else asks",
        ),
    ],
)
async def test_who_asks_and_how_often(tmp_path: Path, flags: tuple[str, ...], asked: dict[str, int]) -> None:
    async with guarding(tmp_path, *flags) as (guard, server):
        for _ in range(2):
            assert await status(guard, "/metrics", "good") == 200
        assert Counter(map(_asked, server.exchanges)) == asked


def _asked(exchange: Exchange) -> str:
    token = (exchange.header("authorization") or "").removeprefix("Bearer ")
    return f"{token} {exchange.line.split()[1].rpartition('/')[2]}"


@pytest.mark.parametrize(
    ("allowed", "path", "expected"),
    [
        (("/healthz",), "/healthz", True),
        (("healthz",), "/healthz", True),
        (("/healthz",), "/healthz/ping", False),
        (("/healthz*",), "/healthz/ping", True),
        (("/a/*",), "/a", False),
        (("*",), "/anything", True),
        (("/",), "/", True),
        (("/",), "/a", False),
    ],
)
def test_paths_may_end_in_a_star(allowed: tuple[str, ...], path: str, expected: bool) -> None:
    assert is_open(path, allowed) == expected


def test_a_star_is_nowhere_else(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(Options, ["--authorization-always-allow-paths=/a*/b"], prog="test")
    assert 'only trailing * allowed in "a*/b"' in capsys.readouterr().err
