"""Which requests a proxy lets through, and what becomes of their paths."""

from pathlib import Path

import pytest

from kubectl.apiproxy import requests
from kubectl.apiproxy.files import listing
from kubectl.apiproxy.requests import Filter, api_path, patterns, without_port
from kubectl.failures import PlainError

DEFAULTS = Filter(
    patterns(requests.ACCEPT_HOSTS),
    patterns(requests.ACCEPT_PATHS),
    patterns(requests.REJECT_PATHS),
    patterns(requests.REJECT_METHODS),
)


@pytest.mark.parametrize(
    ("method", "path", "host", "accepted"),
    [
        ("GET", "/api/v1/pods", "localhost:8001", True),
        ("GET", "/api/v1/pods", "127.0.0.1", True),
        ("GET", "/api/v1/pods", "localhost.evil.example", False),
        ("POST", "/api/v1/namespaces/default/pods/a/exec", "localhost", False),
        ("POST", "/api/v1/namespaces/default/pods/a/attach", "localhost", False),
        ("GET", "/api/v1/namespaces/default/pods/a/log", "localhost", True),
        ("DELETE", "/api/v1/namespaces/default", "localhost", True),
    ],
)
def test_by_default_only_this_machine_is_served_and_nothing_is_run(
    method: str, path: str, host: str, accepted: bool
) -> None:
    assert DEFAULTS.accepts(method, path, host) is accepted


def test_what_is_rejected_stays_so_whatever_accepts_it() -> None:
    chosen = DEFAULTS._replace(reject_methods=patterns("POST,PUT"), accept_hosts=patterns(".*"))
    assert [chosen.accepts(method, "/x", "h") for method in ("GET", "PUT", "POST")] == [True, False, False]


def test_an_expression_that_is_none_is_refused() -> None:
    with pytest.raises(PlainError, match="Error compiling re"):
        patterns("a,(")


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("localhost:80", "localhost"),
        ("localhost", "localhost"),
        ("[::1]:80", "::1"),
        ("[::1]", "[::1]"),
        ("::1", "::1"),
    ],
)
def test_a_host_loses_its_port(header: str, host: str) -> None:
    assert without_port(header) == host


@pytest.mark.parametrize(
    ("path", "prefix", "asked"),
    [
        ("/api/v1", "/", "/api/v1"),
        ("/custom/api/v1", "/custom/", "/api/v1"),
        ("/custom/", "/custom/", "/"),
        ("/api/v1", "/api/", "/api/v1"),
    ],
)
def test_a_prefix_is_taken_off_unless_it_is_the_apis_own(path: str, prefix: str, asked: str) -> None:
    assert api_path(path, prefix) == asked


@pytest.mark.parametrize(
    ("path", "cleaned"),
    [
        ("//custom/healthz", "/custom/healthz"),
        ("/api//v1/./x/../pods/", "/api/v1/pods/"),
        ("/../api", "/api"),
        ("/", "/"),
        ("//", "/"),
    ],
)
def test_paths_are_cleaned_as_gos_are(path: str, cleaned: str) -> None:
    assert requests.clean(path) == cleaned


def test_a_listing_escapes_names(tmp_path: Path) -> None:
    (tmp_path / "b<a").write_text("")
    (tmp_path / "a b").mkdir()
    lines = listing(tmp_path).splitlines()
    assert lines[3:-1] == ['<a href="a%20b/">a b/</a>', '<a href="b%3Ca">b&lt;a</a>']
