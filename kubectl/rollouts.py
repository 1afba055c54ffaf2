"""Where a rollout stands and what its history is: pure functions over objects, in kubectl's words.

Source: kubectl/pkg/polymorphichelpers (rollout_status.go, history.go, rollback.go).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apimachinery.conditions import condition_of
from apimachinery.objects import Object, annotations_of, controller_of, name_of, uid_of
from apimachinery.well_known import DESIRED_REPLICAS, LAST_APPLIED, MAX_REPLICAS, REVISION, REVISION_HISTORY
from kubectl.failures import CommandError
from kubectl.recording import CHANGE_CAUSE

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
# What a rollback does not bring back, for it belongs to the deployment (deploymentutil.annotationsToSkip).
_OWN_ANNOTATIONS = {
    LAST_APPLIED, REVISION, REVISION_HISTORY, DESIRED_REPLICAS, MAX_REPLICAS,
    "deprecated.deployment.rollback.to",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Progress:
    message: str
    done: bool = False


def progress_of(obj: Object) -> Progress:
    """How far the newest rollout is. Raises CommandError if it failed or the kind has none."""
    viewers = {"Deployment": _deployment, "DaemonSet": _daemon_set, "StatefulSet": _stateful_set}
    viewer = viewers.get(obj["kind"])
    if viewer is None:
        raise CommandError(f"no status viewer has been implemented for {obj['kind']}")
    return viewer(obj)


def _is_observed(obj: Object) -> bool:
    observed = (obj.get("status") or {}).get("observedGeneration", 0)
    return bool(obj["metadata"].get("generation", 0) <= observed)


def _deployment(obj: Object) -> Progress:
    name, spec, status = name_of(obj), obj["spec"], obj.get("status") or {}
    if not _is_observed(obj):
        return Progress("Waiting for deployment spec update to be observed...")
    progressing = condition_of(obj, "Progressing")
    if progressing and progressing.get("reason") == "ProgressDeadlineExceeded":
        raise CommandError(f'deployment "{name}" exceeded its progress deadline')
    wanted = spec.get("replicas", 1)
    total, updated, available = (
        status.get(field, 0) for field in ("replicas", "updatedReplicas", "availableReplicas")
    )
    waiting = f'Waiting for deployment "{name}" rollout to finish:'
    if updated < wanted:
        return Progress(f"{waiting} {updated} out of {wanted} new replicas have been updated...")
    if total > updated:
        return Progress(f"{waiting} {total - updated} old replicas are pending termination...")
    if available < updated:
        return Progress(f"{waiting} {available} of {updated} updated replicas are available...")
    return Progress(f'deployment "{name}" successfully rolled out', True)


def _daemon_set(obj: Object) -> Progress:
    name, status = name_of(obj), obj.get("status") or {}
    _require_rolling_update(obj)
    if not _is_observed(obj):
        return Progress("Waiting for daemon set spec update to be observed...")
    wanted, updated, available = (
        status.get(field, 0)
        for field in ("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable")
    )
    waiting = f'Waiting for daemon set "{name}" rollout to finish:'
    if updated < wanted:
        return Progress(f"{waiting} {updated} out of {wanted} new pods have been updated...")
    if available < wanted:
        return Progress(f"{waiting} {available} of {wanted} updated pods are available...")
    return Progress(f'daemon set "{name}" successfully rolled out', True)


def _require_rolling_update(obj: Object) -> None:
    if (obj["spec"].get("updateStrategy") or {}).get("type") != "RollingUpdate":
        raise CommandError("rollout status is only available for RollingUpdate strategy type")


def _stateful_set(obj: Object) -> Progress:
    spec, status = obj["spec"], obj.get("status") or {}
    _require_rolling_update(obj)
    if not status.get("observedGeneration") or not _is_observed(obj):
        return Progress("Waiting for statefulset spec update to be observed...")
    wanted, ready, updated = (
        spec.get("replicas", 1), status.get("readyReplicas", 0), status.get("updatedReplicas", 0)
    )  # fmt: skip
    if ready < wanted:
        return Progress(f"Waiting for {wanted - ready} pods to be ready...")
    rolling = spec["updateStrategy"].get("rollingUpdate")
    if rolling is not None:
        partition = rolling.get("partition")
        if partition is not None and updated < wanted - partition:
            return Progress(
                f"Waiting for partitioned roll out to finish: {updated} out of {wanted - partition} "
                "new pods have been updated..."
            )
        return Progress(f"partitioned roll out complete: {updated} new pods have been updated...", True)
    revision = status.get("updateRevision")
    if revision != status.get("currentRevision"):
        return Progress(
            f"waiting for statefulset rolling update to complete {updated} pods at revision {revision}..."
        )
    current = status.get("currentReplicas", 0)
    done = f"statefulset rolling update complete {current} pods at revision {revision}..."
    return Progress(done, True)


def revisions_of(owner: Object, candidates: Sequence[Object]) -> dict[int, Object]:
    """ReplicaSets or ControllerRevisions of the owner, by revision, oldest first."""
    mine = [each for each in candidates if (controller_of(each) or {}).get("uid") == uid_of(owner)]
    return {_revision(each): each for each in sorted(mine, key=_revision)}


def _revision(obj: Object) -> int:
    if "revision" in obj:
        return int(obj["revision"])
    return int(annotations_of(obj).get(REVISION) or 0)


def history_table(revisions: Mapping[int, Object]) -> list[list[str]]:
    rows = [["REVISION", "CHANGE-CAUSE"]]
    for number, obj in revisions.items():
        rows.append([str(number), annotations_of(obj).get(CHANGE_CAUSE) or "<none>"])
    return rows


def revision_to_undo(name: str, kind: str, revisions: Mapping[int, Object], wanted: int) -> Object:
    """The revision to go back to: the wanted one, or for 0 the one before the newest. Raises CommandError."""
    if wanted:
        if wanted not in revisions:
            raise CommandError(f"unable to find specified revision {wanted} in history")
        return revisions[wanted]
    numbers = sorted(revisions)
    if len(numbers) < 2:
        raise CommandError(f'no rollout history found for {kind} "{name}"')
    return revisions[numbers[-2]]


def deployment_rollback(deployment: Object, replica_set: Object) -> list[Object]:
    """The JSON patch that gives a deployment the template and annotations of a ReplicaSet."""
    template = _without_hash(replica_set["spec"]["template"])
    own = {key: value for key, value in annotations_of(deployment).items() if key in _OWN_ANNOTATIONS}
    restored = {
        key: value for key, value in annotations_of(replica_set).items() if key not in _OWN_ANNOTATIONS
    }
    return [
        {"op": "replace", "path": "/spec/template", "value": template},
        {"op": "replace", "path": "/metadata/annotations", "value": {**restored, **own}},
    ]


def _without_hash(template: Object) -> Object:
    metadata = dict(template.get("metadata") or {})
    metadata["labels"] = {k: v for k, v in (metadata.get("labels") or {}).items() if k != "pod-template-hash"}
    return {**template, "metadata": metadata}


def is_same_template(deployment: Object, replica_set: Object) -> bool:
    return _without_hash(deployment["spec"]["template"]) == _without_hash(replica_set["spec"]["template"])
