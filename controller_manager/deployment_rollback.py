"""The annotation that asks for an earlier revision: what is left of `spec.rollbackTo`. Pure.

kubectl rollout undo needs none of this, it puts the earlier template back itself.
Source: pkg/controller/deployment/rollback.go.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from apimachinery.objects import Object, annotations_of, name_of
from apimachinery.well_known import ROLLBACK_TO
from client.events import NORMAL, WARNING
from controller_manager import deployment_history as history

_NUMBER = re.compile(r"[+-]?[0-9]+")

DONE = "DeploymentRollback"
NOT_FOUND = "DeploymentRollbackRevisionNotFound"
UNCHANGED = "DeploymentRollbackTemplateUnchanged"


class Rollback(NamedTuple):
    """The Deployment to be written, without the annotation, and the Event that says what came of it."""

    deployment: Object
    type: str
    reason: str
    message: str


def rollback_to(deployment: Object) -> int | None:
    """The revision that is asked for, 0 for the last one before; None where nothing (sensible) is."""
    text = annotations_of(deployment).get(ROLLBACK_TO, "")
    wanted = int(text) if _NUMBER.fullmatch(text) else None
    return wanted if wanted is not None and -(2**63) <= wanted < 2**63 else None


def plan_rollback(deployment: Object, sets: Sequence[Object], wanted: int) -> Rollback:
    """`sets` are all of the Deployment's ReplicaSets, the new one last."""
    wanted = wanted or _last_revision(sets)
    if not wanted:
        return _given_up(deployment, NOT_FOUND, "Unable to find last revision.")
    found = next((each for each in sets if history.revision_of(each) == wanted), None)
    if found is None:
        return _given_up(deployment, NOT_FOUND, "Unable to find the revision to rollback to.")
    name, template = name_of(deployment), found["spec"]["template"]
    if history.is_same_template(deployment["spec"]["template"], template):
        text = f'The rollback revision contains the same template as current deployment "{name}"'
        return _given_up(deployment, UNCHANGED, text)
    changed = {
        **deployment,
        "metadata": {
            **deployment["metadata"],
            "annotations": history.restored_annotations(deployment, found),
        },
        "spec": {**deployment["spec"], "template": history.without_hash(template)},
    }
    text = f'Rolled back deployment "{name}" to revision {wanted}'
    return Rollback(_answered(changed), NORMAL, DONE, text)


def _last_revision(sets: Sequence[Object]) -> int:
    """The one before the newest; 0 if there is none."""
    revisions = sorted(map(history.revision_of, sets))
    return revisions[-2] if len(revisions) > 1 else 0


def _given_up(deployment: Object, reason: str, message: str) -> Rollback:
    return Rollback(_answered(deployment), WARNING, reason, message)


def _answered(deployment: Object) -> Object:
    left = {key: value for key, value in annotations_of(deployment).items() if key != ROLLBACK_TO}
    return {**deployment, "metadata": {**deployment["metadata"], "annotations": left}}
