"""Objects of client-side apply handed over to server-side apply."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.well_known import LAST_APPLIED
from kubectl.csa_upgrade import owners_of_annotation, upgrade_patch, upgraded

CLIENT = "kubectl-client-side-apply"
NOTED = {"f:metadata": {"f:annotations": {f"f:{LAST_APPLIED}": {}}}}
DATA_A, DATA_B = {"f:data": {"f:a": {}}}, {"f:data": {"f:b": {}}}


def entry(manager: str, operation: str, fields: Any, version: str = "v1", subresource: str = "") -> Any:
    made = {"manager": manager, "operation": operation, "apiVersion": version, "fieldsV1": fields}
    return made | ({"subresource": subresource} if subresource else {})


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param(
            [entry(CLIENT, "Update", DATA_A)],
            [entry("kubectl", "Apply", DATA_A)],
            id="before any server-side apply",
        ),
        pytest.param(
            [entry("kubectl", "Apply", DATA_B), entry(CLIENT, "Update", DATA_A)],
            [entry("kubectl", "Apply", {"f:data": {"f:a": {}, "f:b": {}}})],
            id="after one",
        ),
        pytest.param(
            [entry("kubectl", "Apply", DATA_B), entry(CLIENT, "Update", DATA_A, "v2")],
            [entry("kubectl", "Apply", DATA_B)],
            id="what was owned in another version is given up",
        ),
        pytest.param(
            [entry("other", "Update", DATA_A)],
            [entry("other", "Update", DATA_A)],
            id="others keep what they own",
        ),
        pytest.param(
            [entry(CLIENT, "Update", DATA_A, subresource="status")],
            [entry(CLIENT, "Update", DATA_A, subresource="status")],
            id="a subresource is another matter",
        ),
    ],
)
def test_what_the_client_applied_becomes_the_servers(entries: Any, expected: Any) -> None:
    assert upgraded(entries, CLIENT, "kubectl") == expected


def test_only_owners_of_the_annotation_were_client_side_appliers() -> None:
    entries = [entry("a", "Update", NOTED), entry("b", "Update", DATA_A), entry("c", "Apply", NOTED)]
    assert owners_of_annotation(entries, "Update") == ["a"]


def test_the_patch_holds_only_for_the_object_as_it_was_seen() -> None:
    metadata = {"resourceVersion": "7", "managedFields": [entry(CLIENT, "Update", NOTED)]}
    patch = upgrade_patch({"metadata": metadata}, "kubectl")
    assert patch == [
        {"op": "replace", "path": "/metadata/managedFields", "value": [entry("kubectl", "Apply", NOTED)]},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"},
    ]
    assert upgrade_patch({"metadata": {"managedFields": [entry("x", "Update", DATA_A)]}}, "kubectl") is None
