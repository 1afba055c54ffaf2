"""Which special handler serves which resource and subresource."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime

from apimachinery import scheme
from apiserver.admission.chain import Chain
from apiserver.asgi import Handler
from apiserver.auth.setup import Auth
from apiserver.options import Options
from apiserver.storage.cached import fresh_lookup
from apiserver.storage.watch_cache import WatchCache
from apiserver.subresources import reviews
from apiserver.subresources.kubelets import Backends, Kubelets
from apiserver.subresources.log import PodLogs
from apiserver.subresources.proxy import Proxy
from apiserver.subresources.proxy_targets import ProxyTargets
from apiserver.subresources.streams import PodStreams
from apiserver.subresources.token_request import TokenRequests


def special_handlers(
    options: Options,
    cache: WatchCache,
    auth: Auth,
    chain: Chain,
    backends: Backends,
    now: Callable[[], datetime],
) -> dict[tuple[str, str], Handler]:
    """By (group_resource, subresource)."""
    access = reviews.review_access(chain, auth.authorizer)
    tokens = TokenRequests(
        auth.issuer,
        options.audiences,
        fresh_lookup(cache),
        chain,
        now,
        options.service_account_extend_token_expiration,
        int(options.service_account_max_token_expiration),
    )
    lookup, preferred = fresh_lookup(cache), options.kubelet_preferred_address_types
    kubelets = Kubelets(lookup, backends.kubelets, preferred)
    streams = PodStreams(kubelets, chain)
    proxy = Proxy(ProxyTargets(backends, lookup, preferred, random.Random()), chain)
    return {
        ("pods", "log"): PodLogs(kubelets, backends.unverified_kubelets),
        **{("pods", name): streams for name in ("exec", "attach", "portforward")},
        **{(plural, "proxy"): proxy for plural in ("nodes", "pods", "services")},
        (scheme.TOKEN_REVIEWS.group_resource, ""): reviews.review_tokens(chain, auth.authenticator),
        (scheme.SELF_SUBJECT_REVIEWS.group_resource, ""): reviews.review_myself(chain, now),
        (scheme.SUBJECT_ACCESS_REVIEWS.group_resource, ""): access,
        (scheme.LOCAL_SUBJECT_ACCESS_REVIEWS.group_resource, ""): access,
        (scheme.SELF_SUBJECT_ACCESS_REVIEWS.group_resource, ""): access,
        (scheme.SELF_SUBJECT_RULES_REVIEWS.group_resource, ""): reviews.review_rules(chain, auth.authorizer),
        ("serviceaccounts", "token"): tokens,
    }
