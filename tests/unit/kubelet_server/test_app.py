"""The endpoints of a kubelet that ask or change the kubelet itself, and who may."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx
import pytest

from apimachinery.objects import Object
from client.reviews import Authenticator, User
from component_base.health_checks import Check
from kubelet.configuration import merge
from kubelet.health import LONGEST_SECONDS, health_checks
from kubelet.options import Options
from kubelet.server.app import build_app, build_read_only_app
from kubelet.server.counted import root_of
from kubelet.server.identity import Authorizer, subresources_of
from kubelet.server.stats import StatsEndpoints
from tests.fakes.counts import Counts
from tests.unit.kubelet.builders import make_container, make_pod
from tests.unit.kubelet.world import World, living, now

pytestmark = pytest.mark.looptime


class Everybody:
    async def user(self, subject: object, authorization: str) -> User | None:
        return User(authorization) if authorization else None


class Bossy:
    """Lets the boss do everything."""

    async def allows(self, user: User, method: str, path: str) -> bool:
        return user.name == "boss"


class NoStats:
    async def none(self) -> None:
        return None

    resource = cadvisor = probes = summary = none


@asynccontextmanager
async def asking(
    world: World, checks: dict[str, Check] | None = None, **configuration: Any
) -> AsyncIterator[httpx.AsyncClient]:
    app = build_app(
        world.assembly.kubelet,
        world.assembly.probes.history,
        cast(StatsEndpoints, NoStats()),
        cast(Authenticator, Everybody()),
        cast(Authorizer, Bossy()),
        merge(configuration, Options()),
        checks or {},
        now,
    )

    async def with_extensions(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "extensions": {}}, receive, send)

    transport = httpx.ASGITransport(cast(Any, with_extensions))
    async with httpx.AsyncClient(transport=transport, base_url="http://node") as client:
        client.headers["Authorization"] = "boss"
        yield client


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/healthz", 200, "ok"),
        ("/healthz/log", 200, "ok"),
        ("/exec/shop/cart/web", 405, "Debug endpoints are disabled.\n"),
        ("/logs/", 405, "Debug endpoints are disabled.\n"),
        ("/configz", 404, "Not Found"),
        ("/debug/pods/shop/cart", 404, "Not Found"),
    ],
)
async def test_the_read_only_port_tells_anybody_and_does_nothing(path: str, status: int, text: str) -> None:
    async with living() as world:
        stats = cast(StatsEndpoints, NoStats())
        app = build_read_only_app(world.assembly.kubelet, stats, {"log": lambda: ""})
        transport = httpx.ASGITransport(cast(Any, app))
        labels = {"server_type": "readonly", "long_running": "false"}
        counts = Counts(pods=("http_requests_total", {**labels, "path": "pods", "method": "GET"}))
        async with httpx.AsyncClient(transport=transport, base_url="http://node") as client:
            answer = await client.get(path)
            pods = await client.get("/pods")
    assert (answer.status_code, answer.text) == (status, text)
    assert pods.json()["kind"] == "PodList"
    assert counts.grown() == {"pods": 1}


SHELL = make_container(command=["sh", "-c", "sleep 100000"])
FAILED = "checkpointing of shop/cart/web failed (rpc error: code = Unimplemented desc = "
UNKNOWN = "unknown method CheckpointContainer for service runtime.v1.RuntimeService)"
CLOSED = {"enableDebuggingHandlers": False}


@pytest.mark.parametrize(
    ("method", "path", "configuration", "status", "text"),
    [
        ("GET", "/healthz", {}, 200, "ok"),
        ("GET", "/healthz?verbose", {}, 200, "[+]ping ok\n[+]log ok\nhealthz check passed\n"),
        ("GET", "/healthz/log", {}, 200, "ok"),
        ("GET", "/healthz/none", {}, 404, "404 page not found\n"),
        ("POST", "/run/shop/cart/web?cmd=echo+hi", {}, 200, "hi\n"),
        ("POST", "/run/shop/cart/web?cmd=false", {}, 500, "command 'false' exited with 1: "),
        ("POST", "/run/shop/cart/none?cmd=echo", {}, 500, 'container not found ("none")'),
        ("POST", "/run/shop/none/web?cmd=echo", {}, 404, "pod does not exist"),
        ("POST", "/checkpoint/shop/none/web", {}, 404, "pod does not exist"),
        ("POST", "/checkpoint/shop/cart/none", {}, 404, "container none does not exist"),
        ("POST", "/checkpoint/shop/cart/web", {}, 500, FAILED + UNKNOWN),
        ("GET", "/containerLogs/shop/none/web", {}, 404, 'pod "none" does not exist'),
        ("POST", "/run/shop/cart/web", CLOSED, 405, "Debug endpoints are disabled.\n"),
        ("GET", "/logs/", CLOSED, 405, "Debug endpoints are disabled.\n"),
        ("GET", "/logs/", {"enableSystemLogHandler": False}, 405, "logs endpoint is disabled.\n"),
        ("PUT", "/debug/flags/v", {"enableDebugFlagsHandler": False}, 405, "flags endpoint is disabled.\n"),
        ("GET", "/debug/flags/v", {}, 406, "unsupported http method"),
        ("PUT", "/debug/flags/v", {}, 400, 'strconv.ParseUint: parsing "": invalid syntax'),
    ],
)
async def test_endpoints(method: str, path: str, configuration: Object, status: int, text: str) -> None:
    async with living() as world:
        world.api.put(make_pod(SHELL))
        await world.until_ready()
        async with asking(world, {"log": lambda: ""}, **configuration) as client:
            answer = await client.request(method, path)
    assert (answer.status_code, answer.text) == (status, text)


async def test_the_configuration_is_shown_without_what_has_no_value() -> None:
    async with living() as world, asking(world, maxPods=7) as client:
        told = (await client.get("/configz")).json()["kubeletconfig"]
    assert (told["maxPods"], told["failCgroupV1"]) == (7, False)
    assert not {"singleProcessOOMKill", "maxParallelImagePulls"} & set(told)


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("/metrics", "metrics"),
        ("/metrics/cadvisor", "metrics/cadvisor"),
        ("/metrics/none", "other"),
        ("/exec/shop/cart/web", "exec"),
        ("/pods/", "pods"),
        ("/", "other"),
    ],
)
def test_metrics_know_a_request_by_the_root_of_its_path(path: str, root: str) -> None:
    assert root_of(path) == root


async def test_requests_are_counted_even_if_refused() -> None:
    labels = {"server_type": "readwrite"}
    counts = Counts(
        pods=("http_requests_total", {**labels, "method": "GET", "path": "pods", "long_running": "false"}),
        timed=(
            "http_requests_duration_seconds_count",
            {**labels, "method": "POST", "path": "exec", "long_running": "true"},
        ),
        odd=("http_requests_total", {**labels, "method": "other", "path": "other", "long_running": "false"}),
    )
    async with living() as world, asking(world) as client:
        await client.get("/pods")
        await client.post("/exec/shop/cart/web", headers={"Authorization": "nobody"})
        await client.request("BREW", "/tea")
    assert counts.grown() == {"pods": 1, "timed": 1, "odd": 1}


async def test_how_much_is_logged_can_be_changed() -> None:
    root = logging.getLogger()
    before = root.level
    try:
        async with living() as world, asking(world) as client:
            answer = await client.put("/debug/flags/v", content="4")
            assert answer.text == "successfully set klog.logging.verbosity to 4"
            assert root.level == logging.DEBUG
    finally:
        root.setLevel(before)


@pytest.mark.parametrize(
    ("user", "path", "status", "text"),
    [
        ("", "/pods", 401, "Unauthorized"),
        (
            "eve",
            "/pods",
            403,
            "Forbidden (user=eve, verb=get, resource=nodes, subresource(s)=[pods proxy])\n",
        ),
        ("eve", "/x", 403, "Forbidden (user=eve, verb=get, resource=nodes, subresource(s)=[proxy])\n"),
    ],
)
async def test_who_may_not_is_told_what(user: str, path: str, status: int, text: str) -> None:
    async with living() as world, asking(world) as client:
        answer = await client.get(path, headers={"Authorization": user})
    assert (answer.status_code, answer.text) == (status, text)


async def test_of_credentials_said_twice_the_first_count() -> None:
    async with living() as world, asking(world) as client:
        answer = await client.get("/pods", headers=[("Authorization", "eve"), ("Authorization", "system")])
    assert (answer.status_code, answer.text.split(",")[0]) == (403, "Forbidden (user=eve")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/runningpods/", ("pods", "proxy")),
        ("/flagz", ("configz",)),
        ("/logs/x", ("log",)),
        ("/stats/summary", ("stats",)),
        ("/exec/a/b/c", ("proxy",)),
    ],
)
async def test_a_path_is_a_subresource(path: str, expected: tuple[str, ...]) -> None:
    assert subresources_of(path) == expected


async def test_a_kubelet_whose_engine_is_away_for_long_is_not_healthy() -> None:
    async with living() as world:
        check = health_checks(world.assembly.kubelet.housekeeping)["syncloop"]
        await asyncio.sleep(1)
        assert check() == ""
        world.runtime.break_engine()
        await asyncio.sleep(LONGEST_SECONDS)
        assert check() == "sync Loop took longer than expected"
