"""Validation of metadata."""

from typing import Any

import pytest

from apimachinery.field import Path
from apimachinery.metadata import validate_label_selector, validate_metadata, validate_metadata_update
from apimachinery.names import is_dns1123_subdomain

GOOD = {"name": "a", "namespace": "n"}
OWNER = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}


def errors_of(metadata: dict[str, Any], *, namespaced: bool = True) -> list[str]:
    found = validate_metadata(metadata, namespaced=namespaced, name_check=is_dns1123_subdomain)
    return [str(each) for each in found]


@pytest.mark.parametrize(
    ("metadata", "start"),
    [
        ({"namespace": "n"}, "metadata.name: Required value: name or generateName is required"),
        ({**GOOD, "name": "A"}, 'metadata.name: Invalid value: "A": a lowercase RFC 1123 subdomain'),
        ({"name": "a"}, "metadata.namespace: Required value"),
        ({**GOOD, "generateName": "A_b-"}, 'metadata.generateName: Invalid value: "A_b-"'),
        (
            {**GOOD, "generation": -1},
            "metadata.generation: Invalid value: -1: must be greater than or equal to 0",
        ),
        ({**GOOD, "labels": {"a b": "x"}}, 'metadata.labels: Invalid value: "a b": name part must consist'),
        ({**GOOD, "labels": {"a": "-"}}, 'metadata.labels: Invalid value: "-": a valid label must be'),
        (
            {**GOOD, "annotations": {"a": "x" * 262_144}},
            "metadata.annotations: Too long: may not be more than 262144 bytes",
        ),
        ({**GOOD, "finalizers": ["a b"]}, 'metadata.finalizers: Invalid value: "a b"'),
        (
            {**GOOD, "ownerReferences": [{**OWNER, "uid": ""}]},
            'metadata.ownerReferences.uid: Invalid value: "": must not',
        ),
        (
            {**GOOD, "ownerReferences": [{**OWNER, "controller": True}, {**OWNER, "controller": True}]},
            "metadata.ownerReferences: Invalid value: [",
        ),
    ],
)
def test_wrong_metadata_is_told(metadata: dict[str, Any], start: str) -> None:
    (error,) = errors_of(metadata)
    assert error.startswith(start)


def test_proper_metadata_passes() -> None:
    assert errors_of({**GOOD, "generateName": "a-", "annotations": {"Example.com/X": "y"}}) == []
    assert errors_of({"name": "a"}, namespaced=False) == []


def test_cluster_wide_objects_have_no_namespace() -> None:
    assert errors_of(GOOD, namespaced=False) == ["metadata.namespace: Forbidden: not allowed on this type"]


def test_updates_keep_identity_and_add_no_finalizers_to_the_dying() -> None:
    old = {**GOOD, "uid": "1", "resourceVersion": "5", "deletionTimestamp": "t", "finalizers": ["x.y/a"]}
    new = {**old, "uid": "2", "resourceVersion": "", "finalizers": ["x.y/a", "x.y/b"]}
    assert [str(each) for each in validate_metadata_update(new, old)] == [
        "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, "
        'found new finalizers []string{"x.y/b"}',
        'metadata.resourceVersion: Invalid value: "": must be specified for an update',
        'metadata.uid: Invalid value: "2": field is immutable',
    ]
    assert validate_metadata_update(old, old) == []


def test_label_selectors_are_checked() -> None:
    selector = {
        "matchLabels": {"a": "b"},
        "matchExpressions": [
            {"key": "a", "operator": "In"},
            {"key": "a", "operator": "Exists", "values": ["x"]},
            {"key": "a", "operator": "What"},
            {"key": "", "operator": "In", "values": ["-"]},
        ],
    }
    assert [str(each)[:70] for each in validate_label_selector(selector, Path("s"))] == [
        "s.matchExpressions[0].values: Required value: must be specified when `"[:70],
        "s.matchExpressions[1].values: Forbidden: may not be specified when `op"[:70],
        's.matchExpressions[2].operator: Invalid value: "What": not a valid sel'[:70],
        's.matchExpressions[3].key: Invalid value: "": name part must be non-em'[:70],
        's.matchExpressions[3].key: Invalid value: "": name part must consist o'[:70],
        's.matchExpressions[3].values[0]: Invalid value: "-": a valid label mus'[:70],
    ]
