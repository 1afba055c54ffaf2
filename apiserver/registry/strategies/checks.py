"""Checks of single values that many kinds share, in upstream's words: each yields what is wrong with it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, TypeVar

from apimachinery import names
from apimachinery.field import Errors, Path, forbidden, invalid, not_supported, required
from apimachinery.metadata import IMMUTABLE
from apimachinery.objects import Object
from apimachinery.quantity import Quantity, parse_quantity

Checked = TypeVar("Checked")
Listed = TypeVar("Listed", bound=Hashable)

NEGATIVE = "must be greater than or equal to 0"
NOT_POSITIVE = "must be greater than zero"
MAX_INT32 = 2**31 - 1


def matches(value: Checked, path: Path, check: Callable[[Checked], list[str]]) -> Errors:
    """One error for each complaint of `check` (see apimachinery.names)."""
    return (invalid(path, value, message) for message in check(value))


def required_match(value: str | None, path: Path, check: Callable[[str], list[str]]) -> Errors:
    """As matches, for a value that must be there."""
    if not value:
        yield required(path)
    else:
        yield from matches(value, path, check)


def dns_label(value: str, path: Path) -> Errors:
    return matches(value, path, names.is_dns1123_label)


def dns_subdomain(value: str, path: Path) -> Errors:
    return matches(value, path, names.is_dns1123_subdomain)


def qualified_name(value: str, path: Path) -> Errors:
    return matches(value, path, names.is_qualified_name)


_HTTP_PATH = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"


def domain_prefixed_path(value: str, path: Path) -> Errors:
    """`example.com/what/ever`."""
    host, _, rest = value.partition("/")
    if not value:
        yield required(path)
    elif not host or not rest:
        yield invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")')
    else:
        yield from dns_subdomain(host, path)
        if not re.fullmatch(_HTTP_PATH, rest):
            yield invalid(path, rest, names.regex_message("Invalid path", _HTTP_PATH))


def present(obj: Mapping[str, Any], path: Path, *fields: str) -> Errors:
    """Each of these text fields of `obj` must be there and not empty."""
    return (required(path.child(field)) for field in fields if not obj.get(field))


def one_of(value: Any, path: Path, allowed: Sequence[str], *, optional: bool = False) -> Errors:
    """`value` must be in `allowed`; nothing at all is Required, or fine when optional."""
    if value is None or value == "":
        if not optional:
            yield required(path)
    elif value not in allowed:
        yield not_supported(path, value, allowed)


def non_negative(value: int | None, path: Path) -> Errors:
    if value is not None and value < 0:
        yield invalid(path, value, NEGATIVE)


def between(value: int | None, path: Path, low: int, high: int) -> Errors:
    if value is not None and not low <= value <= high:
        yield invalid(path, value, names.range_message(low, high))


def non_negative_fields(obj: Mapping[str, Any], path: Path, *fields: str) -> Errors:
    for field in fields:
        yield from non_negative(obj.get(field), path.child(field))


def port_number(value: int | None, path: Path) -> Errors:
    return matches(value or 0, path, names.is_valid_port_num)


def port_number_or_name(value: int | str | None, path: Path) -> Errors:
    if isinstance(value, str):
        return matches(value, path, names.is_port_name)
    return port_number(value, path)


def valid_ip(value: str, path: Path) -> Errors:
    return matches(value, path, names.is_valid_ip)


def valid_cidr(value: str, path: Path) -> Errors:
    return matches(value, path, names.is_valid_cidr)


def non_special_ip(value: str, path: Path) -> Errors:
    """Refuses addresses that no endpoint can have (upstream: ValidateNonSpecialIP)."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        yield invalid(path, value, "must be a valid IP address")
        return
    if address.is_unspecified:
        yield invalid(path, value, f"may not be unspecified ({value})")
    if address.is_loopback:
        yield invalid(path, value, "may not be in the loopback range (127.0.0.0/8, ::1/128)")
    if address.is_link_local:
        yield invalid(path, value, "may not be in the link-local range (169.254.0.0/16, fe80::/10)")
    if address in _LINK_LOCAL_MULTICAST[address.version]:
        yield invalid(path, value, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")


_LINK_LOCAL_MULTICAST: dict[int, ipaddress.IPv4Network | ipaddress.IPv6Network] = {
    4: ipaddress.ip_network("224.0.0.0/24"),
    6: ipaddress.ip_network("ff02::/16"),
}


def enumerate_repeats(values: Iterable[Listed]) -> Iterator[tuple[int, Listed, bool]]:
    """Each value with its index, and whether it was there before. There may be very many values."""
    seen: set[Listed] = set()
    for index, value in enumerate(values):
        yield index, value, value in seen
        seen.add(value)


def immutable(new: Any, old: Any, path: Path) -> Errors:
    """Empty and absent are the same, as in Go's semantic comparison."""
    if not same(new, old):
        yield invalid(path, new, IMMUTABLE)


def same(left: Any, right: Any) -> bool:
    """Equality in which null, "", 0, false, {} and [] all mean "not set", at any depth of maps."""
    return _alike(left, right, is_empty)


def exactly(left: Any, right: Any) -> bool:
    """Equality in which null, {} and [] mean "not set", at any depth, but 0, false and "" something."""
    return _alike(left, right, lambda value: value in (None, {}, []))


def _alike(left: Any, right: Any, is_unset: Callable[[Any], bool]) -> bool:
    if left == right:
        return True
    if isinstance(left, dict) and isinstance(right, dict):
        return all(_alike(left.get(key), right.get(key), is_unset) for key in left.keys() | right.keys())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_alike, left, right, repeat(is_unset)))
    return is_unset(left) and is_unset(right)


def is_empty(value: Any) -> bool:
    """Whether a value says nothing: absent, zero, or a map of nothing but such values."""
    if isinstance(value, dict):
        return all(is_empty(each) for each in value.values())
    return not value


def quantity_of(value: Any) -> Quantity:
    return parse_quantity(value)


def non_negative_quantity(value: Quantity, path: Path) -> Errors:
    if value < Quantity.parse(0):
        yield invalid(path, str(value), NEGATIVE)


def positive_quantity(value: Quantity, path: Path) -> Errors:
    if value <= Quantity.parse(0):
        yield invalid(path, str(value), NOT_POSITIVE)


def only_type(
    source: Object, path: Path, types: Mapping[str, Callable[[Object, Path], Errors]], what: str
) -> Errors:
    """Exactly one of the keys of `types` must be in `source`; the first found is checked, others refused."""
    found = [name for name in types if source.get(name) is not None]
    for position, name in enumerate(found):
        if position:
            yield forbidden(path.child(name), f"may not specify more than 1 {what} type")
        else:
            yield from types[name](source[name], path.child(name))
    if not found:
        yield required(path, f"must specify a {what} type")
