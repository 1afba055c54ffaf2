"""What is done about bytes that are no request, while another one is answered."""

from __future__ import annotations

import asyncio
from typing import Any

from apiserver.server import HttpServer


async def test_a_watch_with_nonsense_behind_it_is_one_watch_and_ends_with_its_connection() -> None:
    begun: list[str] = []
    ended = asyncio.Event()

    async def watch(scope: Any, receive: Any, send: Any) -> None:
        begun.append(scope["path"])
        while (await receive())["type"] != "http.disconnect":
            pass
        ended.set()

    server = HttpServer(watch)
    port = await server.start("127.0.0.1", 0, None)
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /watch HTTP/1.1\r\nHost: x\r\n\r\nNONSENSE\r\n\r\n")
    async with asyncio.timeout(60):
        await ended.wait()
    assert begun == ["/watch"]
    writer.close()
    await server.aclose()
