"""AuthenticationConfiguration: the issuers whose JWTs count, and the paths that anonymous users may ask for.

Source: staging/src/k8s.io/apiserver/pkg/apis/apiserver/{v1/types.go,validation/validation.go} of Kubernetes
1.34.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from apimachinery.errors import aggregate
from apimachinery.field import FieldError, Path, forbidden, invalid
from apimachinery.objects import Object
from apiserver.auth.authentication_validation import SHAPE, check, check_url
from apiserver.auth.options import AuthOptions
from apiserver.config_files import ConfigError, decode_config, read_file
from apiserver.reload_metrics import AUTHENTICATION as RELOADS

ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512")

_VERSION = "apiserver.config.k8s.io/v1"
_KIND = "AuthenticationConfiguration"
_OLDER = ((f"{_VERSION}beta1", _KIND), (f"{_VERSION}alpha1", _KIND))
_FLAG = (
    "--anonymous-auth flag cannot be set when anonymous field is configured in authentication configuration "
    "file"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim by name and what its values are prefixed with, or an expression that gives its values."""

    name: str = ""
    prefix: str = ""
    expression: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """What must be true of a token's claims or of a user, and what to say if it is not."""

    expression: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class JWTAuthenticator:
    """One issuer."""

    issuer: str
    audiences: tuple[str, ...]
    username: Claim
    groups: Claim = Claim()
    uid: Claim = Claim()
    extra: tuple[tuple[str, str], ...] = ()
    """Keys, and the expressions that give their values."""
    required_claims: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    user_rules: tuple[Rule, ...] = ()
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
    anonymous: Anonymous | None = None
    """None leaves it to the flag."""


def configuration_of(options: AuthOptions) -> AuthenticationConfiguration:
    """From the file, or from flags. Raises ConfigError."""
    if options.authentication_config:
        text, document = _load(options.authentication_config)
        configuration = _checked(document, options.service_account_issuer)
        if configuration.anonymous is not None and not options.anonymous_auth:
            raise ConfigError(str(forbidden(Path("anonymous"), _FLAG)))
        RELOADS.applied(text)
        return configuration
    return AuthenticationConfiguration((_from_flags(options),) if options.oidc_issuer_url else ())


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
    errors = list(check_url(authenticator.issuer, Path("oidc-issuer-url")))
    errors += [
        invalid(Path("oidc-signing-algs"), each, "unsupported signing alg")
        for each in authenticator.algorithms
        if each not in ALGORITHMS
    ]
    _raise(errors)
    return authenticator


def parse(text: bytes, disallowed_issuers: Collection[str]) -> AuthenticationConfiguration:
    """The file's text as a configuration. Raises ConfigError."""
    return _checked(_decoded(text), disallowed_issuers)


def _load(path: str) -> tuple[bytes, Object]:
    """The file's text, and what it says. Raises ConfigError."""
    try:
        text = read_file(path)
        return text, _decoded(text)
    except ConfigError as error:
        what = f'failed to load authentication configuration from file "{path}"'
        raise ConfigError(f"{what}: {error}") from None


def _decoded(text: bytes) -> Object:
    """Raises ConfigError."""
    if not text:
        raise ConfigError("empty config data")
    return decode_config(text, _VERSION, _KIND, SHAPE, *_OLDER)


def _checked(document: Object, disallowed_issuers: Collection[str]) -> AuthenticationConfiguration:
    """Raises ConfigError."""
    _raise(list(check(document, disallowed_issuers)))
    jwt = tuple(_authenticator(each) for each in document.get("jwt") or ())
    said = document.get("anonymous")
    return AuthenticationConfiguration(jwt, None if said is None else _anonymous(said))


def _raise(errors: Sequence[FieldError]) -> None:
    if errors:
        told = aggregate([str(each) for each in errors])
        raise ConfigError(f"invalid authentication configuration: {told}")


def _anonymous(said: Object) -> Anonymous:
    conditions = said.get("conditions")
    paths = frozenset(each.get("path", "") for each in conditions) if conditions else None
    return Anonymous(bool(said.get("enabled")), paths)


def _authenticator(raw: Object) -> JWTAuthenticator:
    issuer, mappings = raw["issuer"], raw["claimMappings"]
    rules = raw.get("claimValidationRules") or ()
    return JWTAuthenticator(
        issuer=issuer["url"],
        audiences=tuple(issuer["audiences"]),
        username=_claim(mappings["username"]),
        groups=_claim(mappings.get("groups") or {}),
        uid=_claim(mappings.get("uid") or {}),
        extra=tuple((each["key"], each["valueExpression"]) for each in mappings.get("extra") or ()),
        required_claims={
            each["claim"]: each.get("requiredValue") or "" for each in rules if each.get("claim")
        },
        rules=tuple(_rule(each) for each in rules if each.get("expression")),
        user_rules=tuple(_rule(each) for each in raw.get("userValidationRules") or ()),
        discovery_url=issuer.get("discoveryURL") or "",
        authority=issuer.get("certificateAuthority") or "",
    )


def _claim(raw: Object) -> Claim:
    return Claim(raw.get("claim") or "", raw.get("prefix") or "", raw.get("expression") or "")


def _rule(raw: Object) -> Rule:
    return Rule(raw["expression"], raw.get("message") or "")
