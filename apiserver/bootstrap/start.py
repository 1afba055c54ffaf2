"""What an apiserver does once it is up, and how far it has got: upstream's post-start hooks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from apimachinery.errors import StatusError
from apiserver.bootstrap import objects
from apiserver.bootstrap.identity_lease import IdentityLease
from apiserver.bootstrap.kubernetes_service import KubernetesService
from apiserver.bootstrap.policy import Wanted
from apiserver.bootstrap.reconcile import Bootstrapper
from apiserver.bootstrap.service_cidr import DefaultServiceCIDR
from apiserver.options import Options
from apiserver.storage.interface import StorageError
from apiserver.storage.watch_cache import WatchCache
from component_base.health_checks import Check, flag_check

log = logging.getLogger(__name__)

_RETRY_SECONDS = 0.5
_KEEP_SECONDS, _COLLECT_SECONDS = 10.0, 3600.0
_NAMESPACES = "start-system-namespaces-controller"
_RBAC = "rbac/bootstrap-roles"
_PRIORITIES = "scheduling/bootstrap-system-priority-classes"
_FLOWS = "priority-and-fairness-config-producer"
_AUTHENTICATION = "start-cluster-authentication-info-controller"
_TOKENS = "start-legacy-token-tracking-controller"
_SERVICE = "bootstrap-controller"
_SERVICE_CIDR = "start-kubernetes-service-cidr-controller"
_IDENTITY = "start-kube-apiserver-identity-lease-controller"
_IDENTITIES = "start-kube-apiserver-identity-lease-garbage-collector"
_REPAIR = "start-service-ip-repair-controllers"
_HOOKS = (
    *(_NAMESPACES, _AUTHENTICATION, _IDENTITY, _IDENTITIES, _TOKENS, _REPAIR),
    *(_RBAC, _PRIORITIES, _FLOWS, _SERVICE, _SERVICE_CIDR),
)


class Start:
    """Runs the hooks until each has succeeded, then keeps what needs keeping."""

    def __init__(
        self,
        bootstrapper: Bootstrapper,
        cache: WatchCache,
        service: KubernetesService,
        service_cidr: DefaultServiceCIDR,
        identity: IdentityLease,
        ensure_flows: Callable[[], Awaitable[None]],
        track_tokens: Callable[[], Awaitable[None]],
        *,
        options: Options,
        has_roles: bool,
    ) -> None:
        """`has_roles`: whether RBAC decides, so that it needs the default ones."""
        self._bootstrapper = bootstrapper
        self._cache = cache
        self._service = service
        self._service_cidr = service_cidr
        self._identity = identity
        self._options = options
        self._has_roles = has_roles
        self._ensure_flows = ensure_flows
        self._track_tokens = track_tokens
        self._done: set[str] = set()
        self.finished = asyncio.Event()

    def checks(self) -> dict[str, Check]:
        """A health check for every hook."""
        return {f"poststarthook/{name}": flag_check(partial(self._is_done, name)) for name in _HOOKS}

    def _is_done(self, name: str) -> bool:
        return name in self._done

    async def run(self) -> None:
        await self._cache.ready.wait()
        self._done.add(_REPAIR)  # it runs beside, and needs no more than the cache
        # Everything namespaced waits for its namespace; the rest is independent.
        await self._hook(_NAMESPACES, self._ensure(objects.namespaces))
        rbac = objects.rbac if self._has_roles else list
        async with asyncio.TaskGroup() as group:
            group.create_task(self._hook(_RBAC, self._ensure(rbac)))
            group.create_task(self._hook(_PRIORITIES, self._ensure(objects.priority_classes)))
            group.create_task(self._hook(_FLOWS, self._ensure_flows))
            group.create_task(self._hook(_TOKENS, self._track_tokens))
            group.create_task(self._hook(_AUTHENTICATION, self._ensure(self._authentication)))
            group.create_task(self._hook(_SERVICE, self._service.sync))
            group.create_task(self._hook(_SERVICE_CIDR, self._service_cidr.sync))
            group.create_task(self._hook(_IDENTITY, self._identity.renew))
            group.create_task(self._hook(_IDENTITIES, self._identity.collect))
        self.finished.set()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep(_SERVICE, self._service.sync))
            group.create_task(self._keep(_SERVICE_CIDR, self._service_cidr.sync))
            group.create_task(self._keep(_IDENTITY, self._identity.renew))
            group.create_task(self._keep(_IDENTITIES, self._identity.collect, _COLLECT_SECONDS))

    async def leave(self) -> None:
        """What an apiserver that ends does first."""
        await self._service.leave()

    def _authentication(self) -> list[Wanted]:
        return objects.authentication_info(self._options)

    def _ensure(self, wanted: Callable[[], list[Wanted]]) -> Callable[[], Awaitable[None]]:
        async def ensure() -> None:
            await self._bootstrapper.ensure_all(wanted())

        return ensure

    async def _hook(self, name: str, action: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await action()
            except* (StatusError, StorageError) as errors:
                log.warning(
                    "Failed a post-start hook, trying again: name=%s err=%s", name, errors.exceptions[0]
                )
            else:
                self._done.add(name)
                return
            await asyncio.sleep(_RETRY_SECONDS)

    async def _keep(
        self, name: str, sync: Callable[[], Awaitable[None]], seconds: float = _KEEP_SECONDS
    ) -> None:
        """Never ends."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await sync()
            except (StatusError, StorageError) as error:
                log.warning("Failed to keep what a post-start hook made: name=%s err=%s", name, error)
