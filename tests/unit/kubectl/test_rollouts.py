"""Where rollouts stand, and what a rollback sends."""

from typing import Any

import pytest

from apimachinery.well_known import REVISION
from kubectl.failures import CommandError
from kubectl.rollouts import deployment_rollback, history_table, progress_of, revision_to_undo, revisions_of


def deployment(observed: int = 1, **status: Any) -> dict[str, Any]:
    return {
        "kind": "Deployment",
        "metadata": {"name": "web", "generation": 1, "uid": "u"},
        "spec": {"replicas": 3},
        "status": {"observedGeneration": observed, **status},
    }


WAITING = 'Waiting for deployment "web" rollout to finish:'


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        (deployment(0), "Waiting for deployment spec update to be observed..."),
        (
            deployment(updatedReplicas=1, replicas=3),
            f"{WAITING} 1 out of 3 new replicas have been updated...",
        ),
        (deployment(updatedReplicas=3, replicas=5), f"{WAITING} 2 old replicas are pending termination..."),
        (
            deployment(updatedReplicas=3, replicas=3, availableReplicas=1),
            f"{WAITING} 1 of 3 updated replicas are available...",
        ),
        (
            deployment(updatedReplicas=3, replicas=3, availableReplicas=3),
            'deployment "web" successfully rolled out',
        ),
    ],
    ids=["unseen", "updating", "old ones", "unavailable", "done"],
)
def test_progress_of_a_deployment(obj: dict[str, Any], message: str) -> None:
    progress = progress_of(obj)
    assert (progress.message, progress.done) == (message, "successfully" in message)


def test_a_missed_deadline_is_a_failure() -> None:
    late = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]
    with pytest.raises(CommandError, match='deployment "web" exceeded its progress deadline'):
        progress_of(deployment(conditions=late))


def test_kinds_that_do_not_roll_have_no_status() -> None:
    with pytest.raises(CommandError, match="no status viewer has been implemented for ConfigMap"):
        progress_of({"kind": "ConfigMap"})


def replica_set(name: str, revision: int, image: str, cause: str = "") -> dict[str, Any]:
    annotations = {REVISION: str(revision), **({"kubernetes.io/change-cause": cause} if cause else {})}
    owner = {"uid": "u", "controller": True, "kind": "Deployment", "name": "web"}
    template = {"metadata": {"labels": {"a": "b", "pod-template-hash": name}}, "spec": {"image": image}}
    return {
        "metadata": {"name": name, "annotations": annotations, "ownerReferences": [owner]},
        "spec": {"template": template},
    }


def test_history_is_by_revision() -> None:
    found = [replica_set("b", 2, "x", "because"), replica_set("a", 1, "y"), {"metadata": {"name": "other"}}]
    revisions = revisions_of(deployment(), found)
    assert history_table(revisions) == [["REVISION", "CHANGE-CAUSE"], ["1", "<none>"], ["2", "because"]]


def test_undo_goes_one_back_or_to_the_one_wanted() -> None:
    revisions = {number: {"number": number} for number in (1, 2, 5)}
    assert revision_to_undo("web", "deployment", revisions, 0) == {"number": 2}
    assert revision_to_undo("web", "deployment", revisions, 1) == {"number": 1}
    with pytest.raises(CommandError, match="unable to find specified revision 9 in history"):
        revision_to_undo("web", "deployment", revisions, 9)
    with pytest.raises(CommandError, match='no rollout history found for deployment "web"'):
        revision_to_undo("web", "deployment", {1: {}}, 0)


def test_a_rollback_brings_the_template_and_keeps_what_is_the_deployments() -> None:
    current = deployment()
    current["metadata"]["annotations"] = {REVISION: "2", "old": "gone"}
    assert deployment_rollback(current, replica_set("a", 1, "y", "first")) == [
        {
            "op": "replace",
            "path": "/spec/template",
            "value": {"metadata": {"labels": {"a": "b"}}, "spec": {"image": "y"}},
        },
        {
            "op": "replace",
            "path": "/metadata/annotations",
            "value": {"kubernetes.io/change-cause": "first", REVISION: "2"},
        },
    ]
