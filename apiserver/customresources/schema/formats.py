"""The string formats that schemas of custom resources may name; other formats are not looked at.

Source: pkg/apiserver/validation/formats.go of k8s.io/apiextensions-apiserver, and kube-openapi's strfmt.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Iterator
from datetime import date
from email.utils import parseaddr

from apimachinery import names
from apimachinery.objects import Object
from apimachinery.times import parse_time
from apimachinery.urls import parse_request_uri
from apiserver.customresources.schema.structure import subschemas

_Check = Callable[[str], bool]


def checker_of(name: str) -> _Check | None:
    """The check of a format; None for formats that are not known."""
    return _CHECKS.get(name.replace("-", ""))


def _matching(pattern: str) -> _Check:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None


def _parses(parse: Callable[[str], object]) -> _Check:
    def check(text: str) -> bool:
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return check


def _is_uri(text: str) -> bool:
    """As Go's url.ParseRequestURI: an absolute URI or an absolute path."""
    try:
        parse_request_uri(text)
    except ValueError:
        return False
    return True


def _is_email(text: str) -> bool:
    address = parseaddr(text)[1]
    local, _, domain = address.rpartition("@")
    return bool(local and domain) and " " not in address


def _is_cidr(text: str) -> bool:
    return "/" in text and _parses(lambda each: ipaddress.ip_network(each, strict=False))(text)


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


_NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)"
_GO_DURATION = re.compile(rf"[+-]?(?:0|(?:{_NUMBER}(?:ns|us|µs|μs|ms|s|m|h))+)")
_WORDY_DURATION = re.compile(
    r"(\d+)\s*(ns|nano|nanos|nanosecond|nanoseconds|us|µs|micro|micros|microsecond|microseconds|ms|milli|millis"
    r"|millisecond|milliseconds|s|sec|secs|second|seconds|m|min|mins|minute|minutes|h|hr|hrs|hour|hours"
    r"|d|day|days|w|wk|wks|week|weeks)"
)


def is_duration(text: str) -> bool:
    """As Go writes durations, or with units as words."""
    return bool(_GO_DURATION.fullmatch(text) or _WORDY_DURATION.fullmatch(text))


def _has_valid_checksum(digits: str) -> bool:
    """Luhn's, of credit cards."""
    total = 0
    for index, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + index % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


_CARD = re.compile(
    r"4\d{12}(?:\d{3})?|5[1-5]\d{14}|6(?:011|5\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}"
    r"|(?:2131|1800|35\d{3})\d{11}"
)


def _is_credit_card(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    return _CARD.fullmatch(digits) is not None and _has_valid_checksum(digits)


def _is_isbn10(text: str) -> bool:
    digits = re.sub(r"[\s-]", "", text)
    if not re.fullmatch(r"\d{9}[\dX]", digits):
        return False
    return sum((10 - at) * (10 if each == "X" else int(each)) for at, each in enumerate(digits)) % 11 == 0


def _is_isbn13(text: str) -> bool:
    digits = re.sub(r"[\s-]", "", text)
    if not re.fullmatch(r"\d{13}", digits):
        return False
    return sum(int(each) * (3 if at % 2 else 1) for at, each in enumerate(digits)) % 10 == 0


_HEX = "[0-9a-fA-F]"


def _uuid(version: str, variant: str = _HEX) -> _Check:
    """The third and the fourth group tell how it was made."""
    groups = (
        f"{_HEX}{{8}}",
        f"{_HEX}{{4}}",
        f"{version}{_HEX}{{3}}",
        f"{variant}{_HEX}{{3}}",
        f"{_HEX}{{12}}",
    )
    return _matching("-?".join(groups))


_BYTE = r"(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])"
_HOST_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9_-]{0,61}[a-zA-Z0-9])?"

_CHECKS: dict[str, _Check] = {
    "bsonobjectid": _matching(rf"{_HEX}{{24}}"),
    "uri": _is_uri,
    "email": _is_email,
    "hostname": lambda text: (
        len(text) <= 255 and re.fullmatch(rf"{_HOST_LABEL}(?:\.{_HOST_LABEL})*\.?", text) is not None
    ),
    "ipv4": _parses(ipaddress.IPv4Address),
    "ipv6": _parses(ipaddress.IPv6Address),
    "cidr": _is_cidr,
    "mac": _matching(
        rf"{_HEX}{{2}}(?P<s>[:-]){_HEX}{{2}}(?:(?P=s){_HEX}{{2}}){{4}}(?:(?:(?P=s){_HEX}{{2}}){{2}})?"
        rf"|{_HEX}{{4}}(?:\.{_HEX}{{4}}){{2,3}}"
    ),
    "uuid": _uuid(_HEX),
    "uuid3": _uuid("3"),
    "uuid4": _uuid("4", "[89abAB]"),
    "uuid5": _uuid("5", "[89abAB]"),
    "isbn": lambda text: _is_isbn10(text) or _is_isbn13(text),
    "isbn10": _is_isbn10,
    "isbn13": _is_isbn13,
    "creditcard": _is_credit_card,
    "ssn": _matching(r"\d{3}[- ]?\d{2}[- ]?\d{4}"),
    "hexcolor": _matching(rf"#?(?:{_HEX}{{3}}|{_HEX}{{6}})"),
    "rgbcolor": _matching(rf"rgb\(\s*{_BYTE}\s*,\s*{_BYTE}\s*,\s*{_BYTE}\s*\)"),
    "byte": _is_base64,
    "password": lambda text: True,
    "date": lambda text: len(text) == 10 and _parses(date.fromisoformat)(text),
    "duration": is_duration,
    "datetime": _parses(parse_time),
    "k8sshortname": lambda text: not names.is_dns1123_label(text),
    "k8slongname": lambda text: not names.is_dns1123_subdomain(text),
}


def unknown_formats(schema: Object) -> Iterator[str]:
    """What a schema calls a string's format and nobody knows: nothing is checked there."""
    if schema.get("type") == "string" and schema.get("format") and checker_of(schema["format"]) is None:
        yield schema["format"]
    for each in subschemas(schema):
        yield from unknown_formats(each)
