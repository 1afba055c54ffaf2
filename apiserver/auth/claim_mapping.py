"""Who the verified claims of a token stand for, as a JWTAuthenticator maps them.

Source: staging/src/k8s.io/apiserver/plugin/pkg/authenticator/token/oidc/oidc.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from apimachinery.objects import Object
from apiserver.auth.authentication_config import Claim, JWTAuthenticator, Rule
from apiserver.auth.claim_expressions import ExpressionError, about_claims, about_user, strings_of
from apiserver.request import UserInfo
from component_base.jwt import InvalidToken

_CREDENTIAL = "authentication.kubernetes.io/credential-id"


def user_of(claims: Object, config: JWTAuthenticator) -> UserInfo:
    """Pure. Raises InvalidToken."""
    name = _username(claims, config.username)
    groups = _groups(claims, config.groups)
    uid = _uid(claims, config.uid)
    extra = _extra(claims, config.extra)
    _check_required(claims, config)
    _check_rules(config.rules, "claim validation expression", lambda text: about_claims(text, claims))
    user = UserInfo(name, uid, groups, extra)
    _check_rules(config.user_rules, "user info validation rule", lambda text: about_user(text, user))
    return UserInfo(name, uid, (*groups, "system:authenticated"), extra)


def _username(claims: Object, claim: Claim) -> str:
    if claim.expression:
        name = _string(claims, claim.expression, "username")
        if not name:
            raise InvalidToken("oidc: empty username via CEL expression is not allowed")
        return name
    name = _text(claims, claim.name, "username claims")
    if claim.name == "email" and claims.get("email_verified", True) is not True:
        raise InvalidToken("oidc: email not verified")
    return claim.prefix + name


def _uid(claims: Object, claim: Claim) -> str:
    if claim.expression:
        return _string(claims, claim.expression, "uid")
    return _text(claims, claim.name, "uid claim") if claim.name else ""


def _string(claims: Object, expression: str, what: str) -> str:
    error = f"oidc: error evaluating {what} claim expression"
    try:
        value = about_claims(expression, claims)
    except ExpressionError as failed:
        raise InvalidToken(f"{error}: {failed}") from None
    if not isinstance(value, str):
        raise InvalidToken(f"{error}: {what} claim expression must return a string")
    return value


def _groups(claims: Object, claim: Claim) -> tuple[str, ...]:
    if claim.expression:
        try:
            return strings_of(about_claims(claim.expression, claims))
        except ExpressionError as error:
            raise InvalidToken(f"oidc: error evaluating group claim expression: {error}") from None
    found = claims.get(claim.name) if claim.name else None
    if found is None:
        return ()
    groups = [found] if isinstance(found, str) else found
    if not isinstance(groups, list) or not all(isinstance(each, str) for each in groups):
        raise InvalidToken(f'oidc: parse groups claim "{claim.name}": no string or list of strings')
    return tuple(claim.prefix + each for each in groups)


def _extra(claims: Object, mappings: Sequence[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    extra: dict[str, tuple[str, ...]] = {}
    if isinstance(claims.get("jti"), str):
        extra[_CREDENTIAL] = (f"JTI={claims['jti']}",)
    for key, expression in mappings:
        try:
            values = strings_of(about_claims(expression, claims))
        except ExpressionError as error:
            text = f"oidc: error evaluating extra claim expression: {expression}: {error}"
            raise InvalidToken(text) from None
        if values:
            extra[key] = values
    return extra


def _check_required(claims: Object, config: JWTAuthenticator) -> None:
    for name, wanted in config.required_claims.items():
        if name not in claims:
            raise InvalidToken(f"oidc: required claim {name} not present in ID token")
        value = _text(claims, name, "claim")
        if value != wanted:
            text = f"oidc: required claim {name} value does not match. Got = {value}, want = {wanted}"
            raise InvalidToken(text)


def _check_rules(rules: Sequence[Rule], what: str, evaluate: Callable[[str], Any]) -> None:
    try:
        for rule in rules:
            holds = evaluate(rule.expression)
            if not isinstance(holds, bool):
                raise ExpressionError("validation expression must return a boolean")
            if not holds:
                raise ExpressionError(f"validation expression '{rule.expression}' failed: {rule.message}")
    except ExpressionError as error:
        raise InvalidToken(f"oidc: error evaluating {what}: {error}") from None


def _text(claims: Object, name: str, what: str) -> str:
    if name not in claims:
        raise InvalidToken(f'oidc: parse {what} "{name}": claim not present')
    value = claims[name]
    if not isinstance(value, str):
        raise InvalidToken(f'oidc: parse {what} "{name}": no string')
    return value
