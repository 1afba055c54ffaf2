"""The proxier's loop on recorded rules, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from component_base.http_server import Request
from kube_proxy.health import ProxierHealth
from kube_proxy.proxier import Proxier
from kube_proxy.recorded import Recorded
from kube_proxy.ruleset import Ruleset
from tests.unit.kube_proxy.builders import make_endpoint, make_service, make_slice, make_state
from tests.unit.kube_proxy.running import NoFlows, now, running

pytestmark = pytest.mark.looptime
SERVICE = make_service("svc", "172.30.0.41")


async def test_changes_of_one_second_are_one_transaction() -> None:
    writer = Recorded()
    async with running(writer) as proxier:
        assert len(writer.transactions) == 1
        await asyncio.sleep(5)
        proxier.on_service(None, SERVICE)
        await asyncio.sleep(0.01)
        assert len(writer.transactions) == 2
        proxier.on_endpoint_slice(None, make_slice("svc", make_endpoint("10.180.0.1")))
        proxier.on_endpoint_slice(None, make_slice("svc", make_endpoint("10.180.0.2"), name="other"))
        await asyncio.sleep(0.5)
        assert len(writer.transactions) == 2
        await asyncio.sleep(1)
        assert len(writer.transactions) == 3


async def test_a_change_that_changes_no_rule_is_not_written() -> None:
    writer = Recorded()
    async with running(writer) as proxier:
        proxier.on_service(None, SERVICE)
        await asyncio.sleep(5)
        written = len(writer.transactions)
        proxier.on_service(SERVICE, {**SERVICE, "metadata": {**SERVICE["metadata"], "labels": {"a": "b"}}})
        await asyncio.sleep(5)
        assert len(writer.transactions) == written


async def test_after_a_failure_everything_is_written_anew() -> None:
    writer = Recorded()
    async with running(writer) as proxier:
        await asyncio.sleep(5)
        writer.refuse = "no"
        proxier.on_service(None, SERVICE)
        await asyncio.sleep(0.1)
        writer.ruleset, writer.refuse = None, ""
        await asyncio.sleep(5)
        assert writer.transactions[-1].startswith("add table ip kube-proxy")
        assert writer.ruleset is not None
        assert "172.30.0.41 . tcp . 80" in writer.ruleset.maps["no-endpoint-services"].elements


class Robbed(Recorded):
    """Hears that somebody took all rules away before the second transaction is known to have been made."""

    rob: Callable[[], None]

    async def change(self, old: Ruleset, new: Ruleset) -> None:
        await super().change(old, new)
        if len(self.transactions) == 2:
            self.rob()


async def test_rules_that_are_taken_away_while_others_are_written_come_back() -> None:
    writer = Robbed()
    async with running(writer) as proxier:
        writer.rob = proxier.rules_gone
        await asyncio.sleep(5)
        proxier.on_service(None, SERVICE)
        await asyncio.sleep(5)
    assert writer.transactions[-1].startswith("add table ip kube-proxy")


async def test_everything_is_written_anew_once_an_hour() -> None:
    writer = Recorded()
    async with running(writer):
        await asyncio.sleep(3500)
        assert len(writer.transactions) == 1
        await asyncio.sleep(200)
        assert len(writer.transactions) == 2


async def test_health_follows_syncs_and_the_node() -> None:
    writer, eligible = Recorded(), [True]
    async with running(writer) as proxier:
        health = ProxierHealth(proxier, lambda: eligible[0], now)

        async def ask(path: str) -> tuple[int, Any]:
            answer = await health.handle(Request("GET", path, {}, {}))
            return answer.status, orjson.loads(answer.body) if answer.status != 404 else None

        await asyncio.sleep(99.9)
        well = {"lastUpdated": "2026-01-01T00:00:00.000000Z", "healthy": True}
        current = "2026-01-01T00:01:40.000000Z"
        assert await ask("/healthz") == (200, {
            "lastUpdated": current, "currentTime": current, "nodeEligible": True, "healthy": True,
            "status": {"IPv4": well},
        })  # fmt: skip
        assert (await ask("/livez"))[1].keys() == {"lastUpdated", "currentTime", "healthy", "status"}
        assert await ask("/") == (404, None)
        eligible[0] = False
        status, body = await ask("/healthz")
        assert (status, body["healthy"], body["lastUpdated"]) == (503, True, well["lastUpdated"])
        assert (await ask("/livez"))[0] == 200
        writer.refuse = "no"
        proxier.on_service(None, SERVICE)
        await asyncio.sleep(50)
        assert (await ask("/livez"))[0] == 200
        await asyncio.sleep(50)
        status, body = await ask("/livez")
        assert (status, body["healthy"], body["status"]["IPv4"]["healthy"]) == (503, False, False)


async def test_a_proxy_that_has_not_started_is_well() -> None:
    proxier = Proxier(make_state([], []), Recorded(), NoFlows(), min_sync_period=1, now=now)
    answer = await ProxierHealth(proxier, lambda: True, now).handle(Request("GET", "/healthz", {}, {}))
    assert answer.status == 200
    assert orjson.loads(answer.body)["status"]["IPv4"]["lastUpdated"] == "0001-01-01T00:00:00Z"


async def test_local_policies_without_endpoints_here_are_counted() -> None:
    external = make_service("svc", "172.30.0.41", node_port=3001, externalTrafficPolicy="Local")
    internal = make_service("in", "172.30.0.42", internalTrafficPolicy="Local")
    none_at_all = make_service("none", "172.30.0.43", internalTrafficPolicy="Local")
    there = make_endpoint("10.180.1.1")
    slices = [make_slice("svc", there), make_slice("in", there)]
    state = make_state([external, internal, none_at_all], slices)
    state.plan()
    assert state.without_local_endpoints() == (1, 1)
