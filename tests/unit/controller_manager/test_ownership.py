"""Who owns what: adoption and release as a table."""

import pytest

from apimachinery.objects import Object, name_of
from controller_manager.ownership import plan_claims

OWNER: Object = {"metadata": {"name": "rs", "uid": "mine"}}


def obj(owner: str = "", *, app: str = "web", terminating: bool = False) -> Object:
    metadata: Object = {"name": "o", "labels": {"app": app}}
    if owner:
        metadata["ownerReferences"] = [{"uid": owner, "kind": "ReplicaSet", "controller": True}]
    if terminating:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {"metadata": metadata}


@pytest.mark.parametrize(
    ("it", "is_owner_terminating", "expected"),
    [
        pytest.param(obj("mine"), False, "owned", id="mine and matching"),
        pytest.param(obj("mine", app="x"), False, "release", id="mine, matching no more"),
        pytest.param(obj("mine", app="x"), True, "none", id="a dying owner lets nothing go"),
        pytest.param(obj("mine", terminating=True), False, "owned", id="mine, ending"),
        pytest.param(obj("other"), False, "none", id="another's"),
        pytest.param(obj(), False, "adopt", id="an orphan"),
        pytest.param(obj(), True, "none", id="a dying owner adopts nothing"),
        pytest.param(obj(terminating=True), False, "none", id="a dying orphan"),
        pytest.param(obj(app="x"), False, "none", id="a strange orphan"),
    ],
)
def test_claims(it: Object, is_owner_terminating: bool, expected: str) -> None:
    deleted = {"deletionTimestamp": "2026-01-01T00:00:00Z"} if is_owner_terminating else {}
    owner = {"metadata": {**OWNER["metadata"], **deleted}}
    claims = plan_claims(owner, lambda each: each["metadata"]["labels"]["app"] == "web", [it])
    found = {
        name: [name_of(each) for each in getattr(claims, name)] for name in ("owned", "adopt", "release")
    }
    assert found == {name: ["o"] if name == expected else [] for name in found}
