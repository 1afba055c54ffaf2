"""From flags to an authenticator and an authorizer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from apimachinery.objects import Object
from apimachinery.policy_rules import Rule
from apimachinery.scheme import AUTHENTICATION, PODS
from apiserver.auth import authentication_config, authorization_config
from apiserver.auth.abac import ABACAuthorizer, load_policies
from apiserver.auth.authentication_config import Anonymous
from apiserver.auth.authenticator import Authenticator
from apiserver.auth.authorizer import Resolver
from apiserver.auth.authorizers import Authorizers
from apiserver.auth.bootstrap_tokens import BootstrapTokens
from apiserver.auth.issuers import IssuersFile, new_issuer
from apiserver.auth.legacy_tokens import LegacyTokenUse
from apiserver.auth.node import NodeAuthorizer
from apiserver.auth.node_graph import Graph
from apiserver.auth.rbac.authorizer import RBACAuthorizer
from apiserver.auth.rbac.bindings import CachedEntry, Index
from apiserver.auth.request_header import RequestHeaders
from apiserver.auth.token_file import load_token_file
from apiserver.auth.tokens import TokenIssuer, TokenVerifier
from apiserver.auth.webhooks.authenticator import WebhookAuthenticator
from apiserver.auth.webhooks.reviewer import Reviewer, Webhooks, check_version
from apiserver.auth.x509 import ClientCertificates
from apiserver.bootstrap.cluster_roles import node_rules
from apiserver.options import Options
from apiserver.storage.cached import Lookup, cached
from apiserver.storage.watch_cache import WatchCache
from component_base import jwt


@dataclass(frozen=True)
class Auth:
    """Everything that knows about users and rights."""

    authenticator: Authenticator
    authorizer: Authorizers
    rbac: RBACAuthorizer
    verifier: jwt.Verifier | None
    issuer: TokenIssuer | None
    legacy_tokens: LegacyTokenUse
    webhooks: Webhooks
    """Of authentication; those of authorization come and go."""
    followers: tuple[Callable[[], Coroutine[Any, Any, None]], ...]
    """What sees to changed files."""

    async def run(self) -> None:
        """Returns only if there is nothing to do."""
        async with asyncio.TaskGroup() as group:
            for follow in self.followers:
                group.create_task(follow())

    async def aclose(self) -> None:
        await self.webhooks.aclose()
        await self.authorizer.aclose()


def build_auth(options: Options, cache: WatchCache, now: Callable[[], datetime]) -> Auth:
    rbac = RBACAuthorizer(Index(cache.resource))
    verifier, webhooks = _verifier(options), Webhooks()
    configuration = authentication_config.configuration_of(options)
    legacy = LegacyTokenUse(now)
    authenticator = _authenticator(
        options, configuration, verifier, cached(cache), webhooks, now, legacy.note
    )
    built_in: dict[str, Callable[[], Resolver]] = {
        "Node": lambda: node_authorizer(cache),
        "RBAC": lambda: rbac,
        "ABAC": lambda: ABACAuthorizer(load_policies(options.authorization_policy_file)),
    }
    authorizer = Authorizers(authorization_config.configuration_of(options), built_in)
    followers = []
    if path := options.authentication_config:
        read = partial(authentication_config.parse, disallowed_issuers=options.service_account_issuer)
        followers.append(IssuersFile(path, authenticator, configuration, read, now).follow)
    if path := options.authorization_config:
        followers.append(partial(authorizer.follow, path))
    issuer = _issuer(options, now)
    return Auth(authenticator, authorizer, rbac, verifier, issuer, legacy, webhooks, tuple(followers))


def _authenticator(
    options: Options,
    configuration: authentication_config.AuthenticationConfiguration,
    verifier: jwt.Verifier | None,
    lookup: Lookup,
    webhooks: Webhooks,
    now: Callable[[], datetime],
    note_use: Callable[[Object], None],
) -> Authenticator:
    issuers = options.service_account_issuer
    looks_up = options.service_account_lookup
    tokens = (
        TokenVerifier(verifier, issuers, lookup, now, note_use, looks_up_secrets=looks_up)
        if verifier
        else None
    )
    return Authenticator(
        static_tokens=load_token_file(Path(options.token_auth_file)) if options.token_auth_file else None,
        tokens=tokens,
        bootstrap_tokens=BootstrapTokens(lookup, now) if options.enable_bootstrap_token_auth else None,
        issuers=[new_issuer(each, now) for each in configuration.jwt],
        webhook=_token_webhook(options, webhooks),
        request_headers=_request_headers(options),
        audiences=options.audiences,
        anonymous=configuration.anonymous or Anonymous(options.serves_anonymous),
    )


def _token_webhook(options: Options, webhooks: Webhooks) -> WebhookAuthenticator | None:
    path, version = (
        options.authentication_token_webhook_config_file,
        options.authentication_token_webhook_version,
    )
    if not path:
        return None
    check_version(version, "authentication webhook")
    reviewer = Reviewer(webhooks.open(path), AUTHENTICATION, "TokenReview", version)
    seconds = options.authentication_token_webhook_cache_ttl
    return WebhookAuthenticator(reviewer, options.audiences, seconds)


def _request_headers(options: Options) -> RequestHeaders | None:
    if not options.requestheader_client_ca_file:
        return None
    flags = (
        options.requestheader_username_headers,
        options.requestheader_uid_headers,
        options.requestheader_group_headers,
        options.requestheader_extra_headers_prefix,
    )
    return RequestHeaders(*(tuple(map(str.lower, each)) for each in flags))


def client_certificates(options: Options) -> ClientCertificates:
    """Who clients with a certificate are."""
    users, proxies = (
        Path(name) if name else None
        for name in (options.client_ca_file, options.requestheader_client_ca_file)
    )
    return ClientCertificates(users, proxies, options.requestheader_allowed_names)


def _verifier(options: Options) -> jwt.Verifier | None:
    paths = options.service_account_key_file or (
        (options.service_account_signing_key_file,) if options.service_account_signing_key_file else ()
    )
    keys = [key for path in paths for key in jwt.load_public_keys(Path(path))]
    return jwt.Verifier(keys) if keys else None


def _issuer(options: Options, now: Callable[[], datetime]) -> TokenIssuer | None:
    if not options.service_account_signing_key_file:
        return None
    key = jwt.load_private_key(Path(options.service_account_signing_key_file))
    return TokenIssuer(jwt.Signer(key), options.service_account_issuer[0], now)


def node_authorizer(cache: WatchCache) -> NodeAuthorizer:
    def pods(node: str) -> Iterable[CachedEntry]:
        return cache.resource(PODS).entries_with("spec.nodeName", node) or ()

    lookup = cached(cache)
    return NodeAuthorizer(Graph(pods, lookup), lookup, map(Rule.parse, node_rules()))
