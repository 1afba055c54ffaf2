"""Leader election: one leads, another takes over, a leader that can't renew stops."""

import asyncio
import random
from contextlib import aclosing
from typing import cast

import pytest

from apimachinery.errors import ServiceUnavailableError
from apimachinery.objects import Object
from apimachinery.scheme import EVENTS, LEASES, PODS
from apimachinery.times import format_micro_time
from client.events import EventRecorder
from client.leader_election import LeaderElector, LeadershipLost, lead
from client.rest import Client
from client.transport import AT_ONCE
from component_base.election import Election
from component_base.kubeconfig import ClientConfig
from tests.fakes.api_connection import FakeApi
from tests.fakes.http_server import Exchange, scripted

pytestmark = pytest.mark.looptime


def candidate(api: FakeApi, identity: str) -> LeaderElector:
    client, election = cast(Client, api), Election(name="test")
    return LeaderElector(client, election, identity=identity, now=api.now, rng=random.Random(0))


async def lead_forever() -> None:
    await asyncio.Event().wait()


def start(elector: LeaderElector) -> asyncio.Future[None]:
    return asyncio.ensure_future(elector.run(lead_forever))


def lease(api: FakeApi) -> Object:
    spec: Object = api.find(LEASES)[0]["spec"]
    return spec


async def stop(*tasks: asyncio.Future[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_the_first_one_leads_and_renews() -> None:
    api = FakeApi()
    elector = candidate(api, "one")
    task = start(elector)
    await asyncio.sleep(11)
    assert elector.is_leader
    assert (lease(api)["holderIdentity"], lease(api)["renewTime"]) == ("one", "2026-01-01T00:00:10.000000Z")
    await stop(task)


async def test_who_leads_is_told() -> None:
    api = FakeApi()
    client = cast(Client, api)
    events = EventRecorder(client, "test", now=api.now)
    task = start(LeaderElector(client, Election(name="test"), identity="one", events=events, now=api.now))
    await asyncio.sleep(1)
    [event] = api.find(EVENTS)
    assert (event["reason"], event["message"]) == ("LeaderElection", "one became leader")
    about = event["involvedObject"]
    assert (about["apiVersion"], about["kind"], about["name"]) == ("coordination.k8s.io/v1", "Lease", "test")
    await stop(task)


async def test_a_second_one_waits_as_long_as_the_lease_is_renewed() -> None:
    api = FakeApi()
    tasks = [start(candidate(api, "one")), start(second := candidate(api, "two"))]
    await asyncio.sleep(100)
    assert not second.is_leader
    await stop(*tasks)


async def test_a_lease_given_up_is_taken_at_the_next_try() -> None:
    api = FakeApi()
    first, second = start(candidate(api, "one")), candidate(api, "two")
    task = start(second)
    await asyncio.sleep(20)
    await stop(first)
    await asyncio.sleep(5)
    assert second.is_leader
    assert lease(api)["leaseTransitions"] == 1
    await stop(task)


async def test_a_renewal_that_was_broken_off_does_not_keep_the_lease() -> None:
    """It may have been written: who gives the lease up has not seen its newest version."""
    api = FakeApi()
    task = start(candidate(api, "one"))
    await asyncio.sleep(5)
    written = api.find(LEASES)[0]
    await api.update(
        LEASES, {**written, "spec": {**written["spec"], "renewTime": format_micro_time(api.now())}}
    )
    await stop(task)
    assert lease(api)["holderIdentity"] == ""


async def test_the_lease_of_a_dead_leader_expires() -> None:
    api = FakeApi()
    spec = {"holderIdentity": "dead", "leaseDurationSeconds": 15, "renewTime": "2035-01-01T00:00:00.000000Z"}
    metadata = {"name": "test", "namespace": "kube-system"}
    await api.create(LEASES, {"metadata": metadata, "spec": spec})
    task = start(elector := candidate(api, "one"))
    await asyncio.sleep(14)
    assert not elector.is_leader
    await asyncio.sleep(6)
    assert elector.is_leader
    await stop(task)


async def test_a_leader_that_cannot_renew_stops_before_another_may_lead() -> None:
    api = FakeApi()
    task = start(candidate(api, "one"))
    await asyncio.sleep(5)
    api.refusals.append(lambda verb, resource, obj: ServiceUnavailableError("down"))
    with pytest.raises(LeadershipLost):
        await task
    assert asyncio.get_running_loop().time() < 4 + 15


async def test_the_end_of_the_work_is_the_end_of_the_leadership() -> None:
    api = FakeApi()

    async def work() -> None:
        await asyncio.sleep(3)

    await candidate(api, "one").run(work)
    assert lease(api)["holderIdentity"] == ""


class Server:
    """Knows one lease; whatever else is asked is never answered."""

    def __init__(self) -> None:
        self.lease = b""
        self.renewals = 0
        self.is_renewed_often = asyncio.Event()

    async def __call__(self, exchange: Exchange) -> None:
        method, path, _ = exchange.line.split()
        if "/leases" not in path:
            await asyncio.Event().wait()
        if method == "GET" and not self.lease:
            await exchange.answer(b'{"kind":"Status","code":404,"reason":"NotFound"}', "404 Not Found")
            return
        if method != "GET":
            self.lease = exchange.body
            self.renewals += 1
        if self.renewals == 10:
            self.is_renewed_often.set()
        await exchange.answer(self.lease)


@pytest.mark.looptime(False)
async def test_the_lease_does_not_wait_behind_what_its_holder_asks_for() -> None:
    server = Server()
    async with scripted(server) as running:
        config = ClientConfig(server=f"http://127.0.0.1:{running.port}")
        async with aclosing(Client(config, user_agent="test")) as client:

            async def work() -> None:
                await asyncio.gather(*(client.get(PODS, "a", "ns") for _ in range(2 * AT_ONCE)))

            election = Election(name="test", renew_seconds=60, retry_seconds=0.01)
            leading = asyncio.ensure_future(lead(work, election, config, component="test"))
            often = asyncio.ensure_future(server.is_renewed_often.wait())
            await asyncio.wait((leading, often), return_when=asyncio.FIRST_COMPLETED)
            assert often.done()
            leading.cancel()
            await asyncio.wait((leading,))
