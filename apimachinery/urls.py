"""URLs as Go's net/url takes them apart, with its words for what is wrong.

Source: net/url/url.go of Go 1.25, which Kubernetes 1.34 is built with.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Container
from dataclasses import dataclass, replace
from string import ascii_letters, digits
from urllib.parse import quote, unquote

_UNRESERVED = ascii_letters + digits + "-_.~"
_IN_HOST = frozenset(_UNRESERVED + "!$&'()*+,;=:[]<>\"")
_IN_USER = frozenset(_UNRESERVED + ":!$&'()*+,;=%@")
_IN_PATH = "/%:@!$&'()*+,;=[]"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PORT = re.compile(r"(:[0-9]*)?")


@dataclass(frozen=True, slots=True)
class Url:
    """The parts of a URL; what is not there is empty, but for `user`, which may be there and empty."""

    scheme: str = ""
    opaque: str = ""
    user: str | None = None
    """As it is written in a URL."""
    host: str = ""
    """With the port, and IPv6 addresses in brackets."""
    escaped_path: str = ""
    query: str = ""
    fragment: str = ""

    @property
    def path(self) -> str:
        return unquote(self.escaped_path)

    @property
    def hostname(self) -> str:
        return self._name_and_port[0].removeprefix("[").removesuffix("]")

    @property
    def port(self) -> str:
        return self._name_and_port[1]

    @property
    def _name_and_port(self) -> tuple[str, str]:
        name, colon, port = self.host.rpartition(":")
        return (name, port) if colon and _PORT.fullmatch(f":{port}") else (self.host, "")


def parse_url(text: str) -> Url:
    """Go's url.Parse. Raises ValueError."""
    before, _, fragment = text.partition("#")
    url = _parsed(before, before, is_request=False)
    if not fragment:
        return url
    return replace(url, fragment=_unescaped(fragment, text))


def parse_request_uri(text: str) -> Url:
    """Go's url.ParseRequestURI: absolute, or an absolute path, without a fragment. Raises ValueError."""
    return _parsed(text, text, is_request=True)


def _parsed(text: str, whole: str, *, is_request: bool) -> Url:
    if _CONTROL.search(text):
        raise _wrong(whole, "net/url: invalid control character in URL")
    if not text and is_request:
        raise _wrong(whole, "empty url")
    if text == "*":
        return Url(escaped_path="*")
    if text.startswith(":"):
        raise _wrong(whole, "missing protocol scheme")
    found = _SCHEME.match(text)
    scheme = found[1].lower() if found else ""
    rest, _, query = text[found.end() if found else 0 :].partition("?")
    if not rest.startswith("/"):
        if scheme:
            return Url(scheme, opaque=rest, query=query)
        if is_request:
            raise _wrong(whole, "invalid URI for request")
        if ":" in rest.partition("/")[0]:
            raise _wrong(whole, "first path segment in URL cannot contain colon")
    user, host = None, ""
    if rest.startswith("//") and (scheme or not (is_request or rest.startswith("///"))):
        authority, slash, path = rest[2:].partition("/")
        rest = slash + path
        user, host = _authority(authority, whole)
    _unescaped(rest, whole)
    return Url(scheme, "", user, host, quote(rest, _IN_PATH), query)


def _authority(authority: str, whole: str) -> tuple[str | None, str]:
    user, at, host = authority.rpartition("@")
    host = _host(host, whole)
    if not at:
        return None, host
    if not set(user) <= _IN_USER:
        raise _wrong(whole, "net/url: invalid userinfo")
    parts = [quote(_unescaped(each, whole), "$&+,;=") for each in user.split(":", 1)]
    return ":".join(parts), host


def _host(host: str, whole: str) -> str:
    opening = host.rfind("[")
    if opening > 0:
        raise _wrong(whole, "invalid IP-literal")
    if opening == 0:
        return _literal(host, whole)
    _check_port(host[host.rfind(":") :] if ":" in host else "", whole)
    return _unescaped(host, whole, _IN_HOST)


def _literal(host: str, whole: str) -> str:
    """An IPv6 address in brackets."""
    inner, bracket, port = host[1:].rpartition("]")
    if not bracket:
        raise _wrong(whole, "missing ']' in host")
    _check_port(port, whole)
    address, percent, zone = inner.partition("%25")
    text = _unescaped(address, whole, _IN_HOST) + (f"%{unquote(zone)}" if percent else "")
    try:
        ip = ipaddress.ip_address(text)
    except ValueError:
        raise _wrong(whole, f"invalid host: ParseAddr({_quoted(text)}): unable to parse IP") from None
    if ip.version == 4:
        raise _wrong(whole, "invalid IP-literal")
    return f"[{text}]{port}"


def _check_port(text: str, whole: str) -> None:
    if not _PORT.fullmatch(text):
        raise _wrong(whole, f"invalid port {_quoted(text)} after host")


def _unescaped(text: str, whole: str, allowed: Container[str] | None = None) -> str:
    """`allowed` are the characters of ASCII that may be there; of a host, which may not escape others."""
    for position, character in enumerate(text):
        if character == "%":
            found = _ESCAPE.match(text, position)
            assert found is not None, "the pattern takes any percent sign"
            is_ascii = found[1] is not None and int(found[1], 16) < 0x80 and found[1] != "25"
            if found[1] is None or (allowed is not None and is_ascii):
                raise _wrong(whole, f"invalid URL escape {_quoted(text[position : position + 3])}")
        elif allowed is not None and character < "\x80" and character not in allowed:
            raise _wrong(whole, f"invalid character {_quoted(character)} in host name")
    return unquote(text)


def _wrong(whole: str, why: str) -> ValueError:
    return ValueError(f"parse {_quoted(whole)}: {why}")


def _quoted(text: str) -> str:
    """Go's `%q`: it writes control characters in its own way."""
    return re.sub(r"\\u00([0-9a-f]{2})", r"\\x\1", json.dumps(text, ensure_ascii=False)).replace(
        "\x7f", r"\x7f"
    )
