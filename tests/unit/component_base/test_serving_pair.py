"""A server's certificate changes on disk while it serves."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from component_base import serving_pair
from component_base.certificates import _tool, bare_serving_context
from component_base.serving_pair import FilePair

LIMIT = 60.0


async def pair(host: str) -> tuple[bytes, bytes]:
    """A certificate of its own making, and its key."""
    key, mark, certificate = (await _tool("self-signed", host=host)).partition(b"-----BEGIN CERTIFICATE")
    return mark + certificate, key


async def shown(port: int) -> str:
    return await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))


async def test_who_connects_after_a_change_gets_the_new_certificate(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cert_file, key_file = tmp_path / "tls.crt", tmp_path / "tls.key"
    (old_cert, old_key), (new_cert, new_key) = await pair("old"), await pair("new")
    cert_file.write_bytes(old_cert)
    key_file.write_bytes(old_key)
    files = FilePair(bare_serving_context(), str(cert_file), str(key_file))
    files.load()

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=files.context)
    port = server.sockets[0].getsockname()[1]
    keeping = asyncio.create_task(files.keep_fresh())
    try:
        before = await shown(port)
        cert_file.write_bytes(new_cert)
        async with asyncio.timeout(LIMIT):
            while "going on with the old one" not in caplog.text:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert await shown(port) == before, "the key does not fit yet"
        key_file.write_bytes(new_key)
        async with asyncio.timeout(LIMIT):
            while (after := await shown(port)) == before:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert after.strip().encode() == new_cert.strip()
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
        server.close()


async def test_nothing_is_said_while_the_files_are_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / "tls.crt", tmp_path / "tls.key"]
    for file, content in zip(files, await pair("here"), strict=True):
        file.write_bytes(content)
    followed = FilePair(bare_serving_context(), *map(str, files))
    followed.load()
    looks: list[bytes] = []
    read = serving_pair._read

    def noting(files: list[Path]) -> bytes:
        looks.append(read(files))
        return looks[-1]

    monkeypatch.setattr(serving_pair, "_read", noting)
    monkeypatch.setattr(serving_pair, "_LOOK_SECONDS", 0.01)
    keeping = asyncio.create_task(followed.keep_fresh())
    try:
        async with asyncio.timeout(LIMIT):
            while not looks:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            for file in files:
                file.unlink()
            while looks.count(b"") < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert caplog.records == []
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
