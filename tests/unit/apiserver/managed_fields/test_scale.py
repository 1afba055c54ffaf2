"""Who owns replicas, seen from a workload and from its Scale."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.managed_fields.book import Identity, new_entry
from apiserver.managed_fields.scale import API_VERSION, REPLICAS, to_scale, to_workload

ME, SCALER = Identity("me", "Apply"), Identity("scaler", "Update", API_VERSION, "scale")
BOTH = {"f:spec": {"f:paused": {}, "f:replicas": {}}}
ALONE = {"f:spec": {"f:replicas": {}}}


def entry(identity: Identity, version: str, fields: Any) -> Any:
    return new_entry(identity, version, fields, "2026-01-01T00:00:01Z")


def test_owners_of_replicas_are_owners_in_the_scale() -> None:
    book = {ME: entry(ME, "apps/v1", BOTH), SCALER: entry(SCALER, "apps/v1", {"f:spec": {"f:paused": {}}})}
    assert to_scale(book, REPLICAS) == {ME: entry(ME, API_VERSION, ALONE)}


@pytest.mark.parametrize(
    ("mine", "scale", "expected"),
    [
        pytest.param(BOTH, {ME: ALONE}, {ME: BOTH}, id="nothing was taken"),
        pytest.param(
            BOTH,
            {SCALER: ALONE},
            {ME: {"f:spec": {"f:paused": {}}}, SCALER: ALONE},
            id="the replicas were taken",
        ),
        pytest.param(ALONE, {SCALER: ALONE}, {SCALER: ALONE}, id="and there was nothing else"),
    ],
)
def test_what_is_lost_in_the_scale_is_lost_in_the_workload(mine: Any, scale: Any, expected: Any) -> None:
    book = {ME: entry(ME, "apps/v1", mine)}
    owners = {identity: entry(identity, API_VERSION, fields) for identity, fields in scale.items()}
    found = to_workload(book, owners, REPLICAS, "apps/v1")
    assert {identity: each["fieldsV1"] for identity, each in found.items()} == expected
    assert {each["apiVersion"] for each in found.values()} == {"apps/v1"}
