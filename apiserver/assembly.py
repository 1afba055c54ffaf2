"""The apiserver put together: the one place where all parts meet."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

from apimachinery.objects import Object
from apimachinery.resource_metrics import POD_METRICS, RESOURCE_METRICS
from apimachinery.schema import SchemaSet, builtin
from apimachinery.scheme import (
    API_SERVICES,
    BUILTIN,
    COMPONENT_STATUSES,
    CONFIG_MAPS,
    CUSTOM_RESOURCE_DEFINITIONS,
    ENDPOINTS,
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
from apiserver.aggregation.remotes import Remotes
from apiserver.app import build_filters
from apiserver.audit.auditor import build_auditor
from apiserver.auth.attempts import Attempts
from apiserver.auth.setup import build_auth
from apiserver.bootstrap.apiserver_addresses import Addresses, Counted, Leased, Unknown
from apiserver.bootstrap.identity_lease import IdentityLease
from apiserver.bootstrap.kubernetes_service import KubernetesService
from apiserver.bootstrap.reconcile import Bootstrapper
from apiserver.bootstrap.service_cidr import DefaultServiceCIDR
from apiserver.bootstrap.start import Start
from apiserver.component_status import HEALTHZ, ComponentStatuses, etcd_probe, healthz_probe
from apiserver.customresources.controller import DefinitionController
from apiserver.customresources.served import CustomResources
from apiserver.discovery.served import Served
from apiserver.dispatch import Dispatcher
from apiserver.filters.authorization import require
from apiserver.flow_control.controller import PRODUCER, FlowController
from apiserver.flow_control.levels import Levels
from apiserver.health import etcd_problem
from apiserver.journal import Journal
from apiserver.metrics import RequestMetrics
from apiserver.options import Options, advertised_address
from apiserver.param_kinds import ParamKinds, StoredKind
from apiserver.policy_status import PolicyStatus
from apiserver.registry.allocators_ports import PortAllocator
from apiserver.registry.allocators_ranges import AddressRanges
from apiserver.registry.allocators_repair import AllocationRepair
from apiserver.registry.disabled_fields import DisabledFields
from apiserver.registry.lease_pool import LeasePool
from apiserver.registry.store import Shared, Store
from apiserver.registry.stores import build_stores, store_of
from apiserver.registry.strategies.registered import build_strategies
from apiserver.registry.strategies.service_allocation import ServiceAllocator
from apiserver.registry.strategy import Strategy
from apiserver.resource_metrics.handler import ResourceMetrics
from apiserver.resource_metrics.kubelet import KubeletMetrics
from apiserver.resource_metrics.openapi import definitions as metrics_definitions
from apiserver.resource_metrics.sampler import Sampler
from apiserver.services import ServiceAddresses
from apiserver.shutdown import Shutdown
from apiserver.storage.compaction import Compactor
from apiserver.storage.encryption.config import Seams
from apiserver.storage.encryption.keeping import EncryptionKeeper
from apiserver.storage.interface import Storage
from apiserver.storage.watch_cache import WatchCache
from apiserver.subresources.kubelets import Backends
from apiserver.subresources.table import special_handlers
from component_base import clock
from component_base.features import parse_gates

_ETCD_PROBE_SECONDS = 2.0


class ApiServer:
    """All parts of one apiserver; `app` answers requests, `run` does the rest."""

    def __init__(self, options: Options, storage: Storage, now: Callable[[], datetime] = clock.now) -> None:
        self.options = options
        self.encryption = _encryption(options, storage, now)
        if self.encryption is not None:
            storage = self.encryption.storage
        self.storage = storage
        self.cache = WatchCache(storage)
        self.metrics = RequestMetrics()
        self.attempts = Attempts()
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
        shared = Shared(
            storage,
            self.cache,
            self.chain,
            now,
            partial(require, self.auth.authorizer),
            event_lease=self.leases.lease,
            watch_seconds=options.min_request_timeout,
            disabled=DisabledFields(parse_gates(options.feature_gates)),
        )
        self.sent = shared.sent
        allocators = _allocators(options)
        self.stores = build_stores(shared, _strategies(ServiceAllocator(*allocators)))
        self.custom = CustomResources(shared, self.webhooks.ask)
        self.definitions = DefinitionController(self._store(CUSTOM_RESOURCE_DEFINITIONS), self.custom)
        self.policy_status = PolicyStatus(self._store(VALIDATING_ADMISSION_POLICIES), self._kinds)
        self.remotes = Remotes(self.cache)
        self.served = Served(self.extra_resources)
        self.connections = Connections(
            addresses, options.proxy_client_cert_file, options.proxy_client_key_file
        )
        self.api_services = APIServiceKeeper(
            self._store(API_SERVICES), BUILTIN, self.custom.resources, self.remotes, self.connections
        )
        self.repair = AllocationRepair(storage, *allocators, now)
        self.bootstrapper = Bootstrapper(self.stores)
        seats = options.max_requests_inflight + options.max_mutating_requests_inflight
        self.levels = Levels(seats, time.monotonic)
        self.flows = FlowController(
            self._store(FLOW_SCHEMAS),
            self._store(PRIORITY_LEVEL_CONFIGURATIONS),
            Bootstrapper(self.stores, PRODUCER),
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

    def _store(self, resource: Resource) -> Store:
        return store_of(self.stores, resource)

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
        tokens = self.auth.legacy_tokens
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.cache.run())
                group.create_task(self._compactor().run())
                group.create_task(self.definitions.run())
                group.create_task(self.policy_status.run())
                group.create_task(self.api_services.run())
                group.create_task(self.repair.run())
                group.create_task(self.journal.run())
                group.create_task(self.start.run())
                is_queuing = self.options.enable_priority_and_fairness
                group.create_task(self.flows.run() if is_queuing else self.flows.keep())
                group.create_task(tokens.run(self._store(SECRETS), self._store(CONFIG_MAPS)))
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
                await self.auditor.aclose()
            await self.connections.aclose()

    def _compactor(self) -> Compactor:
        interval = self.options.etcd_compaction_interval
        return Compactor(self.storage, interval, self.cache.forget_history)

    def _start(self, now: Callable[[], datetime]) -> Start:
        options = self.options
        service = KubernetesService(
            self.bootstrapper,
            self._service_addresses(),
            service_ip=options.kubernetes_service_ip,
            port=options.secure_port,
            node_port=options.kubernetes_service_node_port,
        )
        cidr = DefaultServiceCIDR(self.bootstrapper, options.service_cluster_ip_range, now)
        return Start(
            self.bootstrapper,
            self.cache,
            service,
            cidr,
            IdentityLease(self.bootstrapper, self._store(LEASES), socket.gethostname(), now),
            self.flows.ensure,
            partial(self.auth.legacy_tokens.track, self._store(CONFIG_MAPS)),
            options=options,
            has_roles="RBAC" in self.auth.authorizer.types,
        )

    def _service_addresses(self) -> Addresses:
        own = advertised_address(self.options)
        match self.options.endpoint_reconciler_type:
            case "none":
                return Unknown()
            case "master-count":
                return Counted(self._store(ENDPOINTS), own, self.options.apiserver_count)
        return Leased(self.storage, own)

    def _component_statuses(self) -> ComponentStatuses:
        probes = {name: healthz_probe(self.backends.pods, url) for name, url in HEALTHZ.items()}
        return ComponentStatuses(
            {**probes, "etcd-0": etcd_probe(partial(etcd_problem, self.storage, _ETCD_PROBE_SECONDS))}
        )


def _encryption(options: Options, storage: Storage, now: Callable[[], datetime]) -> EncryptionKeeper | None:
    """Raises ConfigError."""
    if not options.encryption_provider_config:
        return None
    return EncryptionKeeper(
        options.encryption_provider_config,
        storage,
        reloads=options.encryption_provider_config_automatic_reload,
        seams=Seams(now=now),
    )


def _allocators(options: Options) -> tuple[AddressRanges, PortAllocator]:
    """Who gives Services their addresses and their node ports."""
    dice = random.Random()
    return (
        AddressRanges(options.service_cluster_ip_range, dice),
        PortAllocator(options.service_node_port_range, dice),
    )


def _strategies(allocator: ServiceAllocator) -> Callable[[Resource], Strategy]:
    table, plain = build_strategies(allocator), Strategy()
    return lambda resource: table.get((resource.group, resource.plural), plain)
