"""AuthenticationConfiguration: what a file or flags mean, and everything that is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from apiserver.auth.authentication_config import (
    Anonymous,
    AuthenticationConfiguration,
    Claim,
    JWTAuthenticator,
    configuration_of,
    parse,
)
from apiserver.auth.options import AuthOptions
from apiserver.config_files import ConfigError

ISSUER = {"url": "https://login.example.com", "audiences": ["sampan"]}
MAPPINGS = {"username": {"claim": "sub", "prefix": ""}}


def document(**fields: Any) -> bytes:
    head = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration"}
    return yaml.safe_dump({**head, **fields}).encode()


def jwt(issuer: dict[str, Any] | None = None, mappings: dict[str, Any] | None = None, **fields: Any) -> bytes:
    entry = {"issuer": {**ISSUER, **(issuer or {})}, "claimMappings": {**MAPPINGS, **(mappings or {})}}
    return document(jwt=[{**entry, **fields}])


def test_a_file_says_whose_tokens_are_known_and_where_nobody_may_ask() -> None:
    text = yaml.safe_load(
        jwt(
            {"audiences": ["a", "b"], "audienceMatchPolicy": "MatchAny"},
            {"groups": {"claim": "roles", "prefix": "x:"}, "uid": {"claim": "oid"}},
            claimValidationRules=[{"claim": "hd", "requiredValue": "y"}],
        )
    )
    text["anonymous"] = {"enabled": True, "conditions": [{"path": "/livez"}]}
    assert parse(yaml.safe_dump(text).encode(), (), Anonymous()) == AuthenticationConfiguration(
        (
            JWTAuthenticator(
                "https://login.example.com", ("a", "b"), Claim("sub"), Claim("roles", "x:"), Claim("oid"),
                {"hd": "y"},
            ),
        ),
        Anonymous(paths=frozenset(("/livez",))),
    )  # fmt: skip


def test_a_file_that_says_nothing_of_nobody_leaves_that_to_the_flag() -> None:
    assert parse(document(), (), Anonymous(enabled=False)).anonymous == Anonymous(enabled=False)


WRONG: dict[str, tuple[bytes, str]] = {
    "another kind": (b"kind: Pod", "expected AuthenticationConfiguration of apiserver.config.k8s.io/v1"),
    "nothing": (b"", "expected AuthenticationConfiguration of"),
    "no YAML": (b"a: [", "yaml"),
    "a field of nobody": (jwt({"color": "red"}), 'unknown field "jwt[0].issuer.color"'),
    "http": (jwt({"url": "http://x"}), "URL scheme must be https"),
    "no issuer": (jwt({"url": ""}), "jwt[0].issuer.url: Required value"),
    "our own issuer": (
        jwt({"url": "https://own"}),
        "must not overlap with disallowed issuers: [https://own]",
    ),
    "a password": (jwt({"url": "https://a:b@x"}), "URL must not contain a username or password"),
    "no audience": (jwt({"audiences": []}), "jwt[0].issuer.audiences: Required value"),
    "two audiences": (jwt({"audiences": ["a", "b"]}), "must be MatchAny for multiple audiences"),
    "no user name": (jwt(mappings={"username": {}}), "jwt[0].claimMappings.username: Required value"),
    "no prefix": (jwt(mappings={"username": {"claim": "sub"}}), "prefix is required when claim is set"),
    "an expression": (
        jwt(mappings={"groups": {"expression": "claims.x"}}),
        "CEL expressions are not supported",
    ),
    "a rule for nothing": (jwt(claimValidationRules=[{}]), "claim or expression is required"),
    "one issuer twice": (
        document(jwt=[{"issuer": ISSUER, "claimMappings": MAPPINGS}] * 2),
        'jwt[1].issuer.url: Duplicate value: "https://login.example.com"',
    ),
    "paths for nobody": (
        document(anonymous={"enabled": False, "conditions": [{"path": "/livez"}]}),
        "enabled should be set to true when conditions are defined",
    ),
}


@pytest.mark.parametrize(("text", "why"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_with_a_file(text: bytes, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, ("https://own",), Anonymous())
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("flags", "username"),
    [
        ({}, Claim("sub", "https://x#")),
        ({"oidc_username_prefix": "-"}, Claim("sub")),
        ({"oidc_username_prefix": "oidc:"}, Claim("sub", "oidc:")),
        ({"oidc_username_claim": "email"}, Claim("email")),
    ],
)
def test_flags_name_one_issuer(flags: dict[str, Any], username: Claim, tmp_path: Path) -> None:
    authority = tmp_path / "ca.crt"
    authority.write_text("pem")
    options = AuthOptions(
        oidc_issuer_url="https://x", oidc_client_id="sampan", oidc_ca_file=str(authority), **flags
    )
    (found,) = configuration_of(options).jwt
    assert (found.username, found.authority, found.algorithms) == (username, "pem", ("RS256",))
