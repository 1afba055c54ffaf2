"""The journal's file, when the server ends."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from apiserver import journal
from apiserver.filters.request_info import parse_query, parse_request
from apiserver.journal import Journal


async def test_what_is_being_written_when_the_server_ends_is_there_before_it_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, begun, may_go_on = tmp_path / "journal.jsonl", asyncio.Event(), threading.Event()
    loop, append = asyncio.get_running_loop(), journal._append

    def slowly(*arguments: Any) -> None:
        if threading.current_thread() is not threading.main_thread():
            loop.call_soon_threadsafe(begun.set)
            assert may_go_on.wait(10)
        append(*arguments)

    monkeypatch.setattr(journal, "_append", slowly)
    kept = Journal(lambda: datetime(2026, 1, 1, tzinfo=UTC), path)
    writing = asyncio.create_task(kept.run())
    kept.record(parse_request("POST", "/api/v1/namespaces/ns/pods", parse_query(b"")), 0.1)
    async with asyncio.timeout(60):
        await begun.wait()
        kept.record(parse_request("DELETE", "/api/v1/namespaces/ns/pods/a", parse_query(b"")), 0.1)
        writing.cancel()
        loop.call_later(0.05, may_go_on.set)
        with pytest.raises(asyncio.CancelledError):
            await writing
    assert [orjson.loads(line)["verb"] for line in path.read_bytes().splitlines()] == ["create", "delete"]
