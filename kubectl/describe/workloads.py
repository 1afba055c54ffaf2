"""What runs pods: deployments, replica sets, replication controllers, stateful and daemon sets, jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from apimachinery.objects import Object, controller_of, get_path, name_of, uid_of
from apimachinery.pods import phase_of
from kubectl.describe import values
from kubectl.describe.pods import write_template
from kubectl.describe.related import Related
from kubectl.describe.values import NONE
from kubectl.describe.writer import Writer


def write_deployment(writer: Writer, obj: Object, related: Related) -> None:
    spec, status = obj["spec"], obj.get("status") or {}
    values.write_head(writer, obj)
    writer.field("CreationTimestamp", values.local_time(obj["metadata"].get("creationTimestamp")))
    values.write_marks(writer, obj)
    writer.field("Selector", values.format_label_selector(spec.get("selector")))
    counts = (("updated", "updatedReplicas"), ("total", "replicas"), ("available", "availableReplicas"))
    parts = [
        f"{spec.get('replicas', 1)} desired",
        *(f"{status.get(name, 0)} {word}" for word, name in counts),
    ]
    writer.field("Replicas", " | ".join([*parts, f"{status.get('unavailableReplicas', 0)} unavailable"]))
    strategy = spec.get("strategy") or {}
    writer.field("StrategyType", strategy.get("type") or "")
    writer.field("MinReadySeconds", spec.get("minReadySeconds", 0))
    if rolling := strategy.get("rollingUpdate"):
        amounts = f"{rolling.get('maxUnavailable')} max unavailable, {rolling.get('maxSurge')} max surge"
        writer.field("RollingUpdateStrategy", amounts)
    write_template(writer, spec.get("template"))
    values.write_conditions(writer, status.get("conditions"))
    _write_replica_sets(writer, obj, related.get("replicasets", []))


def _write_replica_sets(writer: Writer, deployment: Object, replica_sets: Sequence[Object]) -> None:
    mine = [each for each in replica_sets if (controller_of(each) or {}).get("uid") == uid_of(deployment)]
    new = find_new_replica_set(deployment, mine)
    old = [each for each in mine if each is not new]
    if not mine:
        return
    writer.field("OldReplicaSets", ", ".join(_created(each) for each in old) or NONE)
    writer.field("NewReplicaSet", _created(new) if new else NONE)


def find_new_replica_set(deployment: Object, replica_sets: Sequence[Object]) -> Object | None:
    """The oldest one with the deployment's template."""

    def template(obj: Object) -> Object:
        labels = get_path(obj, "spec.template.metadata.labels") or {}
        plain = {key: value for key, value in labels.items() if key != "pod-template-hash"}
        whole = obj["spec"].get("template") or {}
        return {**whole, "metadata": {**(whole.get("metadata") or {}), "labels": plain}}

    ordered = sorted(replica_sets, key=lambda each: str(each["metadata"].get("creationTimestamp")))
    wanted = template(deployment)
    return next((each for each in ordered if template(each) == wanted), None)


def _created(replica_set: Object) -> str:
    made = (replica_set.get("status") or {}).get("replicas", 0)
    return f"{name_of(replica_set)} ({made}/{replica_set['spec'].get('replicas', 0)} replicas created)"


def write_replica_set(writer: Writer, obj: Object, related: Related) -> None:
    values.write_head(writer, obj)
    selector = obj["spec"].get("selector")
    plain = obj["kind"] == "ReplicationController"
    writer.field(
        "Selector", values.format_selector(selector) if plain else values.format_label_selector(selector)
    )
    values.write_marks(writer, obj)
    values.write_controller(writer, obj)
    current = (obj.get("status") or {}).get("replicas", 0)
    writer.field("Replicas", f"{current} current / {obj['spec'].get('replicas', 0)} desired")
    _write_pods_status(writer, obj, related.get("pods", []))
    write_template(writer, obj["spec"].get("template"))
    values.write_conditions(writer, (obj.get("status") or {}).get("conditions"))


def _write_pods_status(writer: Writer, owner: Object, pods: Sequence[Object]) -> None:
    mine = [pod for pod in pods if (controller_of(pod) or {}).get("uid") == uid_of(owner)]
    phases = Counter(phase_of(pod) for pod in mine)
    writer.field(
        "Pods Status",
        f"{phases['Running']} Running / {phases['Pending']} Waiting / "
        f"{phases['Succeeded']} Succeeded / {phases['Failed']} Failed",
    )


def write_stateful_set(writer: Writer, obj: Object, related: Related) -> None:
    spec, status = obj["spec"], obj.get("status") or {}
    values.write_head(writer, obj)
    writer.field("CreationTimestamp", values.local_time(obj["metadata"].get("creationTimestamp")))
    writer.field("Selector", values.format_label_selector(spec.get("selector")))
    values.write_marks(writer, obj)
    writer.field("Replicas", f"{spec.get('replicas', 1)} desired | {status.get('replicas', 0)} total")
    strategy = spec.get("updateStrategy") or {}
    writer.field("Update Strategy", strategy.get("type") or "")
    if (partition := (strategy.get("rollingUpdate") or {}).get("partition")) is not None:
        writer.field("Partition", partition, 1)
    _write_pods_status(writer, obj, related.get("pods", []))
    write_template(writer, spec.get("template"))
    _write_claims(writer, spec.get("volumeClaimTemplates") or [])


def _write_claims(writer: Writer, claims: Sequence[Object]) -> None:
    if not claims:
        writer.field("Volume Claims", NONE)
        return
    writer.line("Volume Claims:")
    for claim in claims:
        spec = claim["spec"]
        writer.field("Name", name_of(claim), 1)
        writer.field("StorageClass", spec.get("storageClassName") or "", 1)
        values.write_labels(writer, "  Labels", claim["metadata"].get("labels"))
        values.write_annotations(writer, "  Annotations", claim["metadata"].get("annotations"))
        writer.field("Capacity", get_path(spec, "resources.requests.storage", "<default>"), 1)
        writer.field("Access Modes", f"[{' '.join(spec.get('accessModes') or ())}]", 1)


def write_daemon_set(writer: Writer, obj: Object, related: Related) -> None:
    spec, status = obj["spec"], obj.get("status") or {}
    values.write_head(writer, obj)
    writer.field("Selector", values.format_label_selector(spec.get("selector")))
    node_selector = get_path(spec, "template.spec.nodeSelector")
    writer.field("Node-Selector", values.format_selector(node_selector))
    values.write_marks(writer, obj)
    for title, name in (
        ("Desired Number of Nodes Scheduled", "desiredNumberScheduled"),
        ("Current Number of Nodes Scheduled", "currentNumberScheduled"),
        ("Number of Nodes Scheduled with Up-to-date Pods", "updatedNumberScheduled"),
        ("Number of Nodes Scheduled with Available Pods", "numberAvailable"),
        ("Number of Nodes Misscheduled", "numberMisscheduled"),
    ):
        writer.line(f"{title}: {status.get(name, 0)}")
    _write_pods_status(writer, obj, related.get("pods", []))
    write_template(writer, spec.get("template"))


def write_job(writer: Writer, obj: Object, _: Related) -> None:
    spec, status = obj["spec"], obj.get("status") or {}
    values.write_head(writer, obj)
    writer.field("Selector", values.format_label_selector(spec.get("selector")))
    values.write_marks(writer, obj)
    values.write_controller(writer, obj)
    writer.field("Parallelism", spec.get("parallelism", NONE))
    writer.field("Completions", spec.get("completions", "<unset>"))
    for title, name in (("Completion Mode", "completionMode"), ("Backoff Limit", "backoffLimit")):
        if spec.get(name) is not None:
            writer.field(title, spec[name])
    if "suspend" in spec:
        writer.field("Suspend", values.truth(spec["suspend"]))
    if status.get("startTime"):
        writer.field("Start Time", values.local_time(status["startTime"]))
    if status.get("completionTime"):
        from apimachinery.times import parse_time

        writer.field("Completed At", values.local_time(status["completionTime"]))
        if status.get("startTime"):
            duration = values.age(status["startTime"], parse_time(status["completionTime"]))
            writer.field("Duration", duration)
    if spec.get("activeDeadlineSeconds"):
        writer.field("Active Deadline Seconds", f"{spec['activeDeadlineSeconds']}s")
    ready = f" ({status['ready']} Ready)" if "ready" in status else ""
    writer.field(
        "Pods Statuses",
        f"{status.get('active', 0)} Active{ready} / {status.get('succeeded', 0)} Succeeded / "
        f"{status.get('failed', 0)} Failed",
    )
    write_template(writer, spec.get("template"))


def write_cron_job(writer: Writer, obj: Object, _: Related) -> None:
    spec, status = obj["spec"], obj.get("status") or {}
    job = get_path(spec, "jobTemplate.spec") or {}
    values.write_head(writer, obj)
    values.write_marks(writer, obj)
    writer.field("Schedule", spec.get("schedule", ""))
    writer.field("Concurrency Policy", spec.get("concurrencyPolicy", ""))
    writer.field("Suspend", str(bool(spec.get("suspend"))))
    limits = (
        ("Successful Job History Limit", "successfulJobsHistoryLimit"),
        ("Failed Job History Limit", "failedJobsHistoryLimit"),
    )
    for title, name in limits:
        writer.field(title, spec.get(name, values.UNSET))
    deadline = spec.get("startingDeadlineSeconds")
    writer.field("Starting Deadline Seconds", values.UNSET if deadline is None else f"{deadline}s")
    writer.field(
        "Selector", values.format_label_selector(job.get("selector")) if job.get("selector") else values.UNSET
    )
    writer.field("Parallelism", job.get("parallelism", values.UNSET))
    writer.field("Completions", job.get("completions", values.UNSET))
    write_template(writer, job.get("template"))
    last = status.get("lastScheduleTime")
    writer.field("Last Schedule Time", values.local_time(last))
    active = ", ".join(str(each.get("name")) for each in status.get("active") or ())
    writer.field("Active Jobs", active or NONE)
