"""Links of a proxied page, made to lead through the proxy: redirects, and the attributes of HTML. Pure.

Source: apimachinery/pkg/util/proxy/transport.go of Kubernetes 1.34.
"""

from __future__ import annotations

import html
import posixpath
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import accumulate
from urllib.parse import urlsplit

_ATTRIBUTES = {
    "a": ("href",),
    "applet": ("codebase",),
    "area": ("href",),
    "audio": ("src",),
    "base": ("href",),
    "blockquote": ("cite",),
    "body": ("background",),
    "button": ("formaction",),
    "command": ("icon",),
    "del": ("cite",),
    "embed": ("src",),
    "form": ("action",),
    "frame": ("longdesc", "src"),
    "head": ("profile",),
    "html": ("manifest",),
    "iframe": ("longdesc", "src"),
    "img": ("longdesc", "src", "usemap"),
    "input": ("src", "usemap", "formaction"),
    "ins": ("cite",),
    "link": ("href",),
    "object": ("classid", "codebase", "data", "usemap"),
    "q": ("cite",),
    "script": ("src",),
    "source": ("src",),
    "video": ("poster", "src"),
}
_ATTRIBUTE = re.compile(r"""(\s([^\s=>/"']+)\s*=\s*)("[^"]*"|'[^']*'|[^\s>]+)""")


@dataclass(frozen=True, slots=True)
class Links:
    """For one request: the path under which we serve, the back end's host, and the one the client named."""

    prefix: str
    backend: str
    client: str

    def rewrite(self, target: str) -> str:
        """A link to this back end that begins at its root gets the prefix; all others stay."""
        try:
            parts = urlsplit(target)
        except ValueError:
            return target
        if parts.netloc not in ("", self.backend, self.client) or not parts.path.startswith("/"):
            return target
        if parts.netloc != self.client:
            parts = parts._replace(scheme="", netloc="")
        if not parts.path.startswith(self.prefix):
            slash = "/" if parts.path.endswith("/") else ""
            parts = parts._replace(path=posixpath.normpath(self.prefix + parts.path) + slash)
        return parts.geturl()

    def rewrite_page(self, page: bytes) -> bytes:
        """Everything but the links stays as it is, to the byte."""
        text = page.decode("latin-1")
        finder = _TagFinder(text)
        finder.feed(text)
        finder.close()
        pieces, position = [], 0
        for start, tag, attributes in finder.found:
            pieces += [text[position:start], self._rewrite_tag(tag, attributes)]
            position = start + len(tag)
        return "".join([*pieces, text[position:]]).encode("latin-1")

    def _rewrite_tag(self, tag: str, attributes: tuple[str, ...]) -> str:
        def rewrite(match: re.Match[str]) -> str:
            before, name, value = match.groups()
            if name.lower() not in attributes:
                return match[0]
            link = html.unescape(value.strip("\"'"))
            rewritten = self.rewrite(link)
            return match[0] if rewritten == link else f'{before}"{html.escape(rewritten)}"'

        return _ATTRIBUTE.sub(rewrite, tag)


class _TagFinder(HTMLParser):
    """Where in a page the tags are that may have links."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=False)
        self._lines = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
        self.found: list[tuple[int, str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        raw = self.get_starttag_text()
        if tag in _ATTRIBUTES and raw:
            line, column = self.getpos()
            self.found.append((self._lines[line - 1] + column, raw, _ATTRIBUTES[tag]))
