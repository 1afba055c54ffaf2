"""Which certificate is for whom, as Go's servers choose."""

from __future__ import annotations

import pytest

from component_base.named_pairs import NamedPair, Names, NameTable, parse_named_pair

ORDINARY = Names(common_name="kube-apiserver", dns=frozenset({"kubernetes.default"}))


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        pytest.param("a.crt,a.key", NamedPair("a.crt", "a.key"), id="without patterns"),
        pytest.param(" a.crt , a.key ", NamedPair("a.crt", "a.key"), id="blanks"),
        pytest.param(
            "a.crt,a.key:*.foo.com, foo.com", NamedPair("a.crt", "a.key", ("*.foo.com", "foo.com")), id="two"
        ),
        pytest.param("a.crt,a.key:::1", NamedPair("a.crt", "a.key", ("::1",)), id="an address of version 6"),
    ],
)
def test_what_is_said(text: str, pair: NamedPair) -> None:
    assert parse_named_pair(text) == (pair,)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a.crt", "expected comma separated certificate and key file paths"),
        ("a.crt,a.key,b.key", "expected comma separated certificate and key file paths"),
        ("a.crt,a.key:", "empty names list is not allowed"),
        ("a.crt,a.key: ", "empty names list is not allowed"),
    ],
)
def test_what_is_no_pair(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_named_pair(text)


def told(*patterns: str) -> Names:
    """A certificate whose own names do not count."""
    return Names(patterns, "unused.test", frozenset({"own.test"}))


def own(*dns: str, common_name: str = "") -> Names:
    return Names(common_name=common_name, dns=frozenset(dns))


@pytest.mark.parametrize(
    ("named", "host", "place"),
    [
        pytest.param([told("a.test")], "a.test", 1, id="the very name"),
        pytest.param([told("a.test")], "A.test", 1, id="whatever the letters"),
        pytest.param([told("a.test")], "b.test", 0, id="another name"),
        pytest.param([told("*.a.test")], "x.a.test", 1, id="a wildcard"),
        pytest.param([told("*.a.test")], "x.y.a.test", 0, id="a wildcard is one label"),
        pytest.param([told("*.a.test")], "a.test", 0, id="a wildcard is not nothing"),
        pytest.param([told("*")], "short", 1, id="any single label"),
        pytest.param([told("*.a.test"), told("x.a.test")], "x.a.test", 2, id="a name before a wildcard"),
        pytest.param([own("x.test"), told("x.test")], "x.test", 2, id="what is told before what is read"),
        pytest.param([told("x.test"), told("x.test")], "x.test", 1, id="the first of two that are told"),
        pytest.param([own("x.test"), own("x.test")], "x.test", 1, id="the first of two that are read"),
        pytest.param([own(common_name="x.test")], "x.test", 1, id="a common name"),
        pytest.param([own(common_name="*.x.test")], "a.x.test", 1, id="a common name with a wildcard"),
        pytest.param([own(common_name="no name")], "no name", 0, id="a common name that is no domain"),
        pytest.param([own(common_name="127.0.0.1")], "127.0.0.1", 0, id="a common name that is an address"),
        pytest.param([told("a.test")], "own.test", 1, id="nobody is told for it, but one would do"),
        pytest.param(
            [Names(("a.test",), "", frozenset({"kubernetes.default"}))], "kubernetes.default", 0,
            id="of those that would do the ordinary one is the first",
        ),
        pytest.param([own("kubernetes.default")], "kubernetes.default", 1, id="named before ordinary"),
    ],
)  # fmt: skip
def test_who_is_asked_for(named: list[Names], host: str, place: int) -> None:
    assert NameTable(ORDINARY, named).of_host(host) == place


@pytest.mark.parametrize(
    ("address", "place"), [("192.0.2.1", 1), ("192.0.2.2", 0), ("", 0)], ids=["told", "not told", "unknown"]
)
def test_who_names_nobody_is_known_by_the_address(address: str, place: int) -> None:
    assert NameTable(ORDINARY, [told("192.0.2.1")]).of_address(address) == place
