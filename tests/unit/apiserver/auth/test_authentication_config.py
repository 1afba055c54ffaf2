"""AuthenticationConfiguration: what a file or flags mean, and everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from apiserver.auth.authentication_config import (
    Anonymous,
    AuthenticationConfiguration,
    Claim,
    JWTAuthenticator,
    Rule,
    configuration_of,
    parse,
)
from apiserver.auth.authenticator import Authenticator, Issuer
from apiserver.auth.issuers import IssuersFile
from apiserver.auth.options import AuthOptions
from apiserver.config_files import ConfigError
from component_base import clock

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
    assert parse(yaml.safe_dump(text).encode(), ()) == AuthenticationConfiguration(
        (
            JWTAuthenticator(
                "https://login.example.com", ("a", "b"), Claim("sub"), Claim("roles", "x:"), Claim("oid"),
                required_claims={"hd": "y"},
            ),
        ),
        Anonymous(paths=frozenset(("/livez",))),
    )  # fmt: skip


def test_a_file_may_map_claims_by_expressions() -> None:
    text = jwt(
        mappings={
            "username": {"expression": "claims.email_verified ? claims.email : claims.sub"},
            "uid": {"expression": "claims.sub"},
            "extra": [{"key": "example.com/team", "valueExpression": "claims.team"}],
        },
        claimValidationRules=[{"expression": "claims.hd == 'x'", "message": "m"}, {"claim": "hd"}],
        userValidationRules=[{"expression": "user.groups.size() < 9"}],
    )
    (found,) = parse(text, ()).jwt
    assert found.username == Claim(expression="claims.email_verified ? claims.email : claims.sub")
    assert (found.uid, found.extra) == (
        Claim(expression="claims.sub"),
        (("example.com/team", "claims.team"),),
    )
    assert (found.required_claims, found.rules) == ({"hd": ""}, (Rule("claims.hd == 'x'", "m"),))
    assert found.user_rules == (Rule("user.groups.size() < 9"),)


def test_a_file_and_a_flag_may_not_both_speak_of_nobody(tmp_path: Path) -> None:
    file = tmp_path / "authentication.yaml"
    file.write_bytes(document(anonymous={"enabled": True}))
    with pytest.raises(ConfigError) as refused:
        configuration_of(AuthOptions(authentication_config=str(file), anonymous_auth=False))
    assert str(refused.value) == (
        "anonymous: Forbidden: --anonymous-auth flag cannot be set when anonymous field is configured in "
        "authentication configuration file"
    )


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({}, False),
        ({"authorization_mode": ("RBAC", "AlwaysAllow")}, False),
        ({"authorization_mode": ("RBAC",)}, True),
        ({"authorization_mode": ("RBAC",), "anonymous_auth": False}, False),
        ({"authorization_config": "c"}, True),
    ],
)
def test_nobody_is_served_where_everybody_may_do_everything(flags: dict[str, Any], expected: bool) -> None:
    assert AuthOptions(**flags).serves_anonymous is expected


class Trusting(Authenticator):
    def trust(self, issuers: Sequence[Issuer]) -> None:
        self.trusted = issuers


def test_issuers_follow_the_file_and_nobody_does_not() -> None:
    authenticator, read = Trusting(), partial(parse, disallowed_issuers=())
    file = IssuersFile("", authenticator, read(document()), read, clock.now)
    file.reload(document())
    assert not hasattr(authenticator, "trusted"), "nothing has changed"
    file.reload(jwt())
    assert len(authenticator.trusted) == 1
    with pytest.raises(ConfigError, match=r"^anonymous: Forbidden: changed from initial configuration file$"):
        file.reload(document(anonymous={"enabled": False}))
    assert len(authenticator.trusted) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"a: b", "Object 'Kind' is missing"),
        (b"", "empty config data"),
        (None, "open {}: no such file or directory"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_named(tmp_path: Path, text: bytes | None, reason: str) -> None:
    path = tmp_path / "authn.yaml"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(ConfigError) as refusal:
        configuration_of(AuthOptions(authentication_config=str(path)))
    told = f'failed to load authentication configuration from file "{path}": {reason.format(path)}'
    assert str(refusal.value) == told


def test_a_file_that_says_nothing_of_nobody_leaves_that_to_the_flag() -> None:
    assert parse(document(), ()).anonymous is None


WRONG: dict[str, tuple[bytes, str]] = {
    "another kind": (b"kind: Pod\napiVersion: v1", 'no kind "Pod" is registered for version "v1"'),
    "nothing": (b"", "empty config data"),
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
    "an expression that is none": (
        jwt(mappings={"groups": {"expression": "claims."}}),
        'jwt[0].claimMappings.groups.expression: Invalid value: "claims.": compilation failed: ERROR: '
        "<input>:1:8: Syntax error",
    ),
    "a claim and an expression": (
        jwt(mappings={"username": {"claim": "sub", "expression": "claims.sub"}}),
        'jwt[0].claimMappings.username: Invalid value: "": claim and expression can\'t both be set',
    ),
    "a prefix of an expression": (
        jwt(mappings={"username": {"prefix": "", "expression": "claims.sub"}}),
        'username.prefix: Invalid value: "": may not be specified when expression is set',
    ),
    "two uids": (
        jwt(mappings={"uid": {"claim": "sub", "expression": "claims.sub"}}),
        'jwt[0].claimMappings.uid: Invalid value: "": claim and expression can\'t both be set',
    ),
    "an address that may be anybody's": (
        jwt(mappings={"username": {"expression": "claims.email"}}),
        'jwt[0].claimMappings.username.expression: Invalid value: "claims.email": claims.email_verified must '
        "be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or "
        "claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression",
    ),
    "an address that need not be there": (
        jwt(mappings={"username": {"expression": "claims.?email.orValue('')"}}),
        "claims.email_verified must be used",
    ),
    "extra without a domain": (
        jwt(mappings={"extra": [{"key": "a", "valueExpression": "claims.a"}]}),
        'jwt[0].claimMappings.extra[0].key: Invalid value: "a": must be a domain-prefixed path (such as '
        '"acme.io/foo")',
    ),
    "extra of Kubernetes": (
        jwt(mappings={"extra": [{"key": "my.k8s.io/a", "valueExpression": "claims.a"}]}),
        "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use",
    ),
    "extra twice": (
        jwt(mappings={"extra": [{"key": "a.io/a", "valueExpression": "claims.a"}] * 2}),
        'jwt[0].claimMappings.extra[1].key: Duplicate value: "a.io/a"',
    ),
    "extra of nothing": (
        jwt(mappings={"extra": [{"key": "a.io/a"}]}),
        "jwt[0].claimMappings.extra[0].valueExpression: Required value",
    ),
    "a rule that is no condition": (
        jwt(claimValidationRules=[{"expression": "'a'"}]),
        "jwt[0].claimValidationRules[0].expression: Invalid value: \"'a'\": must evaluate to bool",
    ),
    "a rule twice": (
        jwt(claimValidationRules=[{"expression": "claims.a == 1"}] * 2),
        'jwt[0].claimValidationRules[1].expression: Duplicate value: "claims.a == 1"',
    ),
    "a rule with a value": (
        jwt(claimValidationRules=[{"expression": "claims.a == 1", "requiredValue": "b"}]),
        'requiredValue: Invalid value: "b": may not be specified when expression is set',
    ),
    "a rule for users about something else": (
        jwt(userValidationRules=[{"expression": "user.name == 'a'"}]),
        "jwt[0].userValidationRules[0].expression: Invalid value: \"user.name == 'a'\": compilation failed: "
        "ERROR: <input>:1:5: undefined field 'name'",
    ),
    "a rule for users that says nothing": (
        jwt(userValidationRules=[{"message": "a"}]),
        "jwt[0].userValidationRules[0].expression: Required value",
    ),
    "no certificate": (
        jwt({"certificateAuthority": "x"}),
        'jwt[0].issuer.certificateAuthority: Invalid value: "<omitted>": data does not contain any valid '
        "RSA or ECDSA certificates",
    ),
    "an audience twice": (
        jwt({"audiences": ["a", "a"], "audienceMatchPolicy": "MatchAny"}),
        'jwt[0].issuer.audiences[1]: Duplicate value: "a"',
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
        parse(text, ("https://own",))
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
