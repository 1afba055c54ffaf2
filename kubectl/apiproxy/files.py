"""Files of a folder, and listings of its folders, in the form of Go's http.FileServer."""

from __future__ import annotations

import html
from pathlib import Path
from urllib.parse import quote

from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

_HEAD = '<!doctype html>\n<meta name="viewport" content="width=device-width">\n'
_INDEX = "index.html"


class Files:
    """An ASGI application below `prefix`, which ends with a slash."""

    def __init__(self, prefix: str, base: str) -> None:
        self._prefix = prefix
        self._base = Path(base).resolve()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._answer(scope["path"].removeprefix(self._prefix))
        await answer(scope, receive, send)

    def _answer(self, path: str) -> Response:
        found = (self._base / path.lstrip("/")).resolve()
        if not found.is_relative_to(self._base) or not found.exists():
            return not_found()
        is_folder = path.endswith("/") or not path
        if found.name == _INDEX and path.endswith(f"/{_INDEX}"):
            return _moved("./")
        if found.is_dir() and not is_folder:
            return _moved(f"{found.name}/")
        if found.is_file():
            return _moved(f"../{found.name}") if is_folder else FileResponse(found)
        if (found / _INDEX).is_file():
            return FileResponse(found / _INDEX)
        return HTMLResponse(listing(found))


def listing(found: Path) -> str:
    """A line for each file; names of folders end with a slash."""
    names = sorted(f"{each.name}/" if each.is_dir() else each.name for each in found.iterdir())
    lines = [f'<a href="{quote(name)}">{html.escape(name)}</a>\n' for name in names]
    return f"{_HEAD}<pre>\n{''.join(lines)}</pre>\n"


def not_found() -> Response:
    return told("404 page not found", 404)


def told(text: str, status: int) -> Response:
    """A refusal as Go's http.Error words it."""
    return PlainTextResponse(f"{text}\n", status, {"x-content-type-options": "nosniff"})


def _moved(where: str) -> Response:
    return RedirectResponse(quote(where), 301)
