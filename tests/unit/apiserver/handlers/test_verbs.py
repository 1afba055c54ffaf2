"""The verbs over the store in memory, as a client sees them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fakes.api import Api, serving

MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving() as api:
        yield api


async def test_what_is_created_is_read_back(api: Api) -> None:
    created = await api.request("POST", MAPS, {"metadata": {"name": "a"}, "data": {"k": "v"}})
    assert created.status == 201
    assert created.json["kind"] == "ConfigMap"
    read = await api.request("GET", f"{MAPS}/a")
    assert (read.status, read.json) == (200, created.json)
    metadata = read.json["metadata"]
    assert metadata["namespace"] == "default"
    assert metadata["creationTimestamp"] == "2026-01-02T03:04:05Z"
    assert metadata["resourceVersion"] == "2"
