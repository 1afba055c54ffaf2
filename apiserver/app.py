"""The apiserver put together: one place where all parts meet, and the list of filters in upstream's order."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.telemetry import TelemetryConfig
from starlette.middleware import Middleware

from apimachinery.errors import MethodNotAllowedError, PathNotFoundError
from apimachinery.objects import Object
from apimachinery.resource_metrics import POD_METRICS, RESOURCE_METRICS
from apimachinery.schema import SchemaSet, builtin
from apimachinery.scheme import (
    API_SERVICES,
    BUILTIN,
    COMPONENT_STATUSES,
    CONFIG_MAPS,
    CUSTOM_RESOURCE_DEFINITIONS,
    FLOW_SCHEMAS,
    LEASES,
    PRIORITY_LEVEL_CONFIGURATIONS,
    SECRETS,
    VALIDATING_ADMISSION_POLICIES,
    Resource,
)
from apiserver.admission.chain import Chain
from apiserver.admission.plugins import build_plugins
from apiserver.admission.policies.type_checking import Kinds
from apiserver.admission.webhooks.caller import Caller
from apiserver.aggregation.connections import Connections
from apiserver.aggregation.keeper import APIServiceKeeper
from apiserver.aggregation.proxy import Aggregation
from apiserver.aggregation.remotes import Remotes
from apiserver.asgi import App, Receive, Scope, Send
from apiserver.audit.auditor import build_auditor
from apiserver.auth.setup import build_auth
from apiserver.bootstrap.identity_lease import IdentityLease
from apiserver.bootstrap.kubernetes_service import KubernetesService
from apiserver.bootstrap.reconcile import Bootstrapper
from apiserver.bootstrap.service_cidr import DefaultServiceCIDR
from apiserver.bootstrap.start import Start, hook_checks
from apiserver.component_status import HEALTHZ, ComponentStatuses, etcd_probe, healthz_probe
from apiserver.customresources.controller import DefinitionController
from apiserver.customresources.served import CustomResources
from apiserver.discovery.routes import build_router as discovery_router
from apiserver.discovery.served import Served
from apiserver.dispatch import NOT_ALLOWED, Dispatcher
from apiserver.filters.audit import Audit, AuditFailedAuthentication
from apiserver.filters.authentication import Authentication
from apiserver.filters.authorization import Authorization, require
from apiserver.filters.compression import Compression
from apiserver.filters.draining import Draining
from apiserver.filters.fixed_headers import CrossOrigin, StrictTransportSecurity
from apiserver.filters.impersonation import Impersonation
from apiserver.filters.observe import Observe
from apiserver.filters.panic import PanicRecovery
from apiserver.filters.pretty import Pretty
from apiserver.filters.priority_and_fairness import PriorityAndFairness
from apiserver.filters.request_info import KEY, RequestInfoFilter
from apiserver.filters.timeout import Timeout
from apiserver.flow_control.controller import FlowController
from apiserver.flow_control.levels import Levels
from apiserver.journal import Journal
from apiserver.metrics import RequestMetrics
from apiserver.openapi import OpenAPI
from apiserver.openapi.routes import router as openapi_router
from apiserver.options import Options, advertised_address
from apiserver.param_kinds import ParamKinds, StoredKind
from apiserver.policy_status import PolicyStatus
from apiserver.registry.disabled_fields import DisabledFields
from apiserver.registry.lease_pool import LeasePool
from apiserver.registry.store import Shared, Store
from apiserver.registry.stores import build_stores, store_of
from apiserver.registry.strategies.registered import StrategyConfig, build_repair, build_strategies
from apiserver.registry.strategy import Strategy
from apiserver.resource_metrics.handler import ResourceMetrics
from apiserver.resource_metrics.kubelet import KubeletMetrics
from apiserver.resource_metrics.openapi import definitions as metrics_definitions
from apiserver.resource_metrics.sampler import Sampler
from apiserver.responses import uncached
from apiserver.routes import (
    ANY_METHOD,
    general_router,
    health_router,
    issuer_router,
    not_found,
    to_json,
)
from apiserver.services import ServiceAddresses
from apiserver.shutdown import Shutdown
from apiserver.storage.compaction import Compactor
from apiserver.storage.encryption.config import Seams
from apiserver.storage.encryption.keeping import EncryptionKeeper
from apiserver.storage.interface import Storage, StorageError
from apiserver.storage.watch_cache import WatchCache
from apiserver.subresources.kubelets import Backends
from apiserver.subresources.table import special_handlers
from component_base import clock
from component_base.features import parse_gates
from component_base.health_checks import Check, flag_check, ping

_ETCD_CHECK_SECONDS = 2.0
_SETTLED_SECONDS = 10.0
"""For discovery to know which custom resources there are."""
_PATHS = (
    "/.well-known/openid-configuration", "/api", "/apis", "/debug/journal", "/healthz", "/livez", "/metrics",
    "/metrics/slis", "/openapi/v2", "/openapi/v3", "/openapi/v3/", "/openid/v1/jwks", "/readyz", "/version",
)  # fmt: skip


class ApiServer:
    """All parts of one apiserver; `app` answers requests, `run` does the rest."""

    def __init__(self, options: Options, storage: Storage, now: Callable[[], datetime] = clock.now) -> None:
        self.options = options
        self.encryption: EncryptionKeeper | None = None
        if options.encryption_provider_config:
            self.encryption = EncryptionKeeper(
                options.encryption_provider_config,
                storage,
                reloads=options.encryption_provider_config_automatic_reload,
                seams=Seams(now=now),
            )
            storage = self.encryption.storage
        self.storage = storage
        self.cache = WatchCache(storage)
        self.metrics = RequestMetrics()
        self.shutdown = Shutdown()
        self.auditor = build_auditor(options, now)
        self.journal = Journal(now, Path(options.write_journal) if options.write_journal else None)
        self.auth = build_auth(options, self.cache, now)
        addresses = ServiceAddresses(self.cache, random.Random())
        self.webhooks = Caller(addresses)
        self.chain = Chain(
            build_plugins(options, storage, self.cache, self.auth, self.webhooks, self._find_kind, now)
        )
        self.leases = LeasePool(storage, int(options.event_ttl), time.monotonic)
        authorize = partial(require, self.auth.authorizer)
        shared = Shared(
            storage,
            self.cache,
            self.chain,
            now,
            authorize,
            event_lease=self.leases.lease,
            disabled=DisabledFields(parse_gates(options.feature_gates)),
        )
        self.sent = shared.sent
        self.stores = build_stores(shared, _strategies(options))
        self.custom = CustomResources(shared, self.webhooks.ask)
        self.definitions = DefinitionController(
            store_of(self.stores, CUSTOM_RESOURCE_DEFINITIONS), self.custom
        )
        policies = store_of(self.stores, VALIDATING_ADMISSION_POLICIES)
        self.policy_status = PolicyStatus(policies, self._kinds)
        self.remotes = Remotes(self.cache)
        self.served = Served(self.extra_resources)
        self.connections = Connections(
            addresses, options.proxy_client_cert_file, options.proxy_client_key_file
        )
        self.api_services = APIServiceKeeper(
            store_of(self.stores, API_SERVICES),
            BUILTIN,
            self.custom.resources,
            self.remotes,
            self.connections,
        )
        self.repair = build_repair(_ranges(options), storage, now, random.Random())
        self.bootstrapper = Bootstrapper(self.stores)
        seats = options.max_requests_inflight + options.max_mutating_requests_inflight
        self.levels = Levels(seats, time.monotonic)
        self.flows = FlowController(
            store_of(self.stores, FLOW_SCHEMAS),
            store_of(self.stores, PRIORITY_LEVEL_CONFIGURATIONS),
            self.bootstrapper,
            self.levels,
        )
        self.start = self._start(now)
        self.backends = Backends(options)
        special = special_handlers(options, self.cache, self.auth, self.chain, self.backends, now)
        special[COMPONENT_STATUSES.group_resource, ""] = self._component_statuses()
        kubelets = KubeletMetrics(self.backends.kubelets, options.kubelet_preferred_address_types)
        metrics = ResourceMetrics(self.cache, Sampler(kubelets.ask, time.monotonic), now)
        self.dispatcher = Dispatcher(
            self.stores, self.custom, self.cache, special, {POD_METRICS.gvk[:2]: metrics}
        )
        self.app = build_filters(self)

    async def _find_kind(self, api_version: str, kind: str) -> StoredKind | None:
        """For policies, which are there before the stores are."""
        return await ParamKinds(self.stores, self.custom).find(api_version, kind)

    def _kinds(self) -> Kinds:
        definitions = {**builtin().definitions, **self.custom.definitions()}
        return Kinds(self.custom.resources(), SchemaSet(definitions))

    def extra_resources(self) -> list[Resource]:
        return [*self.custom.resources(), *self._resource_metrics()]

    def extra_definitions(self) -> dict[str, Object]:
        return {**self.custom.definitions(), **metrics_definitions(self._resource_metrics())}

    def _resource_metrics(self) -> tuple[Resource, ...]:
        """Served here until somebody else does."""
        return () if POD_METRICS.gvk[:2] in self.remotes.all() else RESOURCE_METRICS

    async def run(self) -> None:
        """Everything that goes on beside requests; never returns."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.cache.run())
                group.create_task(Compactor(self.storage, forgotten=self.cache.forget_history).run())
                group.create_task(self.definitions.run())
                group.create_task(self.policy_status.run())
                group.create_task(self.api_services.run())
                group.create_task(self.repair.run())
                group.create_task(self.journal.run())
                group.create_task(self.start.run())
                group.create_task(self.flows.run())
                group.create_task(self.auth.legacy_tokens.run(*self._tokens_and_tracking()))
                group.create_task(self.auth.run())
                if self.auditor is not None:
                    group.create_task(self.auditor.run())
                if self.encryption is not None:
                    group.create_task(self.encryption.run())
        finally:
            await self.backends.aclose()
            await self.webhooks.aclose()
            await self.auth.aclose()
            if self.auditor is not None:
                await self.auditor.close()
            await self.connections.aclose()

    def _tokens_and_tracking(self) -> tuple[Store, Store]:
        return store_of(self.stores, SECRETS), store_of(self.stores, CONFIG_MAPS)

    def _start(self, now: Callable[[], datetime]) -> Start:
        options = self.options
        service = KubernetesService(
            self.bootstrapper,
            self.storage,
            service_ip=options.kubernetes_service_ip,
            address=advertised_address(options),
            port=options.secure_port,
        )
        cidr = DefaultServiceCIDR(self.bootstrapper, options.service_cluster_ip_range, now)
        has_roles = "RBAC" in self.auth.authorizer.types
        return Start(
            self.bootstrapper,
            self.cache,
            service,
            cidr,
            IdentityLease(self.bootstrapper, store_of(self.stores, LEASES), socket.gethostname(), now),
            self.flows.ensure,
            partial(self.auth.legacy_tokens.track, store_of(self.stores, CONFIG_MAPS)),
            options=options,
            has_roles=has_roles,
        )

    def health_checks(self) -> dict[str, dict[str, Check]]:
        """By endpoint: what is asked, in order."""
        loaded = flag_check(self.cache.ready.is_set, "the watch cache has not been loaded")
        registered = flag_check(self.api_services.is_settled.is_set, "APIServices have not been kept yet")
        hooks = hook_checks(self.start.checks(), loaded, registered)
        first: dict[str, Check] = {"ping": ping, "log": ping, "etcd": self._check_etcd}
        keys: dict[str, Check] = {}
        if self.encryption is not None and self.encryption.is_checked:
            keys["kms-providers"] = self.encryption.check
        live = {**first, **keys, **hooks}
        ready = {**first, **keys, "informer-sync": loaded, **hooks, "shutdown": self.shutdown.check}
        return {"healthz": live, "livez": live, "readyz": ready}

    def _component_statuses(self) -> ComponentStatuses:
        probes = {name: healthz_probe(self.backends.pods, url) for name, url in HEALTHZ.items()}
        return ComponentStatuses({**probes, "etcd-0": etcd_probe(self._check_etcd)})

    async def _check_etcd(self) -> str:
        try:
            async with asyncio.timeout(_ETCD_CHECK_SECONDS):
                await self.storage.current_revision()
        except (StorageError, TimeoutError) as error:
            return f"etcd client connection failed: {error}"
        return ""


def _ranges(options: Options) -> StrategyConfig:
    return StrategyConfig(options.service_cluster_ip_range, options.service_node_port_range)


def _strategies(options: Options) -> Callable[[Resource], Strategy]:
    table = build_strategies(_ranges(options))
    plain = Strategy()
    return lambda resource: table.get((resource.group, resource.plural), plain)


def build_app(options: Options, storage: Storage) -> ApiServer:
    """An apiserver over a storage; it serves once `run` is going."""
    return ApiServer(options, storage)


class Resources:
    """The last filter: takes what is under /api and /apis and names a resource; FastAPI has the rest."""

    def __init__(self, app: App, dispatcher: Dispatcher) -> None:
        self._app = app
        self._dispatcher = dispatcher

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        info = scope.get(KEY)
        if info is not None and info.is_resource:
            await self._dispatcher(scope, receive, send)
        else:
            await self._app(scope, receive, uncached(send))


def build_filters(server: ApiServer) -> App:
    """All filters, around the dispatcher, around FastAPI: resource requests need not pass its own layers."""
    options, auth = server.options, server.auth
    auditor = server.auditor
    origins, hsts = options.cors_allowed_origins, options.strict_transport_security_directives
    filters = [
        Middleware(PanicRecovery),
        *([Middleware(StrictTransportSecurity, hsts)] if hsts else []),
        Middleware(RequestInfoFilter),
        Middleware(Observe, server.metrics, server.journal),
        Middleware(Draining, server.shutdown),
        Middleware(Compression),
        Middleware(Pretty),
        Middleware(PanicRecovery),  # again: the errors that it answers are observed, too
        Middleware(Timeout, options.request_timeout),
        *([Middleware(CrossOrigin, origins)] if origins else []),
        *([Middleware(AuditFailedAuthentication, auditor)] if auditor else []),
        Middleware(Authentication, auth.authenticator),
        *([Middleware(Audit, auditor)] if auditor else []),
        Middleware(Impersonation, auth.authorizer),
        Middleware(PriorityAndFairness, server.levels, server.cache, server.metrics, options.request_timeout),
        Middleware(Authorization, auth.authorizer),
        Middleware(Aggregation, server.remotes, server.connections),
    ]
    app: App = Resources(build_fastapi(server), server.dispatcher)
    for each, arguments, _ in reversed(filters):
        app = each(app, *arguments)
    return app


def build_fastapi(server: ApiServer) -> FastAPI:
    """What is no resource: health, version, metrics, discovery, OpenAPI."""
    options, auth = server.options, server.auth
    # Its telemetry looks into the environment with every request.
    quiet: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False, telemetry=quiet)
    address = f"{options.external_hostname or advertised_address(options)}:{options.secure_port}"
    app.include_router(health_router(server.health_checks()))
    app.include_router(general_router(server.journal, server.levels))
    keys_url = options.service_account_jwks_uri or f"https://{address}/openid/v1/jwks"
    app.include_router(issuer_router(options.service_account_issuer[0], keys_url, auth.verifier))
    settled = partial(server.cache.wait_until_ready, _SETTLED_SECONDS)
    app.include_router(discovery_router(server.served, server.remotes, address, settled))
    remotes = server.remotes
    openapi = OpenAPI(
        server.served.resources, server.extra_definitions, remotes.described, remotes.described_in_v2
    )
    app.include_router(openapi_router(openapi, settled))
    _add_index(app, server)
    app.add_exception_handler(Exception, _pass_on)
    return app


async def _pass_on(request: Request, error: Exception) -> Response:
    """The filters answer it, and have to know of it."""
    raise error


def _add_index(app: FastAPI, server: ApiServer) -> None:
    """/ lists the paths there are; what leads nowhere, and what may not be done, is told as upstream does."""

    def paths() -> dict[str, list[str]]:
        served = [*server.served.group_versions(), *server.remotes.all()]
        groups = {f"/apis/{group}" for group, _ in served if group}
        versions = {f"/apis/{group}/{version}" if group else f"/api/{version}" for group, version in served}
        checks = {f"/{name}/{each}" for name, found in server.health_checks().items() for each in found}
        return {"paths": sorted({*_PATHS, *groups, *versions, *checks})}

    @app.api_route("/", methods=ANY_METHOD)
    @app.api_route("/index.html", methods=ANY_METHOD)
    async def index() -> Response:
        return to_json(paths())

    async def nothing(request: Request, error: Exception) -> Response:
        return not_found()

    async def not_allowed(request: Request, error: Exception) -> Response:
        first, group = (*request.url.path.strip("/").split("/"), "")[:2]
        known = paths()["paths"]
        if first == "apis" and f"/apis/{group}" not in known:
            return not_found()
        if first in ("api", "apis") and request.url.path.rstrip("/") not in (*known, "/api"):
            raise PathNotFoundError
        raise MethodNotAllowedError(message=NOT_ALLOWED)

    app.add_exception_handler(404, nothing)
    app.add_exception_handler(405, not_allowed)
