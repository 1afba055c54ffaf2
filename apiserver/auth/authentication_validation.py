"""What may stand in an AuthenticationConfiguration, and everything that is wrong with one.

Source: staging/src/k8s.io/apiserver/pkg/apis/apiserver/{v1/types.go,validation/validation.go} of Kubernetes
1.34.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress

from apimachinery.field import Errors, Path, duplicate, invalid, required, too_many
from apimachinery.objects import Object, get_path
from apimachinery.urls import parse_url
from apiserver.auth.claim_expressions import claims_program, user_program
from apiserver.cel.environment import CompilationError, Program
from apiserver.cel.syntax import fields_of
from apiserver.registry.strategies.checks import domain_prefixed_path
from component_base.config_shape import BOOL, STRING, ListOf, Struct, named, of_type

_CLAIM = Struct("v1.PrefixedClaimOrExpression", of_type(STRING, "claim prefix expression"))
SHAPE = Struct("v1.AuthenticationConfiguration", {
    **of_type(STRING, "apiVersion kind"),
    "jwt": ListOf(Struct("v1.JWTAuthenticator", {
        "issuer": Struct("v1.Issuer", {
            **of_type(STRING, "url discoveryURL certificateAuthority"),
            "audiences": ListOf(STRING),
            "audienceMatchPolicy": named("v1.AudienceMatchPolicyType"),
        }),
        "claimValidationRules": ListOf(Struct(
            "v1.ClaimValidationRule", of_type(STRING, "claim requiredValue expression message")
        )),
        "claimMappings": Struct("v1.ClaimMappings", {
            **of_type(_CLAIM, "username groups"),
            "uid": Struct("v1.ClaimOrExpression", of_type(STRING, "claim expression")),
            "extra": ListOf(Struct("v1.ExtraMapping", of_type(STRING, "key valueExpression"))),
        }),
        "userValidationRules": ListOf(Struct("v1.UserValidationRule", of_type(STRING, "expression message"))),
    })),
    "anonymous": Struct("v1.AnonymousAuthConfig", {
        "enabled": BOOL,
        "conditions": ListOf(Struct("v1.AnonymousAuthCondition", {"path": STRING})),
    }),
})  # fmt: skip
_MOST_ISSUERS = 64
_PREFIX = "prefix is required when claim is set. It can be set to an empty string to disable prefixing"
_BOTH = "claim and expression can't both be set"
_UNVERIFIED = (
    "claims.email_verified must be used in claimMappings.username.expression or "
    "claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used "
    "in claimMappings.username.expression"
)
_RESERVED = "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use"


def check(document: Object, disallowed_issuers: Collection[str]) -> Errors:
    """Everything that is wrong with a configuration."""
    issuers = document.get("jwt") or []
    if len(issuers) > _MOST_ISSUERS:
        yield too_many(Path("jwt"), len(issuers), _MOST_ISSUERS)
        return
    seen: set[tuple[str, str]] = set()
    for index, raw in enumerate(issuers):
        path = Path("jwt").index(index)
        yield from _check_issuer(raw.get("issuer") or {}, disallowed_issuers, path.child("issuer"))
        yield from _check_rules(raw.get("claimValidationRules") or [], path.child("claimValidationRules"))
        yield from _check_mappings(raw.get("claimMappings") or {}, path.child("claimMappings"))
        yield from _check_email(raw, path.child("claimMappings", "username", "expression"))
        yield from _check_user_rules(raw.get("userValidationRules") or [], path.child("userValidationRules"))
        for name in ("url", "discoveryURL"):
            url = get_path(raw, f"issuer.{name}", "")
            if url and (name, url) in seen:
                yield duplicate(path.child("issuer", name), url)
            seen.add((name, url))
    said = document.get("anonymous") or {}
    if said.get("conditions") and not said.get("enabled"):
        detail = "enabled should be set to true when conditions are defined"
        shown = [{"Path": each.get("path", "")} for each in said["conditions"]]
        yield invalid(Path("anonymous", "conditions"), shown, detail)


def _check_issuer(issuer: Object, disallowed: Collection[str], path: Path) -> Errors:
    url, discovery = issuer.get("url") or "", issuer.get("discoveryURL") or ""
    if not url:
        yield required(path.child("url"))
    else:
        yield from check_url(url, path.child("url"), disallowed)
    if discovery:
        if discovery.rstrip("/") == url.rstrip("/"):
            yield invalid(path.child("discoveryURL"), discovery, "discoveryURL must be different from URL")
        yield from check_url(discovery, path.child("discoveryURL"))
    yield from _check_audiences(issuer, path)
    if authority := issuer.get("certificateAuthority"):
        yield from _check_authority(authority, path.child("certificateAuthority"))


def _check_audiences(issuer: Object, path: Path) -> Errors:
    at, audiences = path.child("audiences"), issuer.get("audiences") or []
    if not audiences:
        yield required(at, f"at least one {at} is required")
        return
    for index, each in enumerate(audiences):
        if not each:
            yield required(at.index(index))
        if each in audiences[:index]:
            yield duplicate(at.index(index), each)
    policy, at = issuer.get("audienceMatchPolicy") or "", path.child("audienceMatchPolicy")
    if len(audiences) > 1 and policy != "MatchAny":
        yield invalid(at, policy, "audienceMatchPolicy must be MatchAny for multiple audiences")
    if len(audiences) == 1 and policy not in ("", "MatchAny"):
        yield invalid(at, policy, "audienceMatchPolicy must be empty or MatchAny for single audience")


def _check_authority(text: str, path: Path) -> Errors:
    try:
        ssl.create_default_context(cadata=text)
    except (ssl.SSLError, ValueError):
        yield invalid(path, "<omitted>", "data does not contain any valid RSA or ECDSA certificates")


def check_url(url: str, path: Path, disallowed: Collection[str] = ()) -> Errors:
    if url in disallowed:
        shown = " ".join(sorted(disallowed))
        yield invalid(path, url, f"URL must not overlap with disallowed issuers: [{shown}]")
    try:
        parts = parse_url(url)
    except ValueError as error:
        yield invalid(path, url, str(error))
        return
    if parts.scheme != "https":
        yield invalid(path, url, "URL scheme must be https")
    if parts.user is not None:
        yield invalid(path, url, "URL must not contain a username or password")
    if parts.query:
        yield invalid(path, url, "URL must not contain a query")
    if parts.fragment:
        yield invalid(path, url, "URL must not contain a fragment")


def _check_rules(rules: list[Object], path: Path) -> Errors:
    claims: set[str] = set()
    expressions: set[str] = set()
    for index, rule in enumerate(rules):
        at, claim, expression = path.index(index), rule.get("claim") or "", rule.get("expression") or ""
        if claim and expression:
            yield invalid(at, claim, _BOTH)
        elif claim:
            if rule.get("message"):
                yield invalid(at.child("message"), rule["message"], "may not be specified when claim is set")
            if claim in claims:
                yield duplicate(at.child("claim"), claim)
            claims.add(claim)
        elif expression:
            if value := rule.get("requiredValue"):
                detail = "may not be specified when expression is set"
                yield invalid(at.child("requiredValue"), value, detail)
            yield from _check_condition(expression, expressions, at.child("expression"), claims_program)
        else:
            yield required(at, "claim or expression is required")


def _check_user_rules(rules: list[Object], path: Path) -> Errors:
    seen: set[str] = set()
    for index, rule in enumerate(rules):
        at, expression = path.index(index).child("expression"), rule.get("expression") or ""
        if expression:
            yield from _check_condition(expression, seen, at, user_program)
        else:
            yield required(at)


def _check_condition(text: str, seen: set[str], path: Path, compile_it: Callable[[str], Program]) -> Errors:
    if text in seen:
        yield duplicate(path, text)
    else:
        seen.add(text)
        yield from _check_expression(text, path, compile_it, "bool")


def _check_expression(
    text: str, path: Path, compile_it: Callable[[str], Program] = claims_program, wanted: str = ""
) -> Errors:
    """`wanted`: the type it must have, any if empty."""
    try:
        program = compile_it(text)
    except CompilationError as error:
        yield invalid(path, text, str(error))
        return
    if wanted and program.result_type.name != wanted:
        yield invalid(path, text, f"must evaluate to {wanted}")


def _check_mappings(mappings: Object, path: Path) -> Errors:
    for name in ("username", "groups"):
        yield from _check_mapping(mappings.get(name) or {}, path.child(name), is_required=name == "username")
    uid, at = mappings.get("uid") or {}, path.child("uid")
    if uid.get("claim") and uid.get("expression"):
        yield invalid(at, "", _BOTH)
    elif uid.get("expression"):
        yield from _check_expression(uid["expression"], at.child("expression"))
    yield from _check_extra(mappings.get("extra") or [], path.child("extra"))


def _check_mapping(mapping: Object, path: Path, *, is_required: bool) -> Errors:
    claim, expression, prefix = mapping.get("claim"), mapping.get("expression"), mapping.get("prefix")
    if claim and expression:
        yield invalid(path, "", _BOTH)
    elif expression:
        if prefix is not None:
            yield invalid(path.child("prefix"), prefix, "may not be specified when expression is set")
        yield from _check_expression(expression, path.child("expression"))
    elif claim:
        if prefix is None:
            yield required(path.child("prefix"), _PREFIX)
    elif is_required:
        yield required(path, "claim or expression is required")


def _check_extra(extra: list[Object], path: Path) -> Errors:
    seen: set[str] = set()
    for index, mapping in enumerate(extra):
        at, key, expression = path.index(index), mapping.get("key") or "", mapping.get("valueExpression")
        yield from _check_key(key, at.child("key"))
        if key in seen:
            yield duplicate(at.child("key"), key)
            continue
        seen.add(key)
        if expression:
            yield from _check_expression(expression, at.child("valueExpression"))
        else:
            yield required(at.child("valueExpression"))


def _check_key(key: str, path: Path) -> Errors:
    yield from domain_prefixed_path(key, path)
    host, _, rest = key.partition("/")
    if key != key.lower():
        yield invalid(path, key, "must be lowercase")
    if rest and any(f".{host}".endswith(f".{domain}") for domain in ("k8s.io", "kubernetes.io")):
        yield invalid(path, key, _RESERVED)


def _check_email(raw: Object, path: Path) -> Errors:
    """Whoever is known by an address must have shown that it is theirs."""
    mappings = raw.get("claimMappings") or {}
    username = get_path(mappings, "username.expression", "")
    others = [each.get("valueExpression") for each in mappings.get("extra") or ()]
    others += [each.get("expression") for each in raw.get("claimValidationRules") or ()]
    if "email" in _claims_in([username]) and "email_verified" not in _claims_in([username, *others]):
        yield invalid(path, username, _UNVERIFIED)


def _claims_in(expressions: Iterable[str | None]) -> set[str]:
    """Which claims they name; what cannot be compiled has been told of."""
    found: set[str] = set()
    for each in filter(None, expressions):
        with suppress(CompilationError):
            found |= fields_of(claims_program(each).tree, "claims")
    return found
