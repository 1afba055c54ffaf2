"""What is told of addresses that are written oddly: one row a text of upstream's."""

from __future__ import annotations

import pytest

from apiserver.registry.strategies.warnings.addresses import cidr_warnings, ip_warnings

FUTURE = "will be considered invalid in a future Kubernetes release: use"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("10.0.0.1", None),
        ("fe80::1", None),
        ("no address", None),
        ("", None),
        ("010.0.0.1", f'non-standard IP address "010.0.0.1" {FUTURE} "10.0.0.1"'),
        ("::ffff:1.2.3.4", f'non-standard IP address "::ffff:1.2.3.4" {FUTURE} "1.2.3.4"'),
        ("FE80:0::1", 'IPv6 address "FE80:0::1" should be in RFC 5952 canonical format ("fe80::1")'),
    ],
)
def test_odd_addresses(value: str, text: str | None) -> None:
    assert list(ip_warnings("at", value)) == ([f"at: {text}"] if text else [])


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("10.0.0.0/8", []),
        ("fd00::/8", []),
        ("10.0.0.0/33", []),
        ("10.0.0.0", []),
        (
            "10.0.0.1/8",
            ['CIDR value {} is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)'],
        ),
        ("10.0.0.0/08", [f'non-standard CIDR value {{}} {FUTURE} "10.0.0.0/8"']),
        ("::ffff:1.2.3.0/120", [f'non-standard CIDR value {{}} {FUTURE} "1.2.3.0/24"']),
        ("FD00::/8", ['IPv6 CIDR value {} should be in RFC 5952 canonical format ("fd00::/8")']),
        (
            "010.0.0.1/8",
            [
                'CIDR value {} is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)',
                f'non-standard CIDR value {{}} {FUTURE} "10.0.0.0/8"',
            ],
        ),
    ],
)
def test_odd_cidrs(value: str, texts: list[str]) -> None:
    assert list(cidr_warnings("at", value)) == [f"at: {text}".format(f'"{value}"') for text in texts]
