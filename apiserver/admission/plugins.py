"""Which admission plugins there are, in upstream's order; the flags choose among them."""

from __future__ import annotations

from apiserver.admission.attributes import Plugin
from apiserver.auth.rbac.escalation import RBACEscalation
from apiserver.auth.setup import Auth, cached
from apiserver.options import Options
from apiserver.storage.watch_cache import WatchCache

ALWAYS = frozenset(("RBACEscalation",))
"""What upstream has not as a plugin, but in the registry of its kinds."""


def build_plugins(options: Options, cache: WatchCache, auth: Auth) -> list[Plugin]:
    lookup = cached(cache)
    available: list[Plugin] = []
    if "RBAC" in options.authorization_mode:
        available.append(RBACEscalation(auth.authorizer, auth.rbac, lookup))
    enabled = options.enabled_plugins
    return [each for each in available if each.name in enabled or each.name in ALWAYS]
