"""Which credentials out of which secrets are tried for an image."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from kubelet.images.credentials import credentials_for, matches, parse_secret
from kubelet.runtime.interface import PullCredentials


def encode(value: Any) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def config_json(**auths: Any) -> dict[str, Any]:
    return {"data": {".dockerconfigjson": encode({"auths": auths})}}


def auth(username: str, password: str) -> str:
    return base64.b64encode(f"{username}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("pattern", "image", "expected"),
    [
        ("index.docker.io", "busybox", True),
        ("docker.io", "grafana/grafana", True),
        ("index.docker.io", "reg.io/busybox", False),
        ("reg.io", "reg.io/a", True),
        ("reg.io", "other.io/a", False),
        ("reg.io:5000", "reg.io:5000/a", True),
        ("reg.io", "reg.io:5000/a", False),
        ("*.reg.io", "x.reg.io/a", True),
        ("*.reg.io", "reg.io/a", False),
        ("*.reg.io", "y.x.reg.io/a", False),
        ("*.*.reg.io", "y.x.reg.io/a", True),
        ("reg.io/team", "reg.io/team/app", True),
        ("reg.io/team", "reg.io/teamwork/app", False),
    ],
)
def test_registry_pattern_matches_an_image(pattern, image, expected):
    assert matches(pattern, image) is expected


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        pytest.param(
            config_json(**{"reg.io": {"auth": auth("me", "a:b")}}),
            [("reg.io", "me", "a:b")],
            id="auth, a colon in the password",
        ),
        pytest.param(
            config_json(**{"reg.io": {"username": "me", "password": "p"}}),
            [("reg.io", "me", "p")],
            id="user and password",
        ),
        pytest.param(
            config_json(**{"https://index.docker.io/v1/": {"auth": auth("hub", "p")}}),
            [("index.docker.io", "hub", "p")],
            id="as docker login writes the hub",
        ),
        pytest.param(
            {"data": {".dockercfg": encode({"reg.io": {"auth": auth("old", "p")}})}},
            [("reg.io", "old", "p")],
            id="the old form",
        ),
        pytest.param({"data": {".dockerconfigjson": "@@"}}, [], id="not base64"),
        pytest.param({"data": {".dockerconfigjson": encode([1])}}, [], id="not an object"),
        pytest.param(config_json(**{"reg.io": {"auth": "@@"}}), [], id="broken auth"),
        pytest.param({"data": {"password": "eA=="}}, [], id="another kind of secret"),
        pytest.param({}, [], id="empty secret"),
    ],
)
def test_secret_is_read(secret, expected):
    entries = parse_secret(secret)
    found = [(each.pattern, each.credentials.username, each.credentials.password) for each in entries]
    assert found == expected


def test_most_specific_entry_is_tried_first_and_each_once():
    general = config_json(**{"reg.io": {"auth": auth("a", "1")}})
    special = config_json(**{"reg.io/team": {"auth": auth("b", "2")}, "other.io": {"auth": auth("c", "3")}})
    found = credentials_for("reg.io/team/app:1", [general, special, general])
    assert found == [PullCredentials("b", "2", "reg.io/team"), PullCredentials("a", "1", "reg.io")]
