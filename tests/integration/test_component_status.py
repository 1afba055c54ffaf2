"""componentstatuses over HTTP, and how another daemon's health is asked for."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from apiserver.component_status import DEPRECATION, healthz_probe
from apiserver.subresources.relay import Relay
from component_base.health import HealthServer
from tests.fakes.etcd_server import free_port
from tests.fakes.http_server import Exchange, scripted
from tests.integration.running_apiserver import running

PATH = "/api/v1/componentstatuses"
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"
ETCD = {
    "metadata": {"name": "etcd-0"},
    "conditions": [{"type": "Healthy", "status": "True", "message": "ok"}],
}


async def test_component_statuses_are_listed_and_got(pki: Path) -> None:
    async with running(pki) as api, api.client("admin") as admin:
        listed = await admin.get(PATH)
        chosen = await admin.get(PATH, params={"fieldSelector": "metadata.name=etcd-0"})
        got = await admin.get(f"{PATH}/etcd-0")
        none = await admin.get(f"{PATH}/none")
        table = await admin.get(
            f"{PATH}/etcd-0", headers={"accept": "application/json;as=Table;g=meta.k8s.io;v=v1"}
        )
        watched = await admin.get(PATH, params={"watch": "true"})
    assert listed.headers["warning"] == f'299 - "{DEPRECATION}"'
    assert [each["metadata"]["name"] for each in listed.json()["items"]] == [
        "controller-manager", "scheduler", "etcd-0",
    ]  # fmt: skip
    assert chosen.json()["items"] == [ETCD]
    assert got.json() == {"kind": "ComponentStatus", "apiVersion": "v1", **ETCD}
    assert (none.status_code, none.json()["message"]) == (404, 'componentstatuses "none" not found')
    assert [row["cells"] for row in table.json()["rows"]] == [["etcd-0", "Healthy", "ok", ""]]
    assert watched.status_code == 405


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        pytest.param(None, (True, "ok"), id="well"),
        pytest.param(
            "lost",
            (False, "[+]ping ok\n[-]leader failed: reason withheld\nhealthz check failed\n"),
            id="not well",
        ),
    ],
)
async def test_another_daemon_tells_how_it_is(trouble: str | None, expected: tuple[bool, str]) -> None:
    server, relay = HealthServer("127.0.0.1", 0, {"leader": lambda: trouble}), Relay(False)
    port = await server.start()
    try:
        assert await healthz_probe(relay, f"http://127.0.0.1:{port}/healthz")() == expected
    finally:
        await asyncio.gather(relay.aclose(), server.aclose())


async def test_a_daemon_that_is_not_there_is_not_well() -> None:
    relay, url = Relay(False), f"https://127.0.0.1:{free_port()}/healthz"
    where = url.removeprefix("https://").removesuffix("/healthz")
    expected = (False, f'Get "{url}": dial tcp {where}: connect: connection refused')
    assert await healthz_probe(relay, url)() == expected
    await relay.aclose()


async def test_a_daemon_that_breaks_off_is_not_well() -> None:
    async def break_off(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok")
        exchange.close()

    relay = Relay(False)
    async with scripted(break_off) as server:
        url = f"http://127.0.0.1:{server.port}/healthz"
        is_well, message = await healthz_probe(relay, url)()
        await relay.aclose()
    assert not is_well
    assert message.startswith(f'Get "{url}": ')
