"""What the store makes of managers beyond tracking them."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery import scheme
from apimachinery.objects import deep_copy
from apiserver.registry.tracking import built_in_versions, is_unchanged, manager_of, restore_nonsense
from apiserver.request import RequestInfo

GOOD = {
    "manager": "m", "operation": "Apply", "apiVersion": "v1",
    "fieldsType": "FieldsV1", "fieldsV1": {"f:a": {}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("agent", "given", "expected"),
    [
        ("kubelet/v1.34.0 (linux/amd64)", "", "kubelet"),
        ("kubelet/v1.34.0", "me", "me"),
        ("odd\x07name", "", "oddname"),
        ("é" * 100, "", "é" * 64),
        ("", "", ""),
    ],
)
def test_a_manager_is_who_it_says_or_the_program(agent: str, given: str, expected: str) -> None:
    info = RequestInfo("create", "/", "POST", headers={"user-agent": agent})
    assert manager_of(info, given) == expected


def test_a_conversion_leaves_alone_what_it_is_given() -> None:
    v2, v1 = scheme.HORIZONTAL_POD_AUTOSCALERS, scheme.HORIZONTAL_POD_AUTOSCALERS_V1
    autoscaler = {
        "apiVersion": v2.api_version,
        "kind": v2.kind,
        "metadata": {"name": "a"},
        "status": {"currentMetrics": None, "desiredReplicas": 0},
    }
    before = deep_copy(autoscaler)
    built_in_versions(v2).convert(autoscaler, v2.api_version, v1.api_version)
    assert autoscaler == before


def at(time: str, **change: Any) -> dict[str, Any]:
    return {"metadata": {"managedFields": [GOOD | {"time": time}]}} | change


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        pytest.param(at("1"), True, id="the same"),
        pytest.param(at("2"), True, id="at another time"),
        pytest.param(at("2", data={}), False, id="and otherwise"),
        pytest.param({"metadata": {}}, False, id="without managers"),
    ],
)
def test_times_alone_are_no_change(new: Any, expected: bool) -> None:
    assert is_unchanged(new, at("1")) is expected


def test_managers_that_admission_has_spoilt_are_as_before() -> None:
    obj: dict[str, Any] = {"metadata": {"managedFields": [GOOD | {"operation": "Odd"}]}}
    (warning,) = restore_nonsense(obj, [GOOD])
    assert warning.endswith("please fix your requests: operation must be `Apply` or `Update`")
    assert obj == {"metadata": {"managedFields": [GOOD]}}


@pytest.mark.parametrize("after", [[GOOD], [GOOD | {"manager": "x"}], None])
def test_admission_may_change_managers(after: Any) -> None:
    obj = {"metadata": {"managedFields": after}}
    assert restore_nonsense(obj, [GOOD]) == []
    assert obj == {"metadata": {"managedFields": after}}
