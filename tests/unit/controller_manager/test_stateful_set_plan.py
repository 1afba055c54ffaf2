"""What a StatefulSet does next, as a table; its pods, claims and status."""

import json
from typing import Any

import pytest

from apimachinery.objects import Object, labels_of, name_of, owner_reference
from controller_manager.history import new_revision
from controller_manager.stateful_set.identity import mended, new_claims, new_pod, ordinal_of, parent_of
from controller_manager.stateful_set.plan import plan_pods, sort_pods
from controller_manager.stateful_set.retention import has_conflict, is_left_by_another, owners_wanted
from controller_manager.stateful_set.status import calculate_status
from tests.unit.controller_manager.builders import NOW, ago, make_pod, make_stateful_set, make_template

OLD = {"metadata": {"name": "old"}, "data": {"spec": {"template": make_template("old", app="web")}}}
NEW = {"metadata": {"name": "new"}, "data": {"spec": {"template": make_template("new", app="web")}}}


def pods(text: str) -> list[Object]:
    """`0 1:old 2- 3x 4!`: ordinal, revision (new), `-` unready, `x` terminating, `!` failed, `?` pending."""
    return [_pod(word) for word in text.split()]


def _pod(word: str) -> Object:
    name, _, revision = word.partition(":")
    ordinal, mark = name.rstrip("-x!?~"), name[-1]
    pod = make_pod(f"web-{ordinal}", ready=None if mark in "-?!" else 1 if mark == "~" else 3600)
    pod["status"]["phase"] = {"!": "Failed", "?": "Pending"}.get(mark, "Running")
    pod["metadata"]["labels"] = {"app": "web", "controller-revision-hash": revision or "new"}
    if mark == "x":
        pod["metadata"]["deletionTimestamp"] = ago(1)
    return pod


@pytest.mark.parametrize(
    ("owner", "seen", "plan"),
    [
        # up, in order
        ({}, "", "create=web-0"),
        ({}, "0", "create=web-1"),
        ({}, "0-", ""),
        ({}, "0 1?", ""),
        ({}, "0 2", "create=web-1"),
        ({}, "0 1x 2", ""),
        ({}, "0 1! 2", "delete=web-1"),
        ({"minReadySeconds": 10}, "0~", ""),
        ({"ordinals": {"start": 5}}, "5", "create=web-6"),
        # up, all at once
        ({"policy": "Parallel"}, "", "create=web-0,web-1,web-2"),
        ({"policy": "Parallel"}, "0- 2x", "create=web-1"),
        ({"policy": "Parallel"}, "0! 1! 2", "delete=web-0,web-1"),
        # down
        ({"replicas": 1}, "0 1 2", "delete=web-2"),
        ({"replicas": 1}, "0 1 2x", ""),
        ({"replicas": 1}, "0- 1 2", ""),
        ({"replicas": 1}, "0 1 2-", "delete=web-2"),
        ({"replicas": 1}, "0 1- 2-", ""),
        ({"replicas": 1, "policy": "Parallel"}, "0- 1 2 3x", "delete=web-2,web-1"),
        ({"replicas": 0}, "0 1", "delete=web-1"),
        ({"replicas": 2, "ordinals": {"start": 2}}, "0 1 2 3", "delete=web-1"),
        ({"replicas": 1, "policy": "Parallel"}, "1", "create=web-0 delete=web-1"),
        # an update
        ({}, "0:old 1:old 2:old", "update=web-2"),
        ({}, "0:old 1:old 2x:old", ""),
        ({}, "0:old 1:old", "create=web-2"),
        ({}, "0:old 1:old 2-", ""),
        ({}, "0:old 1:old 2", "update=web-1"),
        ({"rolling": {"partition": 2}}, "0:old 1:old 2", ""),
        ({"rolling": {"partition": 9}}, "0:old 1:old 2:old", ""),
        ({"strategy": "OnDelete"}, "0:old 1:old 2:old", ""),
        ({"policy": "Parallel"}, "0:old 1:old 2-", ""),
        ({"policy": "Parallel"}, "0-:old 1:old 2:old", "update=web-2"),
        # as many at a time as may be unavailable
        ({"rolling": {"maxUnavailable": 2}}, "0:old 1:old 2:old", "update=web-2,web-1"),
        ({"rolling": {"maxUnavailable": "50%"}}, "0:old 1:old 2:old", "update=web-2"),
        ({"rolling": {"maxUnavailable": 2}, "policy": "Parallel"}, "0:old 1:old 2-", "update=web-1"),
        ({"rolling": {"maxUnavailable": 2, "partition": 2}}, "0:old 1:old 2:old", "update=web-2"),
        ({"rolling": {"maxUnavailable": 1}, "policy": "Parallel"}, "0-:old 1:old 2:old", ""),
    ],
)  # fmt: skip
def test_next_step(owner: dict[str, Any], seen: str, plan: str) -> None:
    it = make_stateful_set(**owner)
    assert repr(plan_pods(it, sort_pods(it, pods(seen), OLD, NEW), NEW, NOW)) == plan


@pytest.mark.parametrize(
    ("rolling", "images"),
    [({}, ["new"] * 3), ({"partition": 2}, ["old", "old", "new"]), ({"partition": 5}, ["old"] * 3)],
)
def test_below_the_partition_pods_are_made_anew_from_the_old_revision(
    rolling: Object, images: list[str]
) -> None:
    made = sort_pods(make_stateful_set(3, rolling=rolling), [], OLD, NEW).replicas
    assert [pod["spec"]["containers"][0]["image"] for pod in made] == images
    assert [labels_of(pod)["controller-revision-hash"] for pod in made] == images


@pytest.mark.parametrize(
    ("name", "parent", "ordinal"),
    [
        ("web-0", "web", 0),
        ("a-1-22", "a-1", 22),
        ("web", "", -1),
        ("web-x", "", -1),
        ("w-99999999999", "w", -1),
    ],
)
def test_names_tell_set_and_ordinal(name: str, parent: str, ordinal: int) -> None:
    pod = make_pod(name)
    assert (parent_of(pod), ordinal_of(pod)) == (parent, ordinal)


def test_a_pod_has_the_identity_and_the_claims_of_its_ordinal() -> None:
    owner, template = make_stateful_set(claims={}), make_template(app="web")
    template["spec"]["volumes"] = [{"name": "data", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}]
    pod = new_pod(owner, template, "rev", 4)
    assert labels_of(pod) == {
        "app": "web",
        "statefulset.kubernetes.io/pod-name": "web-4",
        "apps.kubernetes.io/pod-index": "4",
        "controller-revision-hash": "rev",
    }
    assert (pod["spec"]["hostname"], pod["spec"]["subdomain"]) == ("web-4", "web")
    assert pod["spec"]["volumes"] == [
        {"name": "data", "persistentVolumeClaim": {"claimName": "data-web-4"}},
        {"name": "tmp", "emptyDir": {}},
    ]
    [claim] = new_claims(owner, 4)
    assert (name_of(claim), labels_of(claim)) == ("data-web-4", {"app": "web"})
    assert mended(owner, pod) is None


def test_an_adopted_pod_gets_the_labels_of_its_name() -> None:
    pod = make_pod("web-1", app="web")
    found = mended(make_stateful_set(), pod)
    assert found is not None
    assert labels_of(found)["statefulset.kubernetes.io/pod-name"] == "web-1"
    assert labels_of(pod) == {"app": "web"}


@pytest.mark.parametrize(
    ("deleted", "scaled", "ordinal", "owner"),
    [
        ("Retain", "Retain", 0, None),
        ("Retain", "Retain", 7, None),
        ("Delete", "Retain", 0, "StatefulSet"),
        ("Delete", "Retain", 7, "StatefulSet"),
        ("Retain", "Delete", 0, None),
        ("Retain", "Delete", 7, "Pod"),
        ("Delete", "Delete", 0, "StatefulSet"),
        ("Delete", "Delete", 7, "Pod"),
    ],
)
def test_claims_belong_to_whom_the_policy_says(
    deleted: str, scaled: str, ordinal: int, owner: str | None
) -> None:
    it = make_stateful_set(claims={"whenDeleted": deleted, "whenScaled": scaled})
    pod = {"apiVersion": "v1", "kind": "Pod", **make_pod(f"web-{ordinal}")}
    for before in ([], [owner_reference(it)], [owner_reference(pod)]):
        claim = {"metadata": {"name": f"data-web-{ordinal}", "ownerReferences": before}}
        found = owners_wanted(claim, it, pod)
        after = before if found is None else found
        assert [each["kind"] for each in after] == ([owner] if owner else [])


def test_claims_of_strangers_and_of_earlier_pods_are_left_alone() -> None:
    it = make_stateful_set(claims={"whenDeleted": "Delete", "whenScaled": "Delete"})
    pod = {"apiVersion": "v1", "kind": "Pod", **make_pod("web-0")}
    stranger = {"apiVersion": "v1", "kind": "X", "name": "x", "uid": "x", "controller": True}
    foreign: Object = {"metadata": {"ownerReferences": [stranger]}}
    earlier: Object = {"metadata": {"ownerReferences": [{**owner_reference(pod), "uid": "before"}]}}
    assert (has_conflict(foreign, it, pod), owners_wanted(foreign, it, pod)) == (True, None)
    assert (is_left_by_another(earlier, pod), owners_wanted(earlier, it, pod)) == (True, None)


@pytest.mark.parametrize(
    ("seen", "status"),
    [
        ("", {"replicas": 0, "availableReplicas": 0}),
        (
            "0:old 1- 2x:old",
            {"replicas": 3, "readyReplicas": 2, "availableReplicas": 2,
             "currentReplicas": 1, "updatedReplicas": 1},
        ),
        (
            "0 1 2",
            {"replicas": 3, "readyReplicas": 3, "availableReplicas": 3,
             "currentReplicas": 3, "updatedReplicas": 3, "currentRevision": "new"},
        ),
    ],
)  # fmt: skip
def test_status_counts_by_revision_and_completes_the_update(seen: str, status: Object) -> None:
    found = calculate_status(make_stateful_set(), pods(seen), (OLD, NEW), 0, NOW)
    fixed = {"observedGeneration": 1, "currentRevision": "old", "updateRevision": "new", "collisionCount": 0}
    assert found == {**fixed, **status}


def test_a_revision_is_written_as_go_writes_maps() -> None:
    owner = make_stateful_set()
    owner["spec"]["template"] = {"spec": {"b": [{"d": 1, "c": ""}], "a": {}}, "metadata": {}}
    kept = json.dumps(new_revision(owner, "hash", 1, 0)["data"], separators=(",", ":"))
    assert kept == (
        '{"spec":{"template":{"$patch":"replace","metadata":{},"spec":{"a":{},"b":[{"c":"","d":1}]}}}}'
    )


def test_a_revision_is_named_after_its_template() -> None:
    one = new_revision(make_stateful_set(), "hash", 1, 0)
    other = new_revision(make_stateful_set(image="b"), "hash", 2, 0)
    assert name_of(one) == f"web-{labels_of(one)['hash']}" != name_of(other)
    assert name_of(new_revision(make_stateful_set(), "hash", 1, 1)) != name_of(one)
    assert one["data"]["spec"]["template"]["$patch"] == "replace"
