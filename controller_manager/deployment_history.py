"""The ReplicaSets of a Deployment: which one is new, which are old, their revisions and annotations. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from apimachinery.objects import (
    Object,
    annotations_of,
    deep_copy,
    get_path,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
)
from apimachinery.well_known import (
    DESIRED_REPLICAS,
    LAST_APPLIED,
    MAX_REPLICAS,
    REVISION,
    REVISION_HISTORY,
    ROLLBACK_TO,
)
from controller_manager.template_hash import normal, template_hash

HASH_LABEL = "pod-template-hash"
_NOT_COPIED = {LAST_APPLIED, ROLLBACK_TO, REVISION, REVISION_HISTORY, DESIRED_REPLICAS, MAX_REPLICAS}
MAX_HISTORY_CHARACTERS = 2000


def is_same_template(one: Object, other: Object) -> bool:
    """Equal but for the hash label."""
    return bool(normal(without_hash(one)) == normal(without_hash(other)))


def without_hash(template: Object) -> Object:
    """A ReplicaSet's template as its Deployment had it."""
    metadata = template.get("metadata") or {}
    labels = {key: value for key, value in labels_of(template).items() if key != HASH_LABEL}
    return {**template, "metadata": {**metadata, "labels": labels}}


def find_new(deployment: Object, sets: Iterable[Object]) -> Object | None:
    """The ReplicaSet with the Deployment's template; the oldest, should there be several."""
    template = deployment["spec"]["template"]
    matching = (each for each in by_age(sets) if is_same_template(each["spec"]["template"], template))
    return next(matching, None)


def by_age(sets: Iterable[Object]) -> list[Object]:
    """Oldest first."""
    return sorted(sets, key=lambda each: (each["metadata"].get("creationTimestamp") or "", name_of(each)))


def revision_of(obj: Object) -> int:
    text = annotations_of(obj).get(REVISION, "0")
    return int(text) if text.isdigit() else 0


def next_revision(old: Sequence[Object]) -> int:
    return max((revision_of(each) for each in old), default=0) + 1


def new_replica_set(deployment: Object, replicas: int, revision: int, max_replicas: int) -> Object:
    """The ReplicaSet for the Deployment's template, yet to be created."""
    spec = deployment["spec"]
    template = deep_copy(spec["template"])
    hash = template_hash(template, get_path(deployment, "status.collisionCount", 0))
    labels = {**labels_of(template), HASH_LABEL: hash}
    template["metadata"] = {**(template.get("metadata") or {}), "labels": labels}
    selector = deep_copy(spec["selector"])
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH_LABEL: hash}
    annotations = {
        **annotations_to_copy(deployment),
        REVISION: str(revision),
        **size_annotations(deployment, max_replicas),
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{name_of(deployment)}-{hash}",
            "namespace": namespace_of(deployment),
            "labels": labels,
            "annotations": annotations,
            "ownerReferences": [owner_reference(deployment)],
        },
        "spec": {
            "replicas": replicas,
            "minReadySeconds": spec.get("minReadySeconds") or 0,
            "selector": selector,
            "template": template,
        },
    }


def annotations_to_copy(owner: Object) -> dict[str, str]:
    """Those that Deployment and ReplicaSet share."""
    return {key: value for key, value in annotations_of(owner).items() if key not in _NOT_COPIED}


def restored_annotations(deployment: Object, replica_set: Object) -> dict[str, str]:
    """Annotations of a Deployment that goes back to an old ReplicaSet: what they share comes back, too."""
    own = {key: value for key, value in annotations_of(deployment).items() if key in _NOT_COPIED}
    return own | annotations_to_copy(replica_set)


def size_annotations(deployment: Object, max_replicas: int) -> dict[str, str]:
    """What the ReplicaSet needs to know for proportional scaling."""
    return {DESIRED_REPLICAS: str(deployment["spec"]["replicas"]), MAX_REPLICAS: str(max_replicas)}


def renewed_annotations(deployment: Object, replica_set: Object, revision: int) -> dict[str, str]:
    """Annotations of a ReplicaSet that is (again) the new one: a rollback makes an old one the newest."""
    annotations = {**annotations_of(replica_set), **annotations_to_copy(deployment)}
    old = annotations.get(REVISION)
    if revision_of(replica_set) < revision:
        annotations[REVISION] = str(revision)
        if old:
            annotations[REVISION_HISTORY] = _history(annotations.get(REVISION_HISTORY, ""), old)
    return annotations


def _history(known: str, revision: str) -> str:
    """Earlier revisions, the oldest dropped when it gets too long."""
    revisions = [*filter(None, known.split(",")), revision]
    while len(",".join(revisions)) > MAX_HISTORY_CHARACTERS:
        del revisions[0]
    return ",".join(revisions)


def to_clean_up(deployment: Object, old: Sequence[Object]) -> list[Object]:
    """Old ReplicaSets beyond the revision history limit that have nothing running any more."""
    limit = deployment["spec"].get("revisionHistoryLimit")
    if limit is None or limit == 2**31 - 1:
        return []
    alive = [each for each in old if not each["metadata"].get("deletionTimestamp")]
    surplus = sorted(alive, key=revision_of)[: max(len(alive) - limit, 0)]
    return [each for each in surplus if _is_idle(each)]


def _is_idle(replica_set: Object) -> bool:
    status = replica_set.get("status") or {}
    observed = status.get("observedGeneration") or 0
    return not (
        status.get("replicas")
        or replica_set["spec"].get("replicas")
        or (replica_set["metadata"].get("generation") or 0) > observed
    )
