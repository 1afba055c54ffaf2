"""Which strategy serves which kind: the one table."""

from __future__ import annotations

from collections.abc import Mapping

from apimachinery import scheme
from apimachinery.scheme import Resource
from apiserver.registry.strategies.admission_policies import (
    AdmissionPolicyBindingStrategy,
    AdmissionPolicyStrategy,
)
from apiserver.registry.strategies.api_service import APIServiceStrategy
from apiserver.registry.strategies.autoscaling import HorizontalPodAutoscalerStrategy
from apiserver.registry.strategies.certificates import CertificateSigningRequestStrategy
from apiserver.registry.strategies.classes import PriorityClassStrategy, RuntimeClassStrategy
from apiserver.registry.strategies.config import ConfigMapStrategy, SecretStrategy
from apiserver.registry.strategies.crd import CustomResourceDefinitionStrategy
from apiserver.registry.strategies.cron_job import CronJobStrategy
from apiserver.registry.strategies.csi import CSIDriverStrategy, CSINodeStrategy, CSIStorageCapacityStrategy
from apiserver.registry.strategies.daemon_set import DaemonSetStrategy
from apiserver.registry.strategies.deployment import DeploymentStrategy
from apiserver.registry.strategies.devices.claims import ResourceClaimStrategy, ResourceClaimTemplateStrategy
from apiserver.registry.strategies.devices.offers import DeviceClassStrategy, ResourceSliceStrategy
from apiserver.registry.strategies.endpoints import EndpointSliceStrategy, EndpointsStrategy
from apiserver.registry.strategies.event import EventStrategy
from apiserver.registry.strategies.flow_control import FlowSchemaStrategy, PriorityLevelStrategy
from apiserver.registry.strategies.ingress import IngressClassStrategy, IngressStrategy
from apiserver.registry.strategies.job import JobStrategy
from apiserver.registry.strategies.lease import LeaseStrategy
from apiserver.registry.strategies.namespace import NamespaceStrategy
from apiserver.registry.strategies.network_policy import NetworkPolicyStrategy
from apiserver.registry.strategies.node import NodeStrategy
from apiserver.registry.strategies.pod import PodStrategy
from apiserver.registry.strategies.pod_disruption_budget import PodDisruptionBudgetStrategy
from apiserver.registry.strategies.pod_template import PodTemplateStrategy
from apiserver.registry.strategies.quotas import LimitRangeStrategy, ResourceQuotaStrategy
from apiserver.registry.strategies.rbac import RoleBindingStrategy, RoleStrategy
from apiserver.registry.strategies.replicas import ReplicaSetStrategy, ReplicationControllerStrategy
from apiserver.registry.strategies.service import ServiceStrategy
from apiserver.registry.strategies.service_account import ServiceAccountStrategy
from apiserver.registry.strategies.service_allocation import ServiceAllocator
from apiserver.registry.strategies.service_cidrs import IPAddressStrategy, ServiceCIDRStrategy
from apiserver.registry.strategies.stateful_set import ControllerRevisionStrategy, StatefulSetStrategy
from apiserver.registry.strategies.storage_classes import StorageClassStrategy, VolumeAttributesClassStrategy
from apiserver.registry.strategies.storage_volumes import (
    PersistentVolumeClaimStrategy,
    PersistentVolumeStrategy,
)
from apiserver.registry.strategies.volume_attachment import VolumeAttachmentStrategy
from apiserver.registry.strategies.webhooks import WebhookConfigurationStrategy
from apiserver.registry.strategy import Strategy


def build_strategies(allocator: ServiceAllocator) -> Mapping[tuple[str, str], Strategy]:
    """(group, plural) -> the strategy of every kind that has one of its own."""
    table: dict[Resource, Strategy] = {
        scheme.CONFIG_MAPS: ConfigMapStrategy(),
        scheme.ENDPOINTS: EndpointsStrategy(),
        scheme.EVENTS: EventStrategy(),
        scheme.LIMIT_RANGES: LimitRangeStrategy(),
        scheme.NAMESPACES: NamespaceStrategy(),
        scheme.NODES: NodeStrategy(),
        scheme.PERSISTENT_VOLUME_CLAIMS: PersistentVolumeClaimStrategy(),
        scheme.PERSISTENT_VOLUMES: PersistentVolumeStrategy(),
        scheme.PODS: PodStrategy(),
        scheme.POD_TEMPLATES: PodTemplateStrategy(),
        scheme.REPLICATION_CONTROLLERS: ReplicationControllerStrategy(),
        scheme.RESOURCE_QUOTAS: ResourceQuotaStrategy(),
        scheme.SECRETS: SecretStrategy(),
        scheme.SERVICE_ACCOUNTS: ServiceAccountStrategy(),
        scheme.SERVICES: ServiceStrategy(allocator),
        scheme.MUTATING_WEBHOOK_CONFIGURATIONS: WebhookConfigurationStrategy(mutating=True),
        scheme.VALIDATING_WEBHOOK_CONFIGURATIONS: WebhookConfigurationStrategy(mutating=False),
        scheme.VALIDATING_ADMISSION_POLICIES: AdmissionPolicyStrategy(),
        scheme.VALIDATING_ADMISSION_POLICY_BINDINGS: AdmissionPolicyBindingStrategy(),
        scheme.API_SERVICES: APIServiceStrategy(),
        scheme.FLOW_SCHEMAS: FlowSchemaStrategy(),
        scheme.PRIORITY_LEVEL_CONFIGURATIONS: PriorityLevelStrategy(),
        scheme.CUSTOM_RESOURCE_DEFINITIONS: CustomResourceDefinitionStrategy(),
        scheme.CONTROLLER_REVISIONS: ControllerRevisionStrategy(),
        scheme.DAEMON_SETS: DaemonSetStrategy(),
        scheme.DEPLOYMENTS: DeploymentStrategy(),
        scheme.REPLICA_SETS: ReplicaSetStrategy(),
        scheme.STATEFUL_SETS: StatefulSetStrategy(),
        scheme.HORIZONTAL_POD_AUTOSCALERS: HorizontalPodAutoscalerStrategy(),
        scheme.CRON_JOBS: CronJobStrategy(),
        scheme.JOBS: JobStrategy(),
        scheme.CERTIFICATE_SIGNING_REQUESTS: CertificateSigningRequestStrategy(),
        scheme.LEASES: LeaseStrategy(),
        scheme.ENDPOINT_SLICES: EndpointSliceStrategy(),
        scheme.EVENTS_V1: EventStrategy(is_new=True),
        scheme.INGRESSES: IngressStrategy(),
        scheme.INGRESS_CLASSES: IngressClassStrategy(),
        scheme.IP_ADDRESSES: IPAddressStrategy(),
        scheme.NETWORK_POLICIES: NetworkPolicyStrategy(),
        scheme.SERVICE_CIDRS: ServiceCIDRStrategy(),
        scheme.RUNTIME_CLASSES: RuntimeClassStrategy(),
        scheme.POD_DISRUPTION_BUDGETS: PodDisruptionBudgetStrategy(),
        scheme.CLUSTER_ROLE_BINDINGS: RoleBindingStrategy(namespaced=False),
        scheme.CLUSTER_ROLES: RoleStrategy(namespaced=False),
        scheme.ROLE_BINDINGS: RoleBindingStrategy(namespaced=True),
        scheme.ROLES: RoleStrategy(namespaced=True),
        scheme.DEVICE_CLASSES: DeviceClassStrategy(),
        scheme.RESOURCE_CLAIMS: ResourceClaimStrategy(),
        scheme.RESOURCE_CLAIM_TEMPLATES: ResourceClaimTemplateStrategy(),
        scheme.RESOURCE_SLICES: ResourceSliceStrategy(),
        scheme.PRIORITY_CLASSES: PriorityClassStrategy(),
        scheme.CSI_DRIVERS: CSIDriverStrategy(),
        scheme.CSI_NODES: CSINodeStrategy(),
        scheme.CSI_STORAGE_CAPACITIES: CSIStorageCapacityStrategy(),
        scheme.STORAGE_CLASSES: StorageClassStrategy(),
        scheme.VOLUME_ATTACHMENTS: VolumeAttachmentStrategy(),
        scheme.VOLUME_ATTRIBUTES_CLASSES: VolumeAttributesClassStrategy(),
    }
    return {(resource.group, resource.plural): strategy for resource, strategy in table.items()}
