"""/logs/: the node's own log files, listed and given as Go's file server does."""

from __future__ import annotations

import asyncio
import html
import os
from pathlib import Path
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import Message, Receive, Scope, Send

SYSTEM_LOGS = Path("/var/log")
_HEAD = '<!doctype html>\n<meta name="viewport" content="width=device-width">\n'


class SystemLogs:
    def __init__(self, root: Path = SYSTEM_LOGS) -> None:
        self._root = root

    async def __call__(self, request: Request) -> Response:
        return await asyncio.to_thread(self._answer, request.path_params["path"])

    def _answer(self, asked: str) -> Response:
        path = self._root / os.path.normpath(f"/{asked}").lstrip("/")
        if path.is_dir():
            if asked and not asked.endswith("/"):
                return RedirectResponse(f"{path.name}/", status_code=301)
            return HTMLResponse(_listing(path))
        if not path.is_file():
            return PlainTextResponse("404 page not found\n", status_code=404)
        return _LogFile(path, media_type="text/plain; charset=utf-8")


class _LogFile(FileResponse):
    """A file that others write: no more of it is sent than there was when its length was told."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        left, is_over = 0, False

        async def send_told(message: Message) -> None:
            nonlocal left, is_over
            if message["type"] == "http.response.start":
                left = int(dict(message["headers"])[b"content-length"])
                await send(message)
            elif not is_over:
                body = message["body"][:left]
                left -= len(body)
                is_over = not (message.get("more_body") and left)
                await send({"type": "http.response.body", "body": body, "more_body": not is_over})

        await super().__call__(scope, receive, send_told)


def _listing(directory: Path) -> str:
    names = sorted(f"{each.name}/" if each.is_dir() else each.name for each in directory.iterdir())
    links = (f'<a href="{quote(name)}">{html.escape(name)}</a>\n' for name in names)
    return f"{_HEAD}<pre>\n{''.join(links)}</pre>\n"
