"""Strategic merge patches, applied and created."""

from collections.abc import Callable
from time import thread_time
from typing import Any

import pytest

from apimachinery.patch import PatchError
from apimachinery.schema import builtin
from apimachinery.strategic import create_three_way_patch, create_two_way_patch, strategic_merge

DEPLOYMENT = builtin().node("apps/v1", "Deployment")
POD = builtin().node("v1", "Pod")


def pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"spec": {"containers": list(containers), **spec}}


A, B, C = ({"name": name, "image": "1"} for name in "abc")

APPLIED = {
    "items merge by their key": (
        pod(A, B),
        pod({"name": "b", "image": "2"}),
        pod(A, {"name": "b", "image": "2"}),
    ),
    "new items come first": (pod(A), pod(B), pod(B, A)),
    "delete by directive": (pod(A, B), pod({"$patch": "delete", "name": "a"}), pod(B)),
    "deleting what is not there": (pod(A), pod({"$patch": "delete", "name": "z"}), pod(A)),
    "replace the list": (pod(A, B), pod({"$patch": "replace"}, C), pod(C)),
    "replace the map": (
        pod(A, dnsPolicy="x"),
        {"spec": {"$patch": "replace", "hostname": "h"}},
        {"spec": {"hostname": "h"}},
    ),
    "null deletes a field": (pod(A, dnsPolicy="x"), {"spec": {"dnsPolicy": None}}, pod(A)),
    "atomic lists are replaced": (
        pod({"name": "a", "command": ["x", "y"]}),
        pod({"name": "a", "command": ["z"]}),
        pod({"name": "a", "command": ["z"]}),
    ),
    "scalars merge as a set": (
        {"metadata": {"finalizers": ["a", "b"]}},
        {"metadata": {"finalizers": ["b", "c"]}},
        {"metadata": {"finalizers": ["a", "b", "c"]}},
    ),
    "scalars are deleted by list": (
        {"metadata": {"finalizers": ["a", "b"]}},
        {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}},
        {"metadata": {"finalizers": ["b"]}},
    ),
    "order is set": (
        pod(A, B, C),
        {"spec": {"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}, {"name": "b"}]}},
        pod(C, A, B),
    ),
    "retained keys": (
        {"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}},
        {
            "spec": {
                "volumes": [{"name": "v", "$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/"}}]
            }
        },
        {"spec": {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}},
    ),
    "directives of new maps are dropped": (
        {},
        {"spec": {"$retainKeys": ["a"], "hostname": None, "dnsPolicy": "x"}},
        {"spec": {"dnsPolicy": "x"}},
    ),
}


@pytest.mark.parametrize(("original", "patch", "expected"), APPLIED.values(), ids=APPLIED.keys())
def test_patches_apply(original: dict[str, Any], patch: dict[str, Any], expected: dict[str, Any]) -> None:
    assert strategic_merge(original, patch, POD) == expected


@pytest.mark.parametrize(
    "patch",
    [
        {"spec": {"$patch": "what"}},
        pod({"image": "x"}),
        {"spec": {"$retainKeys": "x"}},
        {"spec": {"$retainKeys": ["a"], "dnsPolicy": "x"}},
        {"spec": {"$setElementOrder/containers": {}}},
        {"spec": {"containers": [A, B], "$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}},
        {"spec": {"containers": [A], "$setElementOrder/containers": []}},
        pod({"name": {"a": "b"}}),
    ],
    ids=[
        "unknown directive",
        "no merge key",
        "keys no list",
        "stray key",
        "order no list",
        "other order",
        "missing",
        "a name that is a map",
    ],
)
def test_wrong_patches_are_refused(patch: dict[str, Any]) -> None:
    with pytest.raises(PatchError):
        strategic_merge(pod(A, B), patch, POD)


def test_a_finalizer_that_is_a_map_is_refused() -> None:
    with pytest.raises(PatchError):
        strategic_merge({"metadata": {"finalizers": ["a"]}}, {"metadata": {"finalizers": [{"a": "b"}]}}, POD)


def test_what_is_no_map_may_stand_beside_a_directive() -> None:
    patch = {"spec": {"containers": [5, {"$patch": "replace"}]}}
    assert strategic_merge(pod(A), patch, POD) == {"spec": {"containers": [5]}}


def test_three_way_deletes_ours_and_leaves_theirs() -> None:
    original, modified = pod(A, B), pod({"name": "b", "image": "2"}, C)
    current = pod(A, B, {"name": "injected"}, dnsPolicy="theirs")
    patch = create_three_way_patch(original, modified, current, POD)
    assert patch == {
        "spec": {
            "containers": [{"name": "b", "image": "2"}, C, {"$patch": "delete", "name": "a"}],
            "$setElementOrder/containers": [{"name": "b"}, {"name": "c"}],
        }
    }
    assert strategic_merge(current, patch, POD) == pod(
        {"name": "b", "image": "2"}, C, {"name": "injected"}, dnsPolicy="theirs"
    )


def test_three_way_without_a_difference_is_empty() -> None:
    assert create_three_way_patch(pod(A), pod(A), pod(A, dnsPolicy="x"), POD) == {}


def test_unions_switch_members() -> None:
    rolling = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    recreate = {"spec": {"strategy": {"type": "Recreate"}}}
    patch = create_three_way_patch({}, recreate, rolling, DEPLOYMENT)
    assert patch == {"spec": {"strategy": {"type": "Recreate", "$retainKeys": ["type"]}}}
    assert strategic_merge(rolling, patch, DEPLOYMENT) == recreate


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (pod(A, B), pod(B)),
        (pod(A, B), pod(B, A)),
        (pod(A), pod(A, B, dnsPolicy="x")),
        (pod(A, dnsPolicy="x"), pod(A)),
        ({"metadata": {"finalizers": ["a", "b"]}}, {"metadata": {"finalizers": ["c", "b"]}}),
        (
            pod({"name": "a", "env": [{"name": "X", "value": "1"}]}),
            pod({"name": "a", "env": [{"name": "Y", "value": "1"}]}),
        ),
        (pod(A, nodeSelector={"a": "b"}), pod(A, nodeSelector={"c": "d"})),
        (pod({"name": "a", "args": ["1"]}), pod({"name": "a", "args": []})),
    ],
    ids=["drop", "reorder", "add", "unset", "set of scalars", "nested", "map", "atomic"],
)
def test_two_way_patches_lead_to_the_new_version(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert strategic_merge(old, create_two_way_patch(old, new, POD), POD) == new
    assert create_two_way_patch(old, old, POD) == {}


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param(lambda names: {"spec": {"volumes": [{"name": each} for each in names]}}, id="the same"),
        pytest.param(
            lambda names: {"spec": {"volumes": [{"name": f"new-{each}"} for each in names]}}, id="others"
        ),
        pytest.param(
            lambda names: {"spec": {"volumes": [{"name": each, "$patch": "delete"} for each in names]}},
            id="none",
        ),
        pytest.param(
            lambda names: {"metadata": {"finalizers": [f"new-{each}" for each in names]}}, id="added"
        ),
        pytest.param(
            lambda names: {"metadata": {"$deleteFromPrimitiveList/finalizers": names}}, id="removed"
        ),
    ],
)
def test_long_lists_are_merged_in_linear_time(patch: Callable[[list[str]], Any]) -> None:
    names = [f"name-{number}" for number in range(20_000)]
    old = {"metadata": {"finalizers": names}, "spec": {"volumes": [{"name": each} for each in names]}}
    began = thread_time()
    strategic_merge(old, patch(names), POD)
    assert thread_time() - began < 1


def test_scalars_are_not_deleted_from_a_list_of_maps() -> None:
    patch = {"spec": {"$deleteFromPrimitiveList/containers": ["a"]}}
    assert strategic_merge(pod(A), patch, POD) == pod(A)


def test_without_a_schema_lists_are_replaced() -> None:
    assert strategic_merge({"a": [1], "b": {"c": 1}}, {"a": [2], "b": {"d": 2}}, None) == {
        "a": [2],
        "b": {"c": 1, "d": 2},
    }
