"""AuthenticationConfiguration: the issuers whose JWTs are known, and where nobody in particular may ask.

Source: staging/src/k8s.io/apiserver/pkg/apis/apiserver/{v1/types.go,validation/validation.go} of Kubernetes
1.34. Claims are mapped by name; CEL expressions are refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from apimachinery.field import FieldError, Path, duplicate, invalid, required
from apimachinery.objects import Object, get_path
from apiserver.auth.options import AuthOptions
from apiserver.config_files import ConfigError, decode_config, read_file

ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512")

_VERSION, _OLDER = "apiserver.config.k8s.io/v1", "apiserver.config.k8s.io/v1beta1"
_CLAIM = {"claim": str, "prefix": str, "expression": str}
_SHAPE = {
    "apiVersion": str,
    "kind": str,
    "jwt": [
        {
            "issuer": {
                "url": str,
                "discoveryURL": str,
                "certificateAuthority": str,
                "audiences": [str],
                "audienceMatchPolicy": str,
            },
            "claimValidationRules": [{"claim": str, "requiredValue": str, "expression": str, "message": str}],
            "claimMappings": {
                "username": _CLAIM,
                "groups": _CLAIM,
                "uid": {"claim": str, "expression": str},
                "extra": [{"key": str, "valueExpression": str}],
            },
            "userValidationRules": [{"expression": str, "message": str}],
        }
    ],
    "anonymous": {"enabled": bool, "conditions": [{"path": str}]},
}
_EXPRESSIONS = "CEL expressions are not supported, only claims"


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim by name, and what its values are prefixed with."""

    name: str = ""
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class JWTAuthenticator:
    """One issuer."""

    issuer: str
    audiences: tuple[str, ...]
    username: Claim
    groups: Claim = Claim()
    uid: Claim = Claim()
    required_claims: Mapping[str, str] = field(default_factory=dict)
    discovery_url: str = ""
    authority: str = ""
    """In PEM; the host's if empty."""
    algorithms: tuple[str, ...] = ALGORITHMS


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Whether, and if `paths` is not None only where, requests without credentials are served."""

    enabled: bool = True
    paths: frozenset[str] | None = None

    def allows(self, path: str) -> bool:
        return self.enabled and (self.paths is None or path in self.paths)


@dataclass(frozen=True, slots=True)
class AuthenticationConfiguration:
    jwt: tuple[JWTAuthenticator, ...] = ()
    anonymous: Anonymous = Anonymous()


def configuration_of(options: AuthOptions) -> AuthenticationConfiguration:
    """From the file, or from flags. Raises ConfigError."""
    if options.authentication_config:
        text = read_file(options.authentication_config)
        return parse(text, options.service_account_issuer, Anonymous(options.anonymous_auth))
    jwt = (_from_flags(options),) if options.oidc_issuer_url else ()
    return AuthenticationConfiguration(jwt, Anonymous(options.anonymous_auth))


def _from_flags(options: AuthOptions) -> JWTAuthenticator:
    prefix = options.oidc_username_prefix
    if not prefix and options.oidc_username_claim != "email":
        prefix = f"{options.oidc_issuer_url}#"
    authenticator = JWTAuthenticator(
        issuer=options.oidc_issuer_url,
        audiences=(options.oidc_client_id,),
        username=Claim(options.oidc_username_claim, "" if prefix == "-" else prefix),
        groups=Claim(options.oidc_groups_claim, options.oidc_groups_prefix),
        required_claims=options.oidc_required_claim,
        authority=read_file(options.oidc_ca_file).decode() if options.oidc_ca_file else "",
        algorithms=options.oidc_signing_algs,
    )
    errors = list(_check_url(authenticator.issuer, Path("oidc-issuer-url")))
    errors += [
        invalid(Path("oidc-signing-algs"), each, "unsupported signing alg")
        for each in authenticator.algorithms
        if each not in ALGORITHMS
    ]
    _raise(errors)
    return authenticator


def parse(
    text: bytes, disallowed_issuers: Collection[str], anonymous: Anonymous
) -> AuthenticationConfiguration:
    """The file's text as a configuration; `anonymous` is what counts where it says nothing."""
    document = decode_config(text, _VERSION, "AuthenticationConfiguration", _SHAPE, _OLDER)
    _raise(list(check(document, disallowed_issuers)))
    jwt = tuple(_authenticator(each) for each in document.get("jwt") or ())
    said = document.get("anonymous")
    return AuthenticationConfiguration(jwt, anonymous if said is None else _anonymous(said))


def _raise(errors: Sequence[FieldError]) -> None:
    if errors:
        raise ConfigError("; ".join(map(str, errors)))


def _anonymous(said: Object) -> Anonymous:
    conditions = said.get("conditions")
    paths = frozenset(each.get("path", "") for each in conditions) if conditions else None
    return Anonymous(bool(said.get("enabled")), paths)


def _authenticator(raw: Object) -> JWTAuthenticator:
    issuer, mappings = raw["issuer"], raw["claimMappings"]
    return JWTAuthenticator(
        issuer=issuer["url"],
        audiences=tuple(issuer["audiences"]),
        username=_claim(mappings["username"]),
        groups=_claim(mappings.get("groups") or {}),
        uid=_claim(mappings.get("uid") or {}),
        required_claims={
            each["claim"]: each.get("requiredValue") or "" for each in raw.get("claimValidationRules") or ()
        },
        discovery_url=issuer.get("discoveryURL") or "",
        authority=issuer.get("certificateAuthority") or "",
    )


def _claim(raw: Object) -> Claim:
    return Claim(raw.get("claim") or "", raw.get("prefix") or "")


def check(document: Object, disallowed_issuers: Collection[str]) -> Iterator[FieldError]:
    """Everything that is wrong with a configuration."""
    seen: set[str] = set()
    for index, raw in enumerate(document.get("jwt") or ()):
        path = Path("jwt").index(index)
        yield from _check_issuer(raw.get("issuer") or {}, disallowed_issuers, path.child("issuer"))
        yield from _check_rules(raw, path)
        yield from _check_mappings(raw.get("claimMappings") or {}, path.child("claimMappings"))
        url = get_path(raw, "issuer.url", "")
        if url in seen:
            yield duplicate(path.child("issuer").child("url"), url)
        seen.add(url)
    said = document.get("anonymous") or {}
    if said.get("conditions") and not said.get("enabled"):
        detail = "enabled should be set to true when conditions are defined"
        yield invalid(Path("anonymous", "conditions"), said["conditions"], detail)


def _check_issuer(issuer: Object, disallowed: Collection[str], path: Path) -> Iterator[FieldError]:
    url, discovery = issuer.get("url") or "", issuer.get("discoveryURL") or ""
    if not url:
        yield required(path.child("url"))
    else:
        yield from _check_url(url, path.child("url"), disallowed)
    if discovery:
        if discovery.rstrip("/") == url.rstrip("/"):
            yield invalid(path.child("discoveryURL"), discovery, "discoveryURL must be different from URL")
        yield from _check_url(discovery, path.child("discoveryURL"))
    audiences = issuer.get("audiences") or []
    if not audiences:
        at = path.child("audiences")
        yield required(at, f"at least one {at} is required")
    policy = issuer.get("audienceMatchPolicy") or ""
    if len(audiences) > 1 and policy != "MatchAny":
        detail = "audienceMatchPolicy must be MatchAny for multiple audiences"
        yield invalid(path.child("audienceMatchPolicy"), policy, detail)
    if len(audiences) == 1 and policy not in ("", "MatchAny"):
        detail = "audienceMatchPolicy must be empty or MatchAny for single audience"
        yield invalid(path.child("audienceMatchPolicy"), policy, detail)


def _check_url(url: str, path: Path, disallowed: Collection[str] = ()) -> Iterator[FieldError]:
    if url in disallowed:
        shown = " ".join(sorted(disallowed))
        yield invalid(path, url, f"URL must not overlap with disallowed issuers: [{shown}]")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        yield invalid(path, url, str(error))
        return
    if parts.scheme != "https":
        yield invalid(path, url, "URL scheme must be https")
    if parts.username is not None:
        yield invalid(path, url, "URL must not contain a username or password")
    if parts.query:
        yield invalid(path, url, "URL must not contain a query")
    if parts.fragment:
        yield invalid(path, url, "URL must not contain a fragment")


def _check_rules(raw: Object, path: Path) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, rule in enumerate(raw.get("claimValidationRules") or ()):
        at, claim = path.child("claimValidationRules").index(index), rule.get("claim") or ""
        if rule.get("expression"):
            yield invalid(at.child("expression"), rule["expression"], _EXPRESSIONS)
        elif not claim:
            yield required(at, "claim or expression is required")
        elif rule.get("message"):
            yield invalid(at.child("message"), rule["message"], "may not be specified when claim is set")
        if claim in seen:
            yield duplicate(at.child("claim"), claim)
        seen.add(claim)
    if raw.get("userValidationRules"):
        yield invalid(path.child("userValidationRules"), raw["userValidationRules"], _EXPRESSIONS)


def _check_mappings(mappings: Object, path: Path) -> Iterator[FieldError]:
    for name in ("username", "groups", "uid"):
        mapping, at = mappings.get(name) or {}, path.child(name)
        claim, prefix = mapping.get("claim"), mapping.get("prefix")
        if mapping.get("expression"):
            yield invalid(at.child("expression"), mapping["expression"], _EXPRESSIONS)
        elif name == "username" and not claim:
            yield required(at, "claim or expression is required")
        if claim and prefix is None and name != "uid":
            detail = (
                "prefix is required when claim is set. It can be set to an empty string to disable prefixing"
            )
            yield required(at.child("prefix"), detail)
        if prefix and not claim:
            yield required(at.child("claim"), "non-empty claim name is required when prefix is set")
    if mappings.get("extra"):
        yield invalid(path.child("extra"), mappings["extra"], _EXPRESSIONS)
