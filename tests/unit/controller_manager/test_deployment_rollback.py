"""Which revision an annotation asks for, and what becomes of the Deployment."""

import pytest

from apimachinery.objects import Object, annotations_of
from apimachinery.well_known import LAST_APPLIED, REVISION, ROLLBACK_TO
from controller_manager.deployment_rollback import plan_rollback, rollback_to
from tests.unit.controller_manager.builders import make_deployment, make_set, make_template

SETS = [
    make_set("a", 0, image="first", revision=1),
    make_set("b", 0, image="second", revision=2),
    make_set("c", 3, image="third", revision=3),
]


def asking(text: str, image: str = "third", **annotations: str) -> Object:
    deployment = make_deployment(3, image=image)
    deployment["metadata"]["annotations"] = {ROLLBACK_TO: text, **annotations}
    return deployment


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("0", 0), ("3", 3), ("+3", 3), ("-1", -1), ("", None), ("x", None), (" 3", None), ("3.0", None),
        ("\u0663", None), ("9223372036854775807", 9223372036854775807), ("9223372036854775808", None),
    ],
)  # fmt: skip
def test_what_is_no_number_asks_for_nothing(text: str, wanted: int | None) -> None:
    assert rollback_to(asking(text)) == wanted


def test_a_deployment_without_the_annotation_asks_for_nothing() -> None:
    assert rollback_to(make_deployment()) is None


@pytest.mark.parametrize(
    ("wanted", "image", "revision"), [(1, "first", 1), (2, "second", 2), (0, "second", 2)]
)
def test_the_template_of_a_revision_is_put_in_place(wanted: int, image: str, revision: int) -> None:
    rollback = plan_rollback(asking(str(wanted)), SETS, wanted)
    assert rollback.deployment["spec"]["template"] == make_template(image, app="web")
    assert annotations_of(rollback.deployment) == {}
    assert rollback[1:] == (
        "Normal", "DeploymentRollback", f'Rolled back deployment "web" to revision {revision}'
    )  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "sets", "reason", "message"),
    [
        pytest.param(
            7, SETS, "DeploymentRollbackRevisionNotFound", "Unable to find the revision to rollback to.",
            id="no such revision",
        ),
        pytest.param(
            0, SETS[2:], "DeploymentRollbackRevisionNotFound", "Unable to find last revision.", id="no other"
        ),
        pytest.param(
            3, SETS, "DeploymentRollbackTemplateUnchanged",
            'The rollback revision contains the same template as current deployment "web"', id="the same",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_told_and_not_asked_again(
    wanted: int, sets: list[Object], reason: str, message: str
) -> None:
    rollback = plan_rollback(asking(str(wanted), note="kept"), sets, wanted)
    assert rollback.deployment == {
        **make_deployment(3, image="third"),
        "metadata": {**make_deployment()["metadata"], "annotations": {"note": "kept"}},
    }
    assert rollback[1:] == ("Warning", reason, message)


def test_annotations_come_back_with_the_template_but_for_the_deployments_own() -> None:
    old = make_set("a", 0, image="first", revision=1)
    annotations_of(old)["kubernetes.io/change-cause"] = "create"
    cause = {"kubernetes.io/change-cause": "edit", "later": "x"}
    own = {REVISION: "3", LAST_APPLIED: "{}"}
    rollback = plan_rollback(asking("1", **cause, **own), [old, *SETS[1:]], 1)
    assert annotations_of(rollback.deployment) == {**own, "kubernetes.io/change-cause": "create"}
