"""Objects with the minimum of fields, for controllers' tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from apimachinery.objects import Object
from apimachinery.times import format_time

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def ago(seconds: float) -> str:
    """A timestamp so many seconds before NOW."""
    return format_time(NOW - timedelta(seconds=seconds))


def make_pod(
    name: str,
    *,
    node: str = "n1",
    phase: str = "Running",
    ready: float | None = 3600,
    created: float = 3600,
    restarts: int = 0,
    cost: int | None = None,
    **labels: str,
) -> Object:
    """A pod that became ready `ready` seconds before NOW, or isn't if None."""
    condition: Object = {"type": "Ready", "status": "False" if ready is None else "True"}
    condition["lastTransitionTime"] = ago(ready or 0)
    metadata: Object = {
        "name": name,
        "namespace": "ns",
        "uid": name,
        "creationTimestamp": ago(created),
        "labels": labels,
    }
    if cost is not None:
        metadata["annotations"] = {"controller.kubernetes.io/pod-deletion-cost": str(cost)}
    statuses = [{"name": "c", "restartCount": restarts}]
    status = {"phase": phase, "conditions": [condition], "containerStatuses": statuses}
    return {"metadata": metadata, "spec": {"nodeName": node} if node else {}, "status": status}


def make_template(image: str = "busybox", **labels: str) -> Object:
    return {
        "metadata": {"labels": labels or {"app": "web"}},
        "spec": {"containers": [{"name": "c", "image": image}]},
    }


def make_set(
    name: str,
    replicas: int,
    *,
    available: int | None = None,
    created: float = 3600,
    image: str = "busybox",
    revision: int = 1,
    desired: int | None = None,
    most: int | None = None,
) -> Object:
    """A ReplicaSet of the Deployment `web`; all its pods are available unless said otherwise."""
    annotations = {"deployment.kubernetes.io/revision": str(revision)}
    if desired is not None:
        annotations["deployment.kubernetes.io/desired-replicas"] = str(desired)
    if most is not None:
        annotations["deployment.kubernetes.io/max-replicas"] = str(most)
    count = replicas if available is None else available
    template = make_template(image, app="web")
    template["metadata"]["labels"]["pod-template-hash"] = name
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": name,
            "namespace": "ns",
            "uid": name,
            "creationTimestamp": ago(created),
            "annotations": annotations,
            "generation": 1,
        },
        "spec": {"replicas": replicas, "template": template},
        "status": {
            "replicas": replicas,
            "readyReplicas": count,
            "availableReplicas": count,
            "observedGeneration": 1,
        },
    }


def make_deployment(
    replicas: int = 3,
    *,
    surge: int | str = "25%",
    unavailable: int | str = "25%",
    image: str = "busybox",
    strategy: str = "RollingUpdate",
    status: Object | None = None,
    **spec: Any,
) -> Object:
    how: Object = {"type": strategy}
    if strategy == "RollingUpdate":
        how["rollingUpdate"] = {"maxSurge": surge, "maxUnavailable": unavailable}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "ns", "uid": "web", "generation": 1},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": make_template(image, app="web"),
            "strategy": how,
            "progressDeadlineSeconds": 600,
            "revisionHistoryLimit": 10,
            **spec,
        },
        "status": status or {},
    }


def make_stateful_set(
    replicas: int = 3,
    *,
    image: str = "busybox",
    policy: str = "OrderedReady",
    strategy: str = "RollingUpdate",
    rolling: Object | None = None,
    claims: Object | None = None,
    status: Object | None = None,
    **spec: Any,
) -> Object:
    """The StatefulSet `web`; `claims` is its retention policy, and gives it a claim template `data`."""
    update: Object = {"type": strategy}
    if strategy == "RollingUpdate":
        update["rollingUpdate"] = {"partition": 0, **(rolling or {})}
    if claims is not None:
        spec["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": {"resources": {}}}]
        spec["persistentVolumeClaimRetentionPolicy"] = claims
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "web", "namespace": "ns", "uid": "web", "generation": 1},
        "spec": {
            "replicas": replicas,
            "serviceName": "web",
            "selector": {"matchLabels": {"app": "web"}},
            "template": make_template(image, app="web"),
            "podManagementPolicy": policy,
            "updateStrategy": update,
            "revisionHistoryLimit": 10,
            **spec,
        },
        "status": status or {},
    }


def make_daemon_set(
    *, image: str = "busybox", strategy: str = "RollingUpdate", rolling: Object | None = None, **spec: Any
) -> Object:
    """The DaemonSet `agent`; one of its pods may be unavailable unless said otherwise."""
    update: Object = {"type": strategy}
    if strategy == "RollingUpdate":
        update["rollingUpdate"] = rolling or {"maxUnavailable": 1, "maxSurge": 0}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "agent", "namespace": "ns", "uid": "agent", "generation": 1},
        "spec": {
            "selector": {"matchLabels": {"app": "agent"}},
            "template": make_template(image, app="agent"),
            "updateStrategy": update,
            "revisionHistoryLimit": 10,
            **spec,
        },
    }


def make_node(name: str, *taints: Object, **labels: str) -> Object:
    return {"metadata": {"name": name, "labels": labels}, "spec": {"taints": list(taints)}}


def make_job(
    completions: int | None = 3, parallelism: int = 2, *, status: Object | None = None, **spec: Any
) -> Object:
    """The Job `job`, with the defaults of the API."""
    template = make_template(app="job")
    template["spec"]["restartPolicy"] = spec.pop("restartPolicy", "Never")
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "job", "namespace": "ns", "uid": "job", "generation": 1},
        "spec": {
            "parallelism": parallelism,
            "backoffLimit": 6,
            "completionMode": "NonIndexed",
            "suspend": False,
            "podReplacementPolicy": "TerminatingOrFailed",
            "selector": {"matchLabels": {"app": "job"}},
            "template": template,
            **({} if completions is None else {"completions": completions}),
            **spec,
        },
        "status": status or {},
    }


def make_cron_job(schedule: str = "*/10 * * * *", *, status: Object | None = None, **spec: Any) -> Object:
    """The CronJob `cron`, an hour old."""
    template = {"metadata": {"labels": {"of": "cron"}}, "spec": make_job(1, 1)["spec"]}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "cron", "namespace": "ns", "uid": "cron", "creationTimestamp": ago(3600)},
        "spec": {
            "schedule": schedule,
            "concurrencyPolicy": "Allow",
            "suspend": False,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 1,
            "jobTemplate": template,
            **spec,
        },
        "status": status or {},
    }
