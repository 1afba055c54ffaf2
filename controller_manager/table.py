"""Every controller of the manager, one row each: its class, and what turns it on and sizes it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from apimachinery.objects import NamespacedName
from client.controller import Watch
from controller_manager.attach_detach.controller import AttachDetachController
from controller_manager.bootstrap_signer import BootstrapSigner, TokenCleaner
from controller_manager.certificates.approving import CertificateApprovingController
from controller_manager.certificates.cleaning import CertificateCleaningController
from controller_manager.certificates.signing import CertificateSigningController
from controller_manager.certificates.signing_files import signing_files
from controller_manager.cluster_role_aggregation import ClusterRoleAggregationController
from controller_manager.context import ControllerContext
from controller_manager.cron_job.controller import CronJobController
from controller_manager.daemon_set.controller import DaemonSetController
from controller_manager.deployment import DeploymentController
from controller_manager.disruption.controller import DisruptionController
from controller_manager.disruption.stale import StaleDisruptionController
from controller_manager.endpoint_slice_mirroring import EndpointSliceMirroringController
from controller_manager.endpoint_slices import EndpointSliceController
from controller_manager.endpoints import EndpointsController
from controller_manager.ephemeral_volume import EphemeralVolumeController
from controller_manager.garbage_collector.controller import GarbageCollector
from controller_manager.horizontal_pod_autoscaler.controller import HorizontalPodAutoscalerController
from controller_manager.job.controller import JobController
from controller_manager.legacy_token_cleaner import LegacyTokenCleaner
from controller_manager.local_path import LocalPathProvisioner
from controller_manager.namespace import NamespaceController
from controller_manager.node_ipam import NodeIpamController
from controller_manager.node_lifecycle import NodeLifecycleController
from controller_manager.node_ttl import NodeTTLController
from controller_manager.options import Options
from controller_manager.persistent_volume.controller import PersistentVolumeController
from controller_manager.pod_gc import PodGCController
from controller_manager.replicaset import ReplicaSetController
from controller_manager.replication_controller import ReplicationControllerController
from controller_manager.resource_claim import ResourceClaimController
from controller_manager.resource_quota.controller import ResourceQuotaController
from controller_manager.service_account_tokens import ServiceAccountTokensController
from controller_manager.service_accounts import RootCAPublisher, ServiceAccountsController
from controller_manager.service_cidrs import ServiceCIDRsController
from controller_manager.service_load_balancer import ServiceLoadBalancerController
from controller_manager.stateful_set.controller import StatefulSetController
from controller_manager.taint_eviction import TaintEvictionController
from controller_manager.ttl_after_finished import TTLAfterFinishedController
from controller_manager.volume_attributes_class_protection import VolumeAttributesClassProtectionController
from controller_manager.volume_expand import VolumeExpandController
from controller_manager.volume_protection import ClaimProtectionController, VolumeProtectionController


class Reconciler(Protocol):
    """What a controller is: what it watches, and one pass over one key."""

    def watches(self) -> Sequence[Watch]: ...

    def reconcile(self, key: NamespacedName) -> Awaitable[float | None]: ...


def always(options: Options) -> bool:
    """Nothing but --controllers decides."""
    return True


@dataclass(frozen=True, slots=True)
class Row:
    """One controller. `workers` names the option with their number, or is the number."""

    make: Callable[[ControllerContext], Reconciler]
    name: str
    workers: str | int = 1
    needed: Callable[[Options], bool] = always

    def worker_count(self, options: Options) -> int:
        return int(getattr(options, self.workers)) if isinstance(self.workers, str) else self.workers


def _row(make: Any, workers: str | int = 1, needed: Callable[[Options], bool] = always) -> Row:
    return Row(make, make.name, workers, needed)


CONTROLLERS: tuple[Row, ...] = (
    _row(DeploymentController, "concurrent_deployment_syncs"),
    _row(ReplicaSetController, "concurrent_replicaset_syncs"),
    _row(ReplicationControllerController, "concurrent_rc_syncs"),
    _row(StatefulSetController, "concurrent_statefulset_syncs"),
    _row(DaemonSetController, "concurrent_daemonset_syncs"),
    _row(JobController, "concurrent_job_syncs"),
    _row(CronJobController, "concurrent_cron_job_syncs"),
    _row(TTLAfterFinishedController, "concurrent_ttl_after_finished_syncs"),
    _row(HorizontalPodAutoscalerController, "concurrent_horizontal_pod_autoscaler_syncs"),
    _row(DisruptionController),
    _row(StaleDisruptionController),
    _row(ResourceQuotaController, "concurrent_resource_quota_syncs"),
    _row(EndpointsController, "concurrent_endpoint_syncs"),
    _row(EndpointSliceController, "concurrent_service_endpoint_syncs"),
    _row(EndpointSliceMirroringController, "mirroring_concurrent_service_endpoint_syncs"),
    _row(ServiceCIDRsController),
    _row(NamespaceController, "concurrent_namespace_syncs"),
    _row(GarbageCollector, "concurrent_gc_syncs", needed=lambda options: options.enable_garbage_collector),
    _row(ServiceAccountsController),
    _row(
        ServiceAccountTokensController,
        "concurrent_serviceaccount_token_syncs",
        needed=lambda options: bool(options.service_account_private_key_file),
    ),
    _row(LegacyTokenCleaner),
    _row(RootCAPublisher, needed=lambda options: bool(options.root_ca_file)),
    _row(
        NodeIpamController, needed=lambda options: options.allocate_node_cidrs and bool(options.cluster_cidr)
    ),
    _row(NodeLifecycleController, 8),
    _row(TaintEvictionController, 8),
    _row(NodeTTLController, 5),
    _row(PodGCController),
    _row(CertificateApprovingController),
    _row(CertificateSigningController, needed=lambda options: bool(signing_files(options))),
    _row(CertificateCleaningController),
    _row(ClusterRoleAggregationController),
    _row(BootstrapSigner),
    _row(TokenCleaner),
    _row(PersistentVolumeController),
    _row(ClaimProtectionController),
    _row(VolumeProtectionController),
    _row(VolumeAttributesClassProtectionController),
    _row(EphemeralVolumeController, "concurrent_ephemeralvolume_syncs"),
    _row(VolumeExpandController),
    _row(AttachDetachController, 8),
    _row(LocalPathProvisioner),
    _row(ResourceClaimController, 50),
    _row(ServiceLoadBalancerController, needed=lambda options: bool(options.load_balancer_pool)),
)
