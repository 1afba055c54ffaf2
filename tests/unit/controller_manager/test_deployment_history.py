"""Templates, hashes, revisions and clean-up of a Deployment's ReplicaSets."""

import re

import pytest

from apimachinery.objects import name_of
from apimachinery.well_known import REVISION, REVISION_HISTORY
from controller_manager.deployment_history import (
    find_new,
    is_same_template,
    new_replica_set,
    renewed_annotations,
    to_clean_up,
)
from controller_manager.template_hash import template_hash
from tests.unit.controller_manager.builders import make_deployment, make_set, make_template


def test_a_hash_is_stable_and_spells_no_words() -> None:
    one = template_hash(make_template(a="1", b="2"))
    assert one == template_hash(make_template(b="2", a="1"))
    assert re.fullmatch("[bcdfghjklmnpqrstvwxz2456789]{1,10}", one)
    assert one != template_hash(make_template("other"))
    assert one != template_hash(make_template(a="1", b="2"), collisions=1)


def test_templates_are_compared_without_the_hash_and_what_is_empty() -> None:
    one, other = make_template(app="web"), make_template(app="web")
    other["metadata"]["labels"]["pod-template-hash"] = "x"
    other["metadata"]["creationTimestamp"] = None
    other["spec"]["volumes"] = []
    assert is_same_template(one, other)
    assert not is_same_template(one, make_template("other", app="web"))


def test_the_oldest_of_several_with_the_template_is_the_new_one() -> None:
    sets = [make_set("young", 1, created=1), make_set("old", 1, created=9), make_set("other", 1, image="x")]
    assert name_of(find_new(make_deployment(), sets) or {}) == "old"


def test_a_new_replica_set_is_told_apart_by_its_hash() -> None:
    deployment = make_deployment(3)
    deployment["metadata"]["annotations"] = {
        "note": "kept",
        REVISION: "4",
        "kubernetes.io/change-cause": "why",
    }
    it = new_replica_set(deployment, 2, 5, 4)
    hash = template_hash(deployment["spec"]["template"])
    assert it["metadata"]["name"] == f"web-{hash}"
    assert it["metadata"]["labels"] == it["spec"]["template"]["metadata"]["labels"]
    assert it["spec"]["selector"] == {"matchLabels": {"app": "web", "pod-template-hash": hash}}
    assert it["metadata"]["annotations"] == {
        "note": "kept",
        "kubernetes.io/change-cause": "why",
        REVISION: "5",
        "deployment.kubernetes.io/desired-replicas": "3",
        "deployment.kubernetes.io/max-replicas": "4",
    }


@pytest.mark.parametrize(
    ("revision", "wanted", "history", "expected"),
    [
        pytest.param(1, 1, "", ("1", None), id="unchanged"),
        pytest.param(1, 3, "", ("3", "1"), id="rolled back to"),
        pytest.param(3, 5, "1", ("5", "1,3"), id="again"),
    ],
)
def test_a_rollback_makes_an_old_revision_the_newest(
    revision: int, wanted: int, history: str, expected: tuple[str, str | None]
) -> None:
    it = make_set("rs", 0, revision=revision)
    if history:
        it["metadata"]["annotations"][REVISION_HISTORY] = history
    found = renewed_annotations(make_deployment(), it, wanted)
    assert (found[REVISION], found.get(REVISION_HISTORY)) == expected


@pytest.mark.parametrize(
    ("limit", "expected"),
    [pytest.param(1, ["a", "b"], id="the oldest"), pytest.param(3, [], id="few enough"), (None, [])],
)
def test_old_history_is_cleaned_up(limit: int | None, expected: list[str]) -> None:
    old = [make_set(name, 0, revision=number) for number, name in enumerate("abc")]
    deployment = make_deployment(3, revisionHistoryLimit=limit)
    assert [name_of(each) for each in to_clean_up(deployment, old)] == expected


def test_what_still_runs_is_not_cleaned_up() -> None:
    old = [make_set("a", 1), make_set("b", 0)]
    old[1]["metadata"]["generation"] = 2
    assert to_clean_up(make_deployment(3, revisionHistoryLimit=0), old) == []
