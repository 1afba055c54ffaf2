"""What /healthz, /livez and /readyz ask of an apiserver, under upstream's names and in its order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from apiserver.options import Options
from apiserver.storage.interface import Storage, StorageError
from apiserver.storage.keys import ROOT
from component_base.health_checks import Check, delayed, flag_check, ping

if TYPE_CHECKING:
    from apiserver.assembly import ApiServer

# Upstream starts in many steps what is one here: each is done when the watch cache has been loaded or, of the
# last group, when the APIServices are kept.
_FIRST = ("start-apiserver-admission-initializer", "generic-apiserver-start-informers")
_WITH_CACHE = (
    "storage-object-count-tracker-hook", "start-apiextensions-informers", "start-apiextensions-controllers",
    "crd-informer-synced",
)  # fmt: skip
_WITH_PRIORITIES = ("priority-and-fairness-config-consumer", "priority-and-fairness-filter")
_WITHOUT_PRIORITIES = ("max-in-flight-filter",)
_PROXY_CERTIFICATE, _AGGREGATOR = "aggregator-reload-proxy-client-cert", "start-kube-aggregator-informers"
_ENCRYPTION_RELOADS = "start-encryption-provider-config-automatic-reload"
_WITH_API_SERVICES = (
    "apiservice-status-local-available-controller", "apiservice-status-remote-available-controller",
    "apiservice-registration-controller", "apiservice-wait-for-first-sync", "apiservice-discovery-controller",
    "kube-apiserver-autoregistration", "autoregister-completion", "apiservice-openapi-controller",
    "apiservice-openapiv3-controller",
)  # fmt: skip

_ETCD_HEALTH = f"{ROOT}health"
"""Upstream's question, too, which a sole apiserver must not answer by itself."""


def health_checks(server: ApiServer) -> dict[str, dict[str, Check]]:
    """By endpoint: what is asked, in order."""
    options = server.options
    loaded = flag_check(server.cache.ready.is_set, "the watch cache has not been loaded")
    registered = flag_check(server.api_services.is_settled.is_set, "APIServices have not been kept yet")
    hooks = _hook_checks(server.start.checks(), loaded, registered, options)
    is_healthy = partial(etcd_problem, server.storage, options.etcd_healthcheck_timeout)
    is_ready = partial(etcd_problem, server.storage, options.etcd_readycheck_timeout)
    first: dict[str, Check] = {"ping": ping, "log": ping, "etcd": is_healthy}
    # Without the plugins of encryption: a restart mends none.
    live = {**first, **_later(hooks, options.livez_grace_period)}
    if server.encryption is not None and server.encryption.is_checked:
        first["kms-providers"] = server.encryption.check
    healthy = {**first, **hooks}
    ready: dict[str, Check] = {
        **first,
        "etcd": is_ready,
        "informer-sync": loaded,
        **hooks,
        "shutdown": server.shutdown.check,
    }
    return {"healthz": healthy, "livez": live, "readyz": ready}


async def etcd_problem(storage: Storage, seconds: float) -> str:
    """Empty if the store answers within so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await storage.get(_ETCD_HEALTH)
    except (StorageError, TimeoutError) as error:
        return f"etcd client connection failed: {error}"
    return ""


def _hook_checks(
    own: Mapping[str, Check], loaded: Check, registered: Check, options: Options
) -> dict[str, Check]:
    """The checks of everything that upstream starts, under its names and in its order."""
    reloads = (_ENCRYPTION_RELOADS,) if options.encryption_provider_config_automatic_reload else ()
    limits = _WITH_PRIORITIES if options.enable_priority_and_fairness else _WITHOUT_PRIORITIES
    later = (_PROXY_CERTIFICATE, _AGGREGATOR) if options.proxy_client_cert_file else (_AGGREGATOR,)
    return {
        **dict.fromkeys(map(_hook_name, (*reloads, *_FIRST, *limits, *_WITH_CACHE)), loaded),
        **own,
        **dict.fromkeys(map(_hook_name, later), loaded),
        **dict.fromkeys(map(_hook_name, _WITH_API_SERVICES), registered),
    }


def _hook_name(name: str) -> str:
    return name if name == "autoregister-completion" else f"poststarthook/{name}"


def _later(hooks: Mapping[str, Check], seconds: float) -> dict[str, Check]:
    """Hooks are given so much time to end before a server counts as dead for them."""
    due = time.monotonic() + seconds
    return {name: delayed(check, lambda: time.monotonic() > due) for name, check in hooks.items()}
