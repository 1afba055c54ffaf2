"""URLs: as Go's url.ParseRequestURI takes them."""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qs, quote, urlsplit

from apiserver.cel.libraries.function import Function, function, method


def _parsed(text: str) -> SplitResult:
    """Raises ValueError."""
    try:
        return parse(text)
    except ValueError as error:
        raise ValueError(f"URL parse error during conversion from string: {error}") from None


def parse(text: str) -> SplitResult:
    """Raises ValueError, in Go's words."""
    if not text:
        raise ValueError('parse "": empty url')
    parts = urlsplit(text)
    strange = any(each < " " or each == "\x7f" for each in text) or " " in parts.netloc
    if strange or not (parts.scheme or text.startswith("/")):
        reason = "invalid character in URL" if strange else "invalid URI for request"
        raise ValueError(f'parse "{text}": {reason}')
    parts.port  # noqa: B018  # raises what is wrong with it
    return parts


def _url(text: str) -> str:
    _parsed(text)
    return text


def _is_url(text: str) -> bool:
    try:
        _parsed(text)
    except ValueError:
        return False
    return True


def _host(text: str) -> str:
    return _parsed(text).netloc.rpartition("@")[2]


def _port(text: str) -> str:
    port = _parsed(text).port
    return "" if port is None else str(port)


FUNCTIONS: tuple[Function, ...] = (
    function("url", "string", "URL", _url),
    function("isURL", "string", "bool", _is_url),
    method("getScheme", "URL", "string", lambda text: _parsed(text).scheme),
    method("getHost", "URL", "string", _host),
    method("getHostname", "URL", "string", lambda text: _parsed(text).hostname or ""),
    method("getPort", "URL", "string", _port),
    method("getEscapedPath", "URL", "string", lambda text: quote(_parsed(text).path, "/%:@!$&'()*+,;=~-._")),
    method(
        "getQuery",
        "URL",
        "map<string,list<string>>",
        lambda text: parse_qs(_parsed(text).query, keep_blank_values=True),
    ),
)
