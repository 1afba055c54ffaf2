"""How many watchers are told of a write."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from apimachinery.fields import parse_field_selector
from apimachinery.scheme import NODES, PODS, SERVICE_ACCOUNTS, Resource
from apiserver.flow_control.work import watchers_of
from apiserver.request import RequestInfo
from apiserver.storage.memory import MemoryStorage
from apiserver.storage.watch_cache import WatchCache

WATCHES: tuple[tuple[Resource, str, str], ...] = (
    (PODS, "", ""), (PODS, "a", ""), (PODS, "a", ""), (PODS, "a", "metadata.name=x"),
    (PODS, "", "spec.nodeName=n1"), (PODS, "b", ""), (NODES, "", ""), (NODES, "", "metadata.name=n1"),
    (SERVICE_ACCOUNTS, "", ""),
)  # fmt: skip


def asked(resource: Resource, verb: str, namespace: str = "", name: str = "", sub: str = "") -> RequestInfo:
    return RequestInfo(
        verb, "/", "", True, resource.group, resource.version, resource.plural, sub, namespace, name,
        resource=resource,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        pytest.param(asked(PODS, "update", "a", "x"), 4, id="who may be interested in an object"),
        pytest.param(asked(PODS, "create", "a"), 3, id="whose name is not known yet"),
        pytest.param(asked(PODS, "delete", "c", "x"), 1, id="in another namespace"),
        pytest.param(asked(NODES, "patch", "", "n1"), 2, id="without a namespace"),
        pytest.param(RequestInfo("create", "/", "POST", True, plural="things"), 0, id="of nothing known"),
        pytest.param(asked(PODS, "get", "a", "x"), None, id="a read"),
        pytest.param(asked(PODS, "deletecollection", "a"), None, id="of many"),
        pytest.param(asked(SERVICE_ACCOUNTS, "create", "a", "x", "token"), None, id="a token"),
        pytest.param(RequestInfo("post", "/healthz", "POST"), None, id="no resource"),
    ],
)
async def test_writes_are_told_to_watchers(info: RequestInfo, expected: int | None) -> None:
    cache = WatchCache(MemoryStorage())
    with ExitStack() as watching:
        for resource, namespace, fields in WATCHES:
            watching.enter_context(
                cache.resource(resource).subscribe(namespace, parse_field_selector(fields))
            )
        assert watchers_of(info, cache) == expected
    assert not watchers_of(info, cache), "they have gone"
