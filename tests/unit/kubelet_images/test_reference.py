"""Image references: the grammar, the defaults and the short form."""

from __future__ import annotations

import pytest

from kubelet.images.reference import InvalidReferenceError, canonical, parse_reference

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("written", "expected", "familiar"),
    [
        ("busybox", "docker.io/library/busybox:latest", "busybox"),
        ("busybox:local", "docker.io/library/busybox:local", "busybox"),
        ("docker.io/library/busybox:1", "docker.io/library/busybox:1", "busybox"),
        ("index.docker.io/busybox", "docker.io/library/busybox:latest", "busybox"),
        ("grafana/grafana:9", "docker.io/grafana/grafana:9", "grafana/grafana"),
        ("localhost/x", "localhost/x:latest", "localhost/x"),
        ("127.0.0.1:5000/a/b:c", "127.0.0.1:5000/a/b:c", "127.0.0.1:5000/a/b"),
        ("[::1]:5000/a", "[::1]:5000/a:latest", "[::1]:5000/a"),
        ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10", "registry.k8s.io/pause"),
        (f"busybox@{DIGEST}", f"docker.io/library/busybox@{DIGEST}", "busybox"),
        (f"busybox:1@{DIGEST}", f"docker.io/library/busybox:1@{DIGEST}", "busybox"),
        ("MyHost/app", "MyHost/app:latest", "MyHost/app"),
    ],
)
def test_reference_is_normalised(written, expected, familiar):
    assert canonical(written) == expected
    assert parse_reference(written).familiar_name == familiar


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("", "invalid reference format"),
        ("!!", "invalid reference format"),
        ("a b", "invalid reference format"),
        ("busybox:", "invalid reference format"),
        ("UPPER", "invalid reference format: repository name (library/UPPER) must be lowercase"),
        (
            "docker.io/Upper:Tag",
            "invalid reference format: repository name (library/Upper) must be lowercase",
        ),
        ("Bad!!name", "invalid reference format: repository name (library/Bad!!name) must be lowercase"),
        ("x:" + "t" * 129, "invalid reference format"),
        ("a/" * 130 + "b", "repository name must not be more than 255 characters"),
        ("a" * 64, f"invalid repository name ({'a' * 64}), cannot specify 64-byte hexadecimal strings"),
    ],
    ids=lambda value: value[:20],
)
def test_what_is_no_reference_is_refused_in_dockers_words(written, message):
    with pytest.raises(InvalidReferenceError) as raised:
        parse_reference(written)
    assert str(raised.value) == message
