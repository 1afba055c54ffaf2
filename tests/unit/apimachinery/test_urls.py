"""URLs beside what Go's net/url says of them."""

from __future__ import annotations

import re

import pytest

from apimachinery.urls import Url, parse_request_uri, parse_url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://a/b?c#d", Url("https", host="a", escaped_path="/b", query="c", fragment="d")),
        ("HTTPS://A", Url("https", host="A")),
        ("https://[::1]:80/%41", Url("https", host="[::1]:80", escaped_path="/%41")),
        ("https://[fe80::1%25en0]/", Url("https", host="[fe80::1%en0]", escaped_path="/")),
        ("https://a:", Url("https", host="a:")),
        ("https://::", Url("https", host="::")),
        ("https://::1/", Url("https", host="::1", escaped_path="/")),
        ("https://a:80:80/", Url("https", host="a:80:80", escaped_path="/")),
        ("https:///x", Url("https", escaped_path="/x")),
        ("https:a?b", Url("https", opaque="a", query="b")),
        ("https://u:p@h", Url("https", user="u:p", host="h")),
        ("https://u@@h", Url("https", user="u%40", host="h")),
        ("https://@h", Url("https", user="", host="h")),
        ("https://é/ b", Url("https", host="é", escaped_path="/%20b")),
        ('https://a<"b]', Url("https", host='a<"b]')),
        ("https://a?%zz", Url("https", host="a", query="%zz")),
        ("//a/b", Url(host="a", escaped_path="/b")),
        ("///a", Url(escaped_path="///a")),
        ("a/b:c", Url(escaped_path="a/b:c")),
        ("*", Url(escaped_path="*")),
        ("", Url()),
    ],
)
def test_what_a_url_is_made_of(text: str, url: Url) -> None:
    assert parse_url(text) == url


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("://x", 'parse "://x": missing protocol scheme'),
        ("1a:b", 'parse "1a:b": first path segment in URL cannot contain colon'),
        ("https://[::1", "parse \"https://[::1\": missing ']' in host"),
        ("https://[::1]x", 'parse "https://[::1]x": invalid port "x" after host'),
        ("https://[1.2.3.4]/", 'parse "https://[1.2.3.4]/": invalid IP-literal'),
        ("https://[x]/", 'parse "https://[x]/": invalid host: ParseAddr("x"): unable to parse IP'),
        ("https://a[", 'parse "https://a[": invalid IP-literal'),
        ("https://a:b#c", 'parse "https://a:b": invalid port ":b" after host'),
        ("https://a b/", 'parse "https://a b/": invalid character " " in host name'),
        ("https://a\\b", 'parse "https://a\\\\b": invalid character "\\\\" in host name'),
        ("https://a%20b", 'parse "https://a%20b": invalid URL escape "%20"'),
        ("https://a/%zz", 'parse "https://a/%zz": invalid URL escape "%zz"'),
        ("https://a/%", 'parse "https://a/%": invalid URL escape "%"'),
        ("https://a#%zz", 'parse "https://a#%zz": invalid URL escape "%zz"'),
        ("https://u^@h", 'parse "https://u^@h": net/url: invalid userinfo'),
        ("https://a\x01", 'parse "https://a\\x01": net/url: invalid control character in URL'),
    ],
)
def test_what_is_no_url(text: str, error: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(error)}$"):
        parse_url(text)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", 'parse "": empty url'),
        ("a/b", 'parse "a/b": invalid URI for request'),
        ("https://a#b", 'parse "https://a#b": invalid character "#" in host name'),
    ],
)
def test_what_is_no_uri_of_a_request(text: str, error: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(error)}$"):
        parse_request_uri(text)


@pytest.mark.parametrize(
    ("text", "hostname", "port"),
    [
        ("https://a:80", "a", "80"),
        ("https://[::1]", "::1", ""),
        ("https://[::1]:8", "::1", "8"),
        ("https://a:", "a", ""),
    ],
)
def test_the_name_and_the_port_of_a_host(text: str, hostname: str, port: str) -> None:
    url = parse_url(text)
    assert (url.hostname, url.port) == (hostname, port)
