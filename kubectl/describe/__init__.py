"""`describe`: per kind a function that writes it and one that fetches what it needs; the table of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from apimachinery import scheme
from apimachinery.objects import Object
from kubectl.describe import autoscalers, config, nodes, pods, rules, services, storage, workloads
from kubectl.describe.events import write_events
from kubectl.describe.generic import write_generic
from kubectl.describe.related import (
    Fetch,
    Related,
    by_selector,
    nothing,
    of_namespace,
    pods_and_lease_of_node,
    slices_of_service,
)
from kubectl.describe.writer import Writer


def _pod(writer: Writer, obj: Object, _: Related) -> None:
    pods.write_pod(writer, obj)


@dataclass(frozen=True, slots=True)
class Description:
    """How a kind is described."""

    write: Callable[[Writer, Object, Related], None]
    fetch: Fetch = nothing
    events: bool = True


GENERIC = Description(write_generic)
_PODS = by_selector(scheme.PODS)

DESCRIPTIONS: dict[str, Description] = {
    "Pod": Description(_pod),
    "Deployment.apps": Description(workloads.write_deployment, by_selector(scheme.REPLICA_SETS)),
    "ReplicaSet.apps": Description(workloads.write_replica_set, _PODS),
    "ReplicationController": Description(workloads.write_replica_set, _PODS),
    "StatefulSet.apps": Description(workloads.write_stateful_set, _PODS),
    "DaemonSet.apps": Description(workloads.write_daemon_set, _PODS),
    "Job.batch": Description(workloads.write_job),
    "CronJob.batch": Description(workloads.write_cron_job),
    "HorizontalPodAutoscaler.autoscaling": Description(autoscalers.write_autoscaler),
    "Service": Description(services.write_service, slices_of_service),
    "Endpoints": Description(services.write_endpoints),
    "EndpointSlice.discovery.k8s.io": Description(services.write_endpoint_slice),
    "Ingress.networking.k8s.io": Description(services.write_ingress),
    "NetworkPolicy.networking.k8s.io": Description(rules.write_network_policy, events=False),
    "Node": Description(nodes.write_node, pods_and_lease_of_node),
    "Namespace": Description(
        config.write_namespace,
        of_namespace(scheme.RESOURCE_QUOTAS, scheme.LIMIT_RANGES, of_name=True),
        events=False,
    ),
    "ConfigMap": Description(config.write_config_map),
    "Secret": Description(config.write_secret, events=False),
    "ServiceAccount": Description(config.write_service_account, of_namespace(scheme.SECRETS)),
    "LimitRange": Description(config.write_limit_range, events=False),
    "ResourceQuota": Description(config.write_resource_quota, events=False),
    "PersistentVolume": Description(storage.write_volume),
    "PersistentVolumeClaim": Description(storage.write_claim, of_namespace(scheme.PODS)),
    "StorageClass.storage.k8s.io": Description(storage.write_storage_class),
    "Role.rbac.authorization.k8s.io": Description(rules.write_role, events=False),
    "ClusterRole.rbac.authorization.k8s.io": Description(rules.write_role, events=False),
    "RoleBinding.rbac.authorization.k8s.io": Description(rules.write_binding, events=False),
    "ClusterRoleBinding.rbac.authorization.k8s.io": Description(rules.write_binding, events=False),
}
"""By kind and group."""


def description_of(group_kind: str) -> Description:
    return DESCRIPTIONS.get(group_kind, GENERIC)


def render(
    description: Description, obj: Object, related: Related, events: list[Object] | None, now: datetime
) -> str:
    """The whole text; without `events` that section is left out."""
    writer = Writer()
    description.write(writer, obj, related)
    if events is not None and description.events:
        write_events(writer, events, now)
    return writer.text()
