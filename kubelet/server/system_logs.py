"""/logs/: the node's own log files, listed and given as Go's file server does."""

from __future__ import annotations

import asyncio
import html
import os
from pathlib import Path
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response

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
        return FileResponse(path, media_type="text/plain; charset=utf-8")


def _listing(directory: Path) -> str:
    names = sorted(f"{each.name}/" if each.is_dir() else each.name for each in directory.iterdir())
    links = (f'<a href="{quote(name)}">{html.escape(name)}</a>\n' for name in names)
    return f"{_HEAD}<pre>\n{''.join(links)}</pre>\n"
