"""How the values of flags are read, as pflag reads them. Each reader raises ValueError in Go's words."""

from __future__ import annotations

import csv
from ipaddress import IPv4Network, ip_address


def parse_bool(text: str) -> bool:
    """As Go reads one."""
    if text in ("true", "True", "TRUE", "1", "t", "T"):
        return True
    if text in ("false", "False", "FALSE", "0", "f", "F"):
        return False
    raise _no_syntax("Bool", text)


def parse_int(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise _no_syntax("Int", text) from None


def parse_uint(text: str) -> int:
    """One of 31 bits, as verbosities are."""
    if not (text.isascii() and text.isdigit()):
        raise _no_syntax("Uint", text)
    if (value := int(text)) >= 1 << 31:
        raise ValueError(f'strconv.ParseUint: parsing "{text}": value out of range')
    return value


def parse_float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _no_syntax("Float", text) from None


def parse_ip(text: str) -> str:
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        raise ValueError(f'failed to parse IP: "{text}"') from None


def parse_port_range(text: str) -> str:
    """Of `first-last`, `first+offset` or a single port; as `first-last`."""
    text = text.strip()
    if "-" in text and "+" in text:
        raise ValueError(f"unable to parse port range: {text}")
    first, sign, rest = text.partition("-" if "-" in text else "+")
    low = _port(first)
    high = low if not sign else _port(rest) + (low if sign == "+" else 0)
    if max(low, high) > 65535:
        raise ValueError(f"the port range cannot be greater than 65535: {text}")
    if high < low:
        raise ValueError(f"end port cannot be less than start port: {text}")
    return f"{low}-{high}"


def _port(text: str) -> int:
    if text.isascii() and text.isdigit():
        return int(text)
    raise ValueError(f'strconv.Atoi: parsing "{text}": invalid syntax')


def _no_syntax(kind: str, text: str) -> ValueError:
    return ValueError(f'strconv.Parse{kind}: parsing "{text}": invalid syntax')


def parse_list(text: str) -> tuple[str, ...]:
    """Of `value,value`."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def parse_ipv4_cidrs(text: str) -> tuple[str, ...]:
    """For a flag that takes some."""
    try:
        return tuple(str(IPv4Network(each)) for each in parse_list(text))
    except ValueError as error:
        raise ValueError(f"invalid CIDR address: {error}") from None


def parse_map(text: str) -> dict[str, str]:
    """Of `key=value,key=value`."""
    pairs = [part.partition("=") for part in parse_list(text)]
    return {key.strip(): value.strip() for key, _, value in pairs}


def parse_quoted_map(text: str) -> dict[str, str]:
    """Of `key=value`, whatever else is in it, or of several as a line of CSV has them."""
    pairs = next(csv.reader([text])) if text.count("=") > 1 else [text.strip('"')]
    for each in pairs:
        if "=" not in each:
            raise ValueError(f"{each} must be formatted as key=value")
    return {key: value for key, _, value in (each.partition("=") for each in pairs)}


def parse_vmodule(text: str) -> tuple[tuple[str, int], ...]:
    """Of `pattern=N,pattern=N`."""
    found = []
    for item in filter(None, text.split(",")):
        pattern, _, number = item.partition("=")
        if not pattern or not number or "=" in number:
            raise ValueError(f'"{item}" does not have the pattern=N format')
        try:
            found.append((pattern, parse_uint(number)))
        except ValueError as error:
            raise ValueError(f'parsing verbosity in "{item}": {error}') from None
    return tuple(found)
