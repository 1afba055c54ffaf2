"""An engine that does not answer is one that is away."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kubelet.runtime.docker.engine import Engine
from kubelet.runtime.interface import RuntimeUnavailable


async def test_a_request_takes_only_so_long(tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(silent, tmp_path / "docker.sock")
    engine = Engine(f"unix://{tmp_path}/docker.sock", seconds=0.1)
    async with server:
        with pytest.raises(RuntimeUnavailable):
            await asyncio.wait_for(engine.look("/version"), 30.0)
    assert asked.is_set()
