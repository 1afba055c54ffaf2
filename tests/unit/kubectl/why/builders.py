"""The smallest facts that a rule can be asked with. Everything not said is well."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from apimachinery.objects import Object
from kubectl.evidence.daemons import NodeRecord
from kubectl.why.facts import Owner, PodFacts, Scheduling

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
FRESH = "2026-01-01T11:59:58.000000Z"
STALE = "2026-01-01T11:58:00.000000Z"
NAMESPACE = "shop"


def make_container(name: str = "web", image: str = "busybox:1.36", **fields: Any) -> Object:
    return {"name": name, "image": image, **fields}


def make_status(name: str = "web", **fields: Any) -> Object:
    return {"name": name, "ready": False, "restartCount": 0, "state": {}, **fields}


def waiting(reason: str, message: str = "") -> Object:
    return {"state": {"waiting": {"reason": reason, "message": message}}}


def ended(code: int, reason: str = "Error", **fields: Any) -> Object:
    times = {"startedAt": "2026-01-01T11:59:50Z", "finishedAt": "2026-01-01T11:59:52Z"}
    return {"state": {"terminated": {"exitCode": code, "reason": reason, **times, **fields}}}


def make_pod(
    *containers: Object, statuses: Sequence[Object] = (), node: str = "n1", conditions: Sequence[Object] = (),
    metadata: Object | None = None, status: Object | None = None, **spec: Any
) -> Object:  # fmt: skip
    return {
        "metadata": {
            "name": "cart", "namespace": NAMESPACE, "uid": "u1", "resourceVersion": "7",
            "creationTimestamp": "2026-01-01T11:59:00Z", **(metadata or {}),
        },
        "spec": {
            "containers": list(containers) or [make_container()],
            **({"nodeName": node} if node else {}), **spec,
        },
        "status": {
            "phase": "Pending", "containerStatuses": list(statuses), "conditions": list(conditions),
            **(status or {}),
        },
    }  # fmt: skip


def make_node(
    name: str = "n1", *, labels: Object | None = None, images: Sequence[str] = (), **spec: Any
) -> Object:
    return {
        "metadata": {"name": name, "labels": labels or {}, "resourceVersion": "3"},
        "spec": spec,
        "status": {
            "allocatable": {"cpu": "2", "memory": "4Gi", "pods": "110"},
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
            "images": [{"names": [each]} for each in images],
            "nodeInfo": {"architecture": "amd64"},
        },
    }


def make_lease(renewed: str = FRESH, holder: str = "vm_1", name: str = "kube-scheduler") -> Object:
    spec = {"holderIdentity": holder, "renewTime": renewed, "leaseDurationSeconds": 15}
    return {"metadata": {"name": name, "resourceVersion": "5"}, "spec": spec}


def make_event(reason: str, message: str, count: int = 1) -> Object:
    return {
        "metadata": {"name": "e", "resourceVersion": "9"}, "reason": reason, "message": message,
        "count": count, "lastTimestamp": "2026-01-01T11:59:55Z",
        "involvedObject": {"kind": "ReplicaSet", "name": "cart-1"},
    }  # fmt: skip


def make_facts(pod: Object | None = None, **facts: Any) -> PodFacts:
    defaults: dict[str, Any] = {
        "pod": pod or make_pod(),
        "now": NOW,
        "owner": Owner("Deployment", "cart"),
        "node": make_node(),
        "node_lease": make_lease(name="n1"),
    }
    return PodFacts(**(defaults | facts))


def make_scheduling(*nodes: Object, **facts: Any) -> Scheduling:
    return Scheduling(nodes=nodes, **({"lease": make_lease()} | facts))


def make_step(step: str, *, error: str = "", container: str = "", **fields: Any) -> Object:
    shown = {"step": step, "time": FRESH, **({"error": error} if error else {}), **fields}
    return shown | ({"container": container} if container else {})


def make_probe(kind: str, *messages: str, container: str = "web", healthy: bool | None = False) -> Object:
    results = [
        {"time": FRESH, "outcome": "failure", "milliseconds": 1.0, "message": message} for message in messages
    ]
    return {"container": container, "probe": kind, "attempts": 5, "failures": 5, "healthy": healthy,
            "since": FRESH, "last": results}  # fmt: skip


def listener(port: int, address: str = "0.0.0.0", protocol: str = "TCP") -> Object:
    return {"protocol": protocol, "address": address, "port": port}


def record(**parts: Any) -> NodeRecord:
    return NodeRecord(**parts)


def with_container(container: Object, status: Object, **facts: Any) -> PodFacts:
    return make_facts(make_pod(container, statuses=[status]), **facts)
