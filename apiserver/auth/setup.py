"""From flags to an authenticator and an authorizer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from apimachinery.scheme import PODS
from apiserver.auth import jwt
from apiserver.auth.authenticator import Authenticator
from apiserver.auth.authorizer import AlwaysAllow, AlwaysDeny, Authorizer, Union
from apiserver.auth.bootstrap_tokens import BootstrapTokens
from apiserver.auth.node import NodeAuthorizer
from apiserver.auth.node_graph import Graph
from apiserver.auth.rbac.authorizer import RBACAuthorizer
from apiserver.auth.rbac.bindings import CachedEntry, Index
from apiserver.auth.rbac.rules import Rule
from apiserver.auth.token_file import load_token_file
from apiserver.auth.tokens import TokenIssuer, TokenVerifier
from apiserver.bootstrap.cluster_roles import node_rules
from apiserver.options import Options
from apiserver.storage.cached import cached
from apiserver.storage.watch_cache import WatchCache


@dataclass(frozen=True)
class Auth:
    """Everything that knows about users and rights."""

    authenticator: Authenticator
    authorizer: Authorizer
    rbac: RBACAuthorizer
    verifier: jwt.Verifier | None
    issuer: TokenIssuer | None


def build_auth(options: Options, cache: WatchCache, now: Callable[[], datetime]) -> Auth:
    rbac = RBACAuthorizer(Index(cast(Any, cache.resource)))
    verifier = _verifier(options)
    tokens = None
    if verifier is not None:
        tokens = TokenVerifier(verifier, (options.service_account_issuer,), cached(cache), now)
    authenticator = Authenticator(
        static_tokens=load_token_file(Path(options.token_auth_file)) if options.token_auth_file else None,
        tokens=tokens,
        bootstrap_tokens=(
            BootstrapTokens(cached(cache), now) if options.enable_bootstrap_token_auth else None
        ),
        audiences=options.audiences,
        anonymous=options.anonymous_auth,
    )
    return Auth(authenticator, _authorizer(options, cache, rbac), rbac, verifier, _issuer(options, now))


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
    return TokenIssuer(jwt.Signer(key), options.service_account_issuer, now)


def _authorizer(options: Options, cache: WatchCache, rbac: RBACAuthorizer) -> Authorizer:
    made: dict[str, Callable[[], Authorizer]] = {
        "AlwaysAllow": AlwaysAllow,
        "AlwaysDeny": AlwaysDeny,
        "Node": lambda: node_authorizer(cache),
        "RBAC": lambda: rbac,
    }
    return Union([made[mode]() for mode in options.authorization_mode])


def node_authorizer(cache: WatchCache) -> NodeAuthorizer:
    def pods(node: str) -> Iterable[CachedEntry]:
        return cache.resource(PODS).entries_with("spec.nodeName", node) or ()

    lookup = cached(cache)
    return NodeAuthorizer(Graph(pods, lookup), lookup, map(Rule.parse, node_rules()))
