"""URLs: as Go's url.ParseRequestURI takes them."""

from __future__ import annotations

from urllib.parse import parse_qs

from apimachinery.urls import Url, parse_request_uri
from apiserver.cel.libraries.function import Function, function, method


def _parsed(text: str) -> Url:
    """Raises ValueError."""
    try:
        return parse_request_uri(text)
    except ValueError as error:
        raise ValueError(f"URL parse error during conversion from string: {error}") from None


def _url(text: str) -> str:
    _parsed(text)
    return text


def _is_url(text: str) -> bool:
    try:
        _parsed(text)
    except ValueError:
        return False
    return True


FUNCTIONS: tuple[Function, ...] = (
    function("url", "string", "URL", _url),
    function("isURL", "string", "bool", _is_url),
    method("getScheme", "URL", "string", lambda text: _parsed(text).scheme),
    method("getHost", "URL", "string", lambda text: _parsed(text).host),
    method("getHostname", "URL", "string", lambda text: _parsed(text).hostname),
    method("getPort", "URL", "string", lambda text: _parsed(text).port),
    method("getEscapedPath", "URL", "string", lambda text: _parsed(text).escaped_path),
    method(
        "getQuery",
        "URL",
        "map<string,list<string>>",
        lambda text: parse_qs(_parsed(text).query, keep_blank_values=True),
    ),
)
