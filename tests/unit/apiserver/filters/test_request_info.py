"""What a method and a path ask for."""

from __future__ import annotations

import pytest

from apiserver.asgi import Receive, Scope, Send
from apiserver.filters.request_info import (
    RequestInfoFilter,
    is_long_running,
    parse_headers,
    parse_query,
    parse_request,
)
from tests.fakes.asgi import Sent, nothing, scope_of, send_json

# method, path?query, then: verb, group, version, namespace, resource, subresource, name
RESOURCE_REQUESTS = {
    "list in a namespace": ("GET /api/v1/namespaces/shop/pods", "list", "", "v1", "shop", "pods", "", ""),
    "list everywhere": ("GET /api/v1/pods", "list", "", "v1", "", "pods", "", ""),
    "watch": ("GET /api/v1/pods?watch=true", "watch", "", "v1", "", "pods", "", ""),
    "watch said with nothing": ("GET /api/v1/pods?watch", "watch", "", "v1", "", "pods", "", ""),
    "watch=0 is a list": ("GET /api/v1/pods?watch=0", "list", "", "v1", "", "pods", "", ""),
    "the old path of a watch": ("GET /api/v1/watch/pods", "watch", "", "v1", "", "pods", "", ""),
    "get": ("GET /api/v1/namespaces/shop/pods/a", "get", "", "v1", "shop", "pods", "", "a"),
    "head is a get": ("HEAD /api/v1/namespaces/shop/pods/a", "get", "", "v1", "shop", "pods", "", "a"),
    "create in a group": (
        "POST /apis/apps/v1/namespaces/shop/deployments",
        "create", "apps", "v1", "shop", "deployments", "", "",
    ),
    "update of a status": (
        "PUT /apis/apps/v1/namespaces/shop/deployments/d/status",
        "update", "apps", "v1", "shop", "deployments", "status", "d",
    ),
    "patch": ("PATCH /api/v1/nodes/n", "patch", "", "v1", "", "nodes", "", "n"),
    "delete": ("DELETE /api/v1/nodes/n", "delete", "", "v1", "", "nodes", "", "n"),
    "delete of all": ("DELETE /api/v1/nodes", "deletecollection", "", "v1", "", "nodes", "", ""),
    "a namespace is in itself": (
        "GET /api/v1/namespaces/shop", "get", "", "v1", "shop", "namespaces", "", "shop",
    ),
    "all namespaces": ("GET /api/v1/namespaces", "list", "", "v1", "", "namespaces", "", ""),
    "a namespace's status is no resource of it": (
        "PUT /api/v1/namespaces/shop/status", "update", "", "v1", "shop", "namespaces", "status", "shop",
    ),
    "a field selector names an object": (
        "GET /api/v1/nodes?fieldSelector=metadata.name%3Dn", "list", "", "v1", "", "nodes", "", "n",
    ),
    "a bad field selector names none": (
        "GET /api/v1/nodes?fieldSelector=metadata.name", "list", "", "v1", "", "nodes", "", "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", RESOURCE_REQUESTS.values(), ids=RESOURCE_REQUESTS.keys())
def test_a_resource_request_is_read(row: tuple[str, ...]) -> None:
    method, _, target = row[0].partition(" ")
    path, _, query = target.partition("?")
    info = parse_request(method, path, parse_query(query.encode()))
    assert info.is_resource
    assert (
        info.verb, info.group, info.version, info.namespace, info.plural, info.subresource, info.name,
    ) == row[1:]  # fmt: skip


@pytest.mark.parametrize(
    ("target", "forces_watch", "names_object"),
    [
        ("/api/v1/watch/pods", True, False),
        ("/api/v1/watch/namespaces/shop/pods/a", True, True),
        ("/api/v1/pods?watch=1&fieldSelector=metadata.name%3Da", False, False),
        ("/api/v1/nodes/n", False, True),
    ],
)
def test_what_the_path_says_of_itself(target: str, forces_watch: bool, names_object: bool) -> None:
    path, _, query = target.partition("?")
    info = parse_request("POST", path, parse_query(query.encode()))
    assert (info.forces_watch, info.names_object) == (forces_watch, names_object)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("a=1&a=2&b", {"a": ["1", "2"], "b": [""]}),
        ("a=b+c%20d&%61=%C3%A9", {"a": ["b c d", "é"]}),
        ("a=1;b=2&c=3", {"c": ["3"]}),
        ("a=%&b=%zz&c=%2&d=4", {"d": ["4"]}),
        ("&&a=b=c&", {"a": ["b=c"]}),
        ("", {}),
    ],
)
def test_a_query_is_read_as_go_reads_it(query: str, expected: dict[str, list[str]]) -> None:
    assert parse_query(query.encode()) == expected


def test_of_headers_said_twice_the_first_counts() -> None:
    headers = [(b"content-type", b"application/json"), (b"a", b"1"), (b"content-type", b"text/plain")]
    assert parse_headers(headers) == {"content-type": "application/json", "a": "1"}


@pytest.mark.parametrize(
    ("raw_path", "status"), [(b"/api/v1/nodes/%zz", 400), (b"/api/v1/nodes/a%", 400), (b"/%41", 200)]
)
async def test_a_path_that_cannot_be_unescaped_is_refused(raw_path: bytes, status: int) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send_json(send, 200, {})

    sent = Sent()
    await RequestInfoFilter(app)(
        scope_of("GET /") | {"raw_path": raw_path, "query_string": b""}, nothing, sent
    )
    assert sent.messages[0]["status"] == status


@pytest.mark.parametrize("path", ["/", "/healthz", "/api", "/api/v1", "/apis", "/apis/apps", "/apis/apps/v1"])
def test_other_paths_are_no_resource_requests(path: str) -> None:
    info = parse_request("GET", path, {})
    assert (info.is_resource, info.verb) == (False, "get")


def test_what_follows_proxy_is_kept() -> None:
    info = parse_request("GET", "/api/v1/nodes/n/proxy/stats/summary", {})
    assert (info.subresource, info.trailing) == ("proxy", "stats/summary")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/api/v1/pods?watch=1", True),
        ("/api/v1/namespaces/n/pods/p/log", True),
        ("/api/v1/namespaces/n/pods/p/exec", True),
        ("/api/v1/namespaces/n/pods/p", False),
    ],
)
def test_what_may_last(target: str, expected: bool) -> None:
    path, _, query = target.partition("?")
    assert is_long_running(parse_request("GET", path, parse_query(query.encode()))) is expected
