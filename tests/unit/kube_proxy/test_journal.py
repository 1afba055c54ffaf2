"""What the proxy remembers of its syncs: which Service's rules, from which revisions, when."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import orjson
import pytest

from apimachinery.objects import NamespacedName, Object
from component_base.http_server import Request
from kube_proxy.journal import KEPT, MAX_SERVICES, Journal, Revisions
from kube_proxy.recorded import Recorded
from tests.unit.kube_proxy.builders import make_endpoint, make_service, make_slice
from tests.unit.kube_proxy.running import running

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
KEY = NamespacedName("ns", "svc")


def at(obj: Object, revision: str) -> Object:
    return {**obj, "metadata": {**obj["metadata"], "resourceVersion": revision}}


async def shown(journal: Journal, **query: str) -> Object:
    request = Request("GET", "/debug/services", {key: [value] for key, value in query.items()}, {})
    answer: Object = orjson.loads((await journal.serve(request)).body)
    return answer


@pytest.mark.looptime
async def test_a_sync_is_noted_with_the_revisions_it_programmed() -> None:
    async with running(Recorded()) as proxier:
        proxier.on_service(None, at(make_service("svc", "172.30.0.41"), "7"))
        proxier.on_endpoint_slice(None, at(make_slice("svc", make_endpoint("10.180.0.1")), "9"))
        await asyncio.sleep(2)
        (service,) = (await shown(proxier.journal))["services"]
    (programmed,) = service["programmed"]
    assert (service["namespace"], service["name"]) == KEY
    assert (programmed["service"], programmed["endpointSlices"]) == ("7", {"svc-1": "9"})
    assert programmed["time"].startswith("2026-01-01T00:00:01")


@pytest.mark.looptime
async def test_what_could_not_be_written_is_noted_once_it_could() -> None:
    writer = Recorded()
    async with running(writer) as proxier:
        await asyncio.sleep(2)
        writer.refuse = "no such table"
        proxier.on_service(None, at(make_service("svc", "172.30.0.41"), "7"))
        await asyncio.sleep(0.1)
        assert await shown(proxier.journal) == {"error": "no such table", "services": []}
        writer.refuse = ""
        await asyncio.sleep(5)
        told = await shown(proxier.journal)
    assert (told["error"], told["services"][0]["programmed"][0]["service"]) == ("", "7")


async def test_the_same_rules_again_are_no_news_and_only_the_last_are_kept() -> None:
    journal = Journal()
    for number in range(KEPT + 3):
        for _ in range(2):
            journal.programmed({KEY: Revisions(str(number))}, MOMENT, 1.0)
    programmed = (await shown(journal))["services"][0]["programmed"]
    assert [each["service"] for each in programmed] == ["3", "4", "5", "6", "7"]


async def test_memory_is_bounded() -> None:
    journal = Journal()
    for number in range(MAX_SERVICES + 1):
        journal.programmed({NamespacedName("ns", f"svc-{number}"): Revisions("1")}, MOMENT, 1.0)
    assert len((await shown(journal))["services"]) == MAX_SERVICES
    assert (await shown(journal, namespace="ns", name="svc-0"))["services"] == []
