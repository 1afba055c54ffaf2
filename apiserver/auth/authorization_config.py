"""AuthorizationConfiguration: which authorizers are asked, in which order; from a file or from flags.

Source: pkg/kubeapiserver/options/authorization.go and pkg/kubeapiserver/authorizer of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from apimachinery.durations import parse_duration
from apimachinery.errors import aggregate
from apimachinery.objects import Object
from apiserver.auth.authorization_validation import SHAPE, check
from apiserver.auth.options import AuthOptions
from apiserver.auth.webhooks.authorizer import Policy
from apiserver.config_files import ConfigError, decode_config, read_file
from apiserver.reload_metrics import AUTHORIZATION as RELOADS

WEBHOOK = "Webhook"
_VERSION = "apiserver.config.k8s.io/v1"
_KIND = "AuthorizationConfiguration"
_OLDER = ((f"{_VERSION}beta1", _KIND), (f"{_VERSION}alpha1", _KIND))


@dataclass(frozen=True, slots=True)
class WebhookSource:
    """Where a webhook is, what it speaks, and what its answers are worth."""

    kubeconfig: str
    version: str
    policy: Policy
    seconds: float = 30.0
    """What one attempt may take."""
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AuthorizerSource:
    type: str
    name: str
    webhook: WebhookSource | None = None


@dataclass(frozen=True, slots=True)
class AuthorizationConfiguration:
    authorizers: tuple[AuthorizerSource, ...]

    @property
    def built_in(self) -> frozenset[str]:
        """The types that are not webhooks."""
        return frozenset(each.type for each in self.authorizers if each.type != WEBHOOK)


def configuration_of(options: AuthOptions) -> AuthorizationConfiguration:
    """From the file, or from flags. Raises ConfigError."""
    if options.authorization_config:
        text = read_file(options.authorization_config)
        configuration = parse(text)
        RELOADS.applied(text)
        return configuration
    return AuthorizationConfiguration(
        tuple(
            AuthorizerSource(mode, mode.lower(), _from_flags(options) if mode == WEBHOOK else None)
            for mode in options.modes
        )
    )


def _from_flags(options: AuthOptions) -> WebhookSource:
    policy = Policy(
        options.authorization_webhook_cache_authorized_ttl,
        options.authorization_webhook_cache_unauthorized_ttl,
    )
    path = options.authorization_webhook_config_file
    return WebhookSource(path, options.authorization_webhook_version, policy)


def parse(text: bytes, required: Collection[str] = ()) -> AuthorizationConfiguration:
    """The file's text; `required` are types that it must have. Raises ConfigError."""
    document = _decoded(text)
    if errors := list(check(document)):
        raise ConfigError(aggregate([str(each) for each in errors]))
    sources = tuple(_source(each) for each in document["authorizers"])
    configuration = AuthorizationConfiguration(sources)
    problems = [
        f"expected name {each.type.lower()} for authorizer {each.type} instead of {each.name}"
        for each in sources
        if each.type != WEBHOOK and each.name != each.type.lower()
    ]
    if missing := sorted(set(required) - configuration.built_in):
        problems.append(f"missing required types: [{' '.join(missing)}]")
    if problems:
        raise ConfigError(aggregate(problems))
    return configuration


def _decoded(text: bytes) -> Object:
    """Where nothing is said, nothing is wrong but that no authorizer is named. Raises ConfigError."""
    if not text:
        return {}
    try:
        return decode_config(text, _VERSION, _KIND, SHAPE, *_OLDER)
    except ConfigError as error:
        raise ConfigError(f"failed to load AuthorizationConfiguration from file: {error}") from None


def _source(raw: Object) -> AuthorizerSource:
    webhook = raw.get("webhook")
    return AuthorizerSource(raw["type"], raw["name"], None if webhook is None else _webhook(webhook))


def _webhook(raw: Object) -> WebhookSource:
    usual = Policy()
    policy = Policy(
        _kept(raw, "Authorized", usual.authorized_seconds),
        _kept(raw, "Unauthorized", usual.unauthorized_seconds),
        denies_on_failure=raw["failurePolicy"] == "Deny",
    )
    return WebhookSource(
        raw["connectionInfo"]["kubeConfigFile"],
        raw["subjectAccessReviewVersion"],
        policy,
        parse_duration(raw["timeout"]),
        tuple(each["expression"] for each in raw.get("matchConditions") or ()),
    )


def _kept(raw: Object, what: str, default: float) -> float:
    """Seconds for which such answers are remembered."""
    if raw.get(f"cache{what}Requests") is False:
        return 0.0
    return parse_duration(raw.get(f"{what.lower()}TTL") or "0s") or default
