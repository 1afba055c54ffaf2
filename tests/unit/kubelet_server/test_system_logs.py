"""The node's own log files over HTTP."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Message

from kubelet.server.system_logs import SystemLogs


async def get(root: Path, path: str) -> httpx.Response:
    app = Starlette(routes=[Route("/logs/{path:path}", SystemLogs(root).__call__)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://node") as client:
        return await client.get(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("not a log")
    logs = tmp_path / "log"
    (logs / "apt").mkdir(parents=True)
    (logs / "apt" / "history.log").write_text("installed\n")
    (logs / "a&b.log").write_text("")
    return logs


@pytest.mark.parametrize(
    ("path", "status", "content"),
    [
        pytest.param(
            "/logs/", 200,
            '<pre>\n<a href="a%26b.log">a&amp;b.log</a>\n<a href="apt/">apt/</a>\n</pre>\n', id="a folder"
        ),
        pytest.param("/logs/apt/history.log", 200, "installed\n", id="a file"),
        pytest.param("/logs/none", 404, "404 page not found\n", id="nothing"),
        pytest.param("/logs/..%2Fsecret", 404, "404 page not found\n", id="nothing outside of the folder"),
    ],
)  # fmt: skip
async def test_logs_of_the_node(root: Path, path: str, status: int, content: str) -> None:
    answer = await get(root, path)
    assert (answer.status_code, answer.text[-len(content) :]) == (status, content)


async def test_a_folder_is_asked_for_with_a_slash(root: Path) -> None:
    answer = await get(root, "/logs/apt")
    assert (answer.status_code, answer.headers["location"]) == (301, "apt/")


async def test_a_file_that_grows_meanwhile_keeps_to_the_length_that_was_told(root: Path) -> None:
    growing = root / "growing.log"
    growing.write_bytes(b"x" * 100_000)
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)
        if len(sent) < 5:
            with growing.open("ab") as file:
                file.write(b"y" * 100_000)

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError("nothing more comes")

    app = Starlette(routes=[Route("/logs/{path:path}", SystemLogs(root).__call__)])
    scope = {"type": "http", "method": "GET", "path": "/logs/growing.log", "headers": [], "query_string": b""}
    await app(scope, receive, send)
    start, *bodies = sent
    assert dict(start["headers"])[b"content-length"] == b"100000"
    assert b"".join(each["body"] for each in bodies) == b"x" * 100_000
    assert [each["more_body"] for each in bodies] == [True, False]
