"""From the name of an object to its Explanation: which facts to gather and which rules to ask, by kind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from apimachinery import scheme
from apimachinery.errors import NotFoundError
from apimachinery.objects import Object, get_path, name_of, namespace_of
from apimachinery.pods import is_ready, phase_of
from apimachinery.scheme import Resource
from kubeadm.inspection import Inspection
from kubectl.evidence import daemons
from kubectl.evidence.asker import Asker
from kubectl.failures import CommandError
from kubectl.why.diagnosis import Cause, Diagnosis, Evidence, Fix
from kubectl.why.explanation import Explanation
from kubectl.why.facts import ServiceFacts, WorkloadFacts
from kubectl.why.gather.cluster import cluster_facts
from kubectl.why.gather.pods import claim_facts, pod_facts
from kubectl.why.gather.services import service_facts
from kubectl.why.gather.workloads import workload_facts
from kubectl.why.rules.autoscalers import autoscaler as why_autoscaler
from kubectl.why.rules.autoscalers import summary as autoscaler_summary
from kubectl.why.rules.claims import claim as why_claim
from kubectl.why.rules.cluster import cluster as why_cluster
from kubectl.why.rules.cluster import summary as cluster_summary
from kubectl.why.rules.nodes import NodeFacts
from kubectl.why.rules.nodes import node as why_node
from kubectl.why.rules.pods import is_healthy
from kubectl.why.rules.pods import pod as why_pod
from kubectl.why.rules.services import service as why_service
from kubectl.why.rules.workloads import wanted_and_ready
from kubectl.why.rules.workloads import workload as why_workload

Explainer = Callable[[Asker, Resource, Object], Awaitable[Explanation]]


async def explain(asker: Asker, resource: Resource, name: str, namespace: str) -> Explanation:
    """Raises NotFoundError, and CommandError for kinds that nothing is known of."""
    explainer = EXPLAINERS.get(resource.kind)
    if explainer is None:
        known = ", ".join(sorted(kind.lower() for kind in EXPLAINERS))
        raise CommandError(f"why knows nothing of {resource.plural}; it knows of {known}")
    try:
        obj = await asker.client.get(resource, name, namespace or None)
    except NotFoundError:
        gone = await _gone(asker, resource, name, namespace)
        if gone is None:
            raise
        return gone
    return await explainer(asker, resource, obj)


async def _gone(asker: Asker, resource: Resource, name: str, namespace: str) -> Explanation | None:
    """What is not there may have been, and the journal knows who took it away."""
    line = await daemons.deletion(asker, resource.group_resource, namespace, name)
    if line is None:
        return None
    label = f"{resource.kind.lower()}/{name}"
    finding = Diagnosis(
        cause=Cause.ENDING,
        headline=f"it is gone: deleted by {line['user']} at {line['time']}",
        evidence=(Evidence(label, "deleted", f"by {line['userAgent']}", str(line["revision"])),),
        fix=Fix("apply it again"),
    )
    return Explanation(subject=label, namespace=namespace, findings=[finding])


async def _pod(asker: Asker, resource: Resource, obj: Object) -> Explanation:
    facts = await pod_facts(asker, obj)
    return _explanation(
        asker, resource, obj, why_pod(facts), f"{phase_of(obj)}, {ready_containers(obj)} ready"
    )


def ready_containers(pod: Object) -> str:
    statuses = get_path(pod, "status.containerStatuses") or []
    return f"{sum(bool(each.get('ready')) for each in statuses)}/{len(pod['spec']['containers'])}"


async def _workload(asker: Asker, resource: Resource, obj: Object) -> Explanation:
    facts = await workload_facts(asker, resource, obj)
    return _explanation(asker, resource, obj, why_workload(facts), _state(facts))


def _state(facts: WorkloadFacts) -> str:
    if facts.kind in ("Job", "CronJob"):
        return f"{sum(map(is_healthy, facts.pods))} of {len(facts.pods)} pods well"
    wanted, ready = wanted_and_ready(facts)
    return f"{ready} of {wanted} ready"


async def _service(asker: Asker, resource: Resource, obj: Object) -> Explanation:
    facts = await service_facts(asker, obj)
    if facts.backends and not any(is_ready(each.pod) for each in facts.backends):
        first = await pod_facts(asker, facts.backends[0].pod)
        facts = replace(facts, because=next(iter(why_pod(first)), None))
    return _explanation(asker, resource, obj, why_service(facts), _way(facts))


def _way(facts: ServiceFacts) -> str:
    ready = sum(is_ready(each.pod) for each in facts.backends)
    parts = [f"{ready} of {len(facts.backends)} pods ready"] if facts.backends else ["it needs no pods"]
    if facts.programmed:
        nodes = len(facts.programmed)
        parts.append(f"rules programmed on {nodes} {'node' if nodes == 1 else 'nodes'}")
    return ", ".join(parts)


async def _node(asker: Asker, resource: Resource, obj: Object) -> Explanation:
    lease = await daemons.lease(asker, name_of(obj), "kube-node-lease")
    return _explanation(asker, resource, obj, why_node(NodeFacts(obj, lease, asker.now)), "Ready")


async def _claim(asker: Asker, resource: Resource, obj: Object) -> Explanation:
    facts = await claim_facts(asker, namespace_of(obj), name_of(obj))
    found = why_claim(facts, namespace_of(obj))
    state = f"{get_path(obj, 'status.phase')} {get_path(obj, 'spec.volumeName') or 'and waiting for a pod'}"
    return _explanation(asker, resource, obj, [found] if found else [], state)


async def _autoscaler(asker: Asker, resource: Resource, obj: Object) -> Explanation:
    """Its controller says what keeps it; pods of its target have their own troubles."""
    return _explanation(asker, resource, obj, why_autoscaler(obj), autoscaler_summary(obj))


async def explain_cluster(asker: Asker, local: Inspection | None) -> Explanation:
    facts = await cluster_facts(asker, local)
    findings = why_cluster(facts)
    return Explanation(
        subject="cluster",
        summary=cluster_summary(facts),
        findings=findings,
        unknown=tuple(asker.unknown) if findings else (),
    )


def _explanation(
    asker: Asker, resource: Resource, obj: Object, findings: list[Diagnosis], summary: str
) -> Explanation:
    return Explanation(
        subject=f"{resource.kind.lower()}/{name_of(obj)}",
        namespace=namespace_of(obj),
        summary=summary,
        findings=findings,
        unknown=tuple(asker.unknown) if findings else (),
    )


WORKLOADS = (
    scheme.DEPLOYMENTS, scheme.REPLICA_SETS, scheme.STATEFUL_SETS, scheme.DAEMON_SETS, scheme.JOBS,
    scheme.CRON_JOBS, scheme.REPLICATION_CONTROLLERS,
)  # fmt: skip
EXPLAINERS: Mapping[str, Explainer] = {
    "Pod": _pod,
    "Service": _service,
    "Node": _node,
    "PersistentVolumeClaim": _claim,
    "HorizontalPodAutoscaler": _autoscaler,
    **{each.kind: _workload for each in WORKLOADS},
}
