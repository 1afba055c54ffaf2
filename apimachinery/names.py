"""Which names, keys and addresses are legal: each check returns upstream's messages, none if all is well."""

from __future__ import annotations

import ipaddress
import re

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_LABEL_MESSAGE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
    "and must start and end with an alphanumeric character"
)
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_SUBDOMAIN_MESSAGE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character"
)
_DNS1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_DNS1035_MESSAGE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', "
    "start with an alphabetic character, and end with an alphanumeric character"
)
_WILDCARD = rf"\*\.{_SUBDOMAIN}"
_WILDCARD_MESSAGE = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must "
    "consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character"
)
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_QUALIFIED_MESSAGE = (
    "must consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character"
)
_LABEL_VALUE = f"({_QUALIFIED})?"
_LABEL_VALUE_MESSAGE = f"a valid label must be an empty string or {_QUALIFIED_MESSAGE.removeprefix('must ')}"
_CONFIG_KEY = "[-._a-zA-Z0-9]+"
_CONFIG_KEY_MESSAGE = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
_HEADER = "[-A-Za-z0-9]+"
_HEADER_MESSAGE = "a valid HTTP header must consist of alphanumeric characters or '-'"
_PERCENT = "[0-9]+%"
_PERCENT_MESSAGE = "a valid percent string must be a numeric string followed by an ending '%'"
_ENV_NAME_MESSAGE = (
    "a valid environment variable name must consist only of printable ASCII characters other than '='"
)

_label = re.compile(_LABEL).fullmatch
_subdomain = re.compile(_SUBDOMAIN).fullmatch
_dns1035 = re.compile(_DNS1035).fullmatch
_wildcard = re.compile(_WILDCARD).fullmatch
_qualified = re.compile(_QUALIFIED).fullmatch
_label_value = re.compile(_LABEL_VALUE).fullmatch
_config_key = re.compile(_CONFIG_KEY).fullmatch
_header = re.compile(_HEADER).fullmatch
_percent = re.compile(_PERCENT).fullmatch
_env_name = re.compile(r"[ -<>-~]+").fullmatch

MUST_BE_NON_EMPTY = "must be non-empty"
CIDR_MESSAGE = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
IP_MESSAGE = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"


def regex_message(message: str, pattern: str, *examples: str) -> str:
    """Upstream's way to say that a value does not match."""
    quoted = " or ".join(f"'{example}', " for example in examples)
    shown = f"e.g. {quoted}" if examples else ""
    return f"{message} ({shown}regex used for validation is '{pattern}')"


def max_length_message(length: int) -> str:
    return f"must be no more than {length} characters"


def range_message(low: int, high: int) -> str:
    return f"must be between {low} and {high}, inclusive"


def _too_long(value: str, limit: int) -> list[str]:
    return [max_length_message(limit)] if len(value.encode()) > limit else []


def is_dns1123_label(value: str) -> list[str]:
    errors = _too_long(value, 63)
    if not _label(value):
        dots = "must not contain dots"
        explained = regex_message(_LABEL_MESSAGE, _LABEL, "my-name", "123-abc")
        errors.append(dots if _subdomain(value) else explained)
    return errors


def is_dns1123_subdomain(value: str) -> list[str]:
    errors = _too_long(value, 253)
    if not _subdomain(value):
        errors.append(regex_message(_SUBDOMAIN_MESSAGE, _SUBDOMAIN, "example.com"))
    return errors


def is_dns1035_label(value: str) -> list[str]:
    errors = _too_long(value, 63)
    if not _dns1035(value):
        errors.append(regex_message(_DNS1035_MESSAGE, _DNS1035, "my-name", "abc-123"))
    return errors


def is_wildcard_dns1123_subdomain(value: str) -> list[str]:
    errors = _too_long(value, 253)
    if not _wildcard(value):
        errors.append(regex_message(_WILDCARD_MESSAGE, _WILDCARD, "*.example.com"))
    return errors


def is_qualified_name(value: str) -> list[str]:
    """A label or annotation key: a name with an optional DNS prefix."""
    prefix, slash, name = value.rpartition("/")
    if "/" in prefix:
        wrong = regex_message(_QUALIFIED_MESSAGE, _QUALIFIED, "MyName", "my.name", "123-abc")
        prefixed = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return [f"a qualified name {wrong} {prefixed}"]
    errors: list[str] = []
    if slash:
        found = is_dns1123_subdomain(prefix) if prefix else [MUST_BE_NON_EMPTY]
        errors = [f"prefix part {message}" for message in found]
    if not name:
        errors.append(f"name part {MUST_BE_NON_EMPTY}")
    errors += [f"name part {message}" for message in _too_long(name, 63)]
    if not _qualified(name):
        errors.append(
            f"name part {regex_message(_QUALIFIED_MESSAGE, _QUALIFIED, 'MyName', 'my.name', '123-abc')}"
        )
    return errors


def is_label_value(value: str) -> list[str]:
    errors = _too_long(value, 63)
    if not _label_value(value):
        errors.append(regex_message(_LABEL_VALUE_MESSAGE, _LABEL_VALUE, "MyValue", "my_value", "12345"))
    return errors


def is_path_segment(name: str) -> list[str]:
    """RBAC's names are any that can stand in a URL path."""
    if name in (".", ".."):
        return [f"may not be '{name}'"]
    return [f"may not contain '{sign}'" for sign in ("/", "%") if sign in name]


def is_config_map_key(value: str) -> list[str]:
    errors = _too_long(value, 253)
    if not _config_key(value):
        errors.append(regex_message(_CONFIG_KEY_MESSAGE, _CONFIG_KEY, "key.name", "KEY_NAME", "key-name"))
    return errors + _change_of_directory(value)


def _change_of_directory(value: str) -> list[str]:
    if value in (".", ".."):
        return [f"must not be '{value}'"]
    return ["must not start with '..'"] if value.startswith("..") else []


def is_env_var_name(value: str) -> list[str]:
    """Anything printable but `=`, as since 1.34."""
    if not value:
        return [f"environment variable name {MUST_BE_NON_EMPTY}"]
    return [] if _env_name(value) else [_ENV_NAME_MESSAGE]


def is_http_header_name(value: str) -> list[str]:
    return [] if _header(value) else [regex_message(_HEADER_MESSAGE, _HEADER, "X-Header-Name")]


def is_valid_percent(value: str) -> list[str]:
    return [] if _percent(value) else [regex_message(_PERCENT_MESSAGE, _PERCENT, "1%", "93%")]


def is_valid_port_num(port: int) -> list[str]:
    return is_in_range(port, 1, 65535)


def is_in_range(value: int, low: int, high: int) -> list[str]:
    return [] if low <= value <= high else [range_message(low, high)]


def is_port_name(value: str) -> list[str]:
    """An IANA service name: what a container's port may be called."""
    errors = _too_long(value, 15)
    if not re.fullmatch("[-a-z0-9]+", value):
        errors.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", value):
        errors.append("must contain at least one letter (a-z)")
    if "--" in value:
        errors.append("must not contain consecutive hyphens")
    if value.startswith("-") or value.endswith("-"):
        errors.append("must not begin or end with a hyphen")
    return errors


def is_valid_ip(value: str) -> list[str]:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return [IP_MESSAGE]
    return [IP_MESSAGE] if "%" in value else []


def is_valid_cidr(value: str) -> list[str]:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return [CIDR_MESSAGE]
    _, slash, length = value.partition("/")
    return [] if slash and length.isdigit() else [CIDR_MESSAGE]
