"""Values in the store that are no API objects: an error for all who ask for them, never an absence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.api import Api
from tests.unit.apiserver.handlers.requests import MERGE

MAPS, OTHERS = "/api/v1/namespaces/default/configmaps", "/api/v1/namespaces/kube-system/configmaps"
KEY = "/registry/configmaps/default/broken"
GOOD = b'{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"broken","namespace":"default"}}'
BROKEN = [
    pytest.param(
        b"k8s\0\n\x0f\n\x02v1", "invalid character 'k' looking for beginning of value", id="protobuf"
    ),
    pytest.param(GOOD[:-3], "unexpected end of JSON input", id="cut off"),
    pytest.param(b"", "unexpected end of JSON input", id="empty"),
    pytest.param(b"[]", "not an API object", id="no object"),
]
REQUESTS: list[tuple[str, str, Any]] = [
    ("GET", f"{MAPS}/broken", None),
    ("GET", MAPS, None),
    ("PUT", f"{MAPS}/broken", {"metadata": {"name": "broken"}}),
    ("PATCH", f"{MAPS}/broken", {"data": {"a": "b"}}),
    ("DELETE", f"{MAPS}/broken", None),
    ("DELETE", MAPS, None),
]


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS, ids=["-".join(each[:2]) for each in REQUESTS])
@pytest.mark.parametrize(("value", "why"), BROKEN)
async def test_whoever_asks_is_told_what_is_wrong(
    api: Api, method: str, path: str, body: Any, value: bytes, why: str
) -> None:
    await api.storage.create(KEY, value)
    await api.cache.fresh()
    headers = MERGE if method == "PATCH" else {}
    answer = await api.request(method, path, body, headers)
    assert (answer.status, answer.json["message"]) == (
        500, f"couldn't get version/kind; json parse error: {why}",
    )  # fmt: skip
    assert (await api.request("GET", OTHERS)).status == 200


async def test_a_state_of_the_past_does_not_pass_over_it(api: Api) -> None:
    revision = await api.storage.create(KEY, b"broken")
    await api.storage.update(KEY, GOOD, revision)
    await api.cache.fresh()
    answer = await api.request("GET", f"{MAPS}?resourceVersion={revision}&resourceVersionMatch=Exact")
    assert answer.status == 500
    assert (await api.request("GET", f"{MAPS}/broken")).status == 200
