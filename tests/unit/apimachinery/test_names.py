"""Names, keys and addresses."""

from collections.abc import Callable

import pytest

from apimachinery import names

GOOD: list[tuple[Callable[[str], list[str]], str]] = [
    (names.is_dns1123_label, "a-1"), (names.is_dns1123_label, "1"), (names.is_dns1123_subdomain, "a.b-c.1"),
    (names.is_dns1035_label, "a1"), (names.is_qualified_name, "a/B_c.d"), (names.is_qualified_name, "x.y/1"),
    (names.is_label_value, ""), (names.is_label_value, "A_1.b"), (names.is_config_map_key, "..a"[2:]),
    (names.is_config_map_key, "A_b-c.d"), (names.is_env_var_name, "a b%"), (names.is_port_name, "http-1"),
    (names.is_valid_ip, "::1"), (names.is_valid_ip, "10.0.0.1"), (names.is_valid_cidr, "10.0.0.0/8"),
    (names.is_http_header_name, "X-A"), (names.is_wildcard_dns1123_subdomain, "*.a.b"),
    (names.is_valid_percent, "5%"),
]  # fmt: skip
BAD: list[tuple[Callable[[str], list[str]], str, str]] = [
    (names.is_dns1123_label, "A", "a lowercase RFC 1123 label"),
    (names.is_dns1123_label, "a.b", "must not contain dots"),
    (names.is_dns1123_label, "a" * 64, "must be no more than 63 characters"),
    (names.is_dns1123_label, "a\n", "a lowercase RFC 1123 label"),
    (names.is_dns1123_subdomain, "-a", "(e.g. 'example.com', regex used for validation is '"),
    (names.is_dns1035_label, "1a", "(e.g. 'my-name',  or 'abc-123', regex used for validation is"),
    (names.is_qualified_name, "a/b/c", "with an optional DNS subdomain prefix and '/'"),
    (names.is_qualified_name, "/a", "prefix part must be non-empty"),
    (names.is_qualified_name, "a/", "name part must be non-empty"),
    (names.is_label_value, "a b", "a valid label must be an empty string or consist of"),
    (names.is_config_map_key, "..", "must not be '..'"),
    (names.is_config_map_key, "..a", "must not start with '..'"),
    (names.is_env_var_name, "a=b", "printable ASCII characters other than '='"),
    (names.is_env_var_name, "", "environment variable name must be non-empty"),
    (names.is_port_name, "a--b", "must not contain consecutive hyphens"),
    (names.is_port_name, "80", "must contain at least one letter (a-z)"),
    (names.is_valid_ip, "10.0.0", "must be a valid IP address"),
    (names.is_valid_ip, "fe80::1%eth0", "must be a valid IP address"),
    (names.is_valid_cidr, "10.0.0.0", "must be a valid CIDR value"),
    (names.is_valid_cidr, "10.0.0.0/255.0.0.0", "must be a valid CIDR value"),
]


@pytest.mark.parametrize(("check", "value"), GOOD, ids=lambda value: getattr(value, "__name__", repr(value)))
def test_legal_values_have_no_errors(check: Callable[[str], list[str]], value: str) -> None:
    assert check(value) == []


@pytest.mark.parametrize(
    ("check", "value", "text"), BAD, ids=lambda value: getattr(value, "__name__", repr(value)[:20])
)
def test_illegal_values_are_explained(check: Callable[[str], list[str]], value: str, text: str) -> None:
    assert text in " ".join(check(value))


def test_ports_are_between_1_and_65535() -> None:
    assert names.is_valid_port_num(65535) == []
    assert names.is_valid_port_num(0) == ["must be between 1 and 65535, inclusive"]
