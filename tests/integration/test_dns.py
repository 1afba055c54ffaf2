"""sampan-dns as a process, on a real apiserver and etcd: asked over UDP while the cluster changes."""

from __future__ import annotations

import asyncio
import socket
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import dns.asyncquery
import dns.exception
import dns.message
import dns.rcode
import pytest

from apimachinery.objects import Object
from apimachinery.scheme import ENDPOINT_SLICES, NAMESPACES, SERVICES
from client.rest import Client
from component_base.addresses import primary_address
from tests.fakes.dns_server import FakeResolver, free_dns_port
from tests.fakes.etcd_server import free_port
from tests.integration.plane import LIMIT, Plane, eventually

DNS, SLICE = "kube-dns", "kube-dns-here"
PATIENCE = 0.5
OURS = "kube-dns.kube-system.svc.cluster.local."


@dataclass(frozen=True)
class Dns:
    """The daemon under test, and how to ask it."""

    plane: Plane
    client: Client
    address: str
    port: int
    health_port: int
    resolv_conf: Path

    def run(self, *flags: str, as_name: str = "") -> None:
        self.plane.run(
            DNS, f"--node-ip={self.address}", f"--port={self.port}", f"--health-port={self.health_port}",
            f"--ready-port={self.health_port}", "--metrics-port=0", f"--resolv-conf={self.resolv_conf}",
            *flags, as_name=as_name,
        )  # fmt: skip

    async def told(self, name: str, type: str = "A", patience: float = LIMIT) -> list[str]:
        """What is answered, or the reason why nothing is; that nobody is there is one, too."""
        try:
            query = dns.message.make_query(name, type)
            response = await dns.asyncquery.udp(query, self.address, patience, self.port)
        except dns.exception.Timeout:
            return ["silence"]
        found = [str(each) for rrset in response.answer for each in rrset]
        return sorted(found) or [dns.rcode.to_text(response.rcode())]

    async def until(self, name: str, expected: list[str], type: str = "A") -> None:
        await eventually(lambda: self.told(name, type, PATIENCE), lambda told: told == expected)

    async def page(self, path: str) -> tuple[int, str]:
        def fetch() -> tuple[int, str]:
            url = f"http://{self.address}:{self.health_port}{path}"
            try:
                with urllib.request.urlopen(url, timeout=LIMIT) as answer:
                    return answer.status, answer.read().decode()
            except OSError as error:
                return getattr(error, "code", 0), ""

        return await asyncio.to_thread(fetch)

    async def slices(self) -> list[str]:
        found = await self.client.list(
            ENDPOINT_SLICES, "kube-system", label_selector="kubernetes.io/service-name=kube-dns"
        )
        return sorted(each["metadata"]["name"] for each in found["items"])


@pytest.fixture
async def running(bare_plane: Plane, client: Client, tmp_path: Path) -> AsyncIterator[Dns]:
    """Started, but perhaps not ready; nobody else is known who could be asked."""
    address = primary_address()
    if address.startswith("127."):
        pytest.skip("an EndpointSlice takes no loopback address, and this machine has no other")
    resolv_conf = tmp_path / "resolv.conf"
    resolv_conf.write_text("")
    running = Dns(bare_plane, client, address, free_dns_port(address), free_port(), resolv_conf)
    running.run()
    yield running
    if DNS in bare_plane.names():
        bare_plane.terminate(DNS)


@asynccontextmanager
async def applied(client: Client, *objects: Object) -> AsyncIterator[None]:
    resources = {"Service": SERVICES, "EndpointSlice": ENDPOINT_SLICES}
    for each in objects:
        await client.create(resources[each["kind"]], each, "default")
    yield
    for each in objects:
        await client.delete(resources[each["kind"]], each["metadata"]["name"], "default")


def service(name: str, **spec: object) -> Object:
    return {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"ports": [{"name": "http", "port": 80}], **spec},
    }  # fmt: skip


def endpoint_slice(service: str, *endpoints: Object) -> Object:
    return {
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": f"{service}-1", "labels": {"kubernetes.io/service-name": service}},
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}], "endpoints": list(endpoints),
    }  # fmt: skip


async def test_answers_follow_services_endpoints_and_namespaces(running: Dns) -> None:
    client = running.client
    await running.until("kubernetes.default.svc.cluster.local.", ["10.96.0.1"])
    await running.until("later.svc.cluster.local.", ["NXDOMAIN"])
    await client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "later"}})
    await running.until("later.svc.cluster.local.", ["NOERROR"])
    await running.until("1-2-3-4.later.pod.cluster.local.", ["1.2.3.4"])

    ready, waiting = ({"addresses": [f"10.244.0.{n}"], "hostname": f"db-{n}"} for n in (1, 2))
    waiting["conditions"] = {"ready": False}
    headless = service("db", clusterIP="None")
    async with applied(client, service("web"), headless, endpoint_slice("db", ready, waiting)):
        made = await client.get(SERVICES, "web", "default")
        ip = made["spec"]["clusterIP"]
        reverse = ".".join(reversed(ip.split(".")))
        await running.until("web.default.svc.cluster.local.", [ip])
        await running.until(f"{reverse}.in-addr.arpa.", ["web.default.svc.cluster.local."], "PTR")
        await running.until("db.default.svc.cluster.local.", ["10.244.0.1"])
        await running.until("db-2.db.default.svc.cluster.local.", ["NXDOMAIN"])
        srv = "_http._tcp.db.default.svc.cluster.local."
        await running.until(srv, ["0 100 8080 db-1.db.default.svc.cluster.local."], "SRV")
        both = [ready, {**waiting, "conditions": {"ready": True}}]
        await client.patch(ENDPOINT_SLICES, "db-1", {"endpoints": both}, "default")
        await running.until("db.default.svc.cluster.local.", ["10.244.0.1", "10.244.0.2"])
    await running.until("web.default.svc.cluster.local.", ["NXDOMAIN"])
    await running.until("db.default.svc.cluster.local.", ["NXDOMAIN"])


async def test_the_service_is_made_and_leads_to_the_daemon(running: Dns) -> None:
    await running.until(OURS, ["10.96.0.10"])
    made = await running.client.get(SERVICES, DNS, "kube-system")
    assert made["metadata"]["labels"]["k8s-app"] == "kube-dns"
    assert not made["spec"].get("selector")
    await eventually(running.slices, lambda found: found == [SLICE])
    published = await running.client.get(ENDPOINT_SLICES, SLICE, "kube-system")
    assert published["endpoints"][0]["addresses"] == [running.address]
    assert {port["port"] for port in published["ports"]} == {running.port}

    # Left alone, nothing is written again: the server fills nothing in that we would want otherwise.
    await running.client.patch(SERVICES, DNS, {"metadata": {"annotations": {"a": "b"}}}, "kube-system")
    await running.until("kubernetes.default.svc.cluster.local.", ["10.96.0.1"])
    again = await running.client.get(ENDPOINT_SLICES, SLICE, "kube-system")
    assert again["metadata"]["resourceVersion"] == published["metadata"]["resourceVersion"]


async def test_what_is_taken_away_comes_back(running: Dns) -> None:
    await eventually(running.slices, lambda found: found == [SLICE])
    await running.client.delete(ENDPOINT_SLICES, SLICE, "kube-system")
    await eventually(running.slices, lambda found: found == [SLICE])
    old = (await running.client.get(SERVICES, DNS, "kube-system"))["metadata"]["uid"]
    await running.client.delete(SERVICES, DNS, "kube-system")

    async def owner() -> str:
        published = await running.client.get(ENDPOINT_SLICES, SLICE, "kube-system")
        return str(published["metadata"]["ownerReferences"][0]["uid"])

    await eventually(owner, lambda uid: uid != old)
    assert (await running.client.get(SERVICES, DNS, "kube-system"))["metadata"]["uid"] == await owner()
    await running.until(OURS, ["10.96.0.10"])


async def test_a_service_with_a_selector_is_somebody_elses(running: Dns) -> None:
    await eventually(running.slices, lambda found: found == [SLICE])
    selector = {"spec": {"selector": {"k8s-app": "kube-dns"}}}
    taken = await running.client.patch(SERVICES, DNS, selector, "kube-system")
    await eventually(running.slices, lambda found: found == [])
    assert (await running.client.get(SERVICES, DNS, "kube-system"))["metadata"] == taken["metadata"]
    await running.client.patch(SERVICES, DNS, {"spec": {"selector": None}}, "kube-system")
    await eventually(running.slices, lambda found: found == [SLICE])


async def test_several_daemons_have_a_slice_each_until_they_end(running: Dns) -> None:
    other = Dns(
        running.plane, running.client, running.address, free_dns_port(running.address), free_port(),
        running.resolv_conf,
    )  # fmt: skip
    other.run("--hostname-override=There", as_name="kube-dns-2")
    await eventually(running.slices, lambda found: found == [SLICE, "kube-dns-there"])
    await other.until("kubernetes.default.svc.cluster.local.", ["10.96.0.1"])
    running.plane.terminate("kube-dns-2")
    assert await running.slices() == [SLICE]
    running.plane.terminate(DNS)
    assert await running.slices() == []
    await running.client.get(SERVICES, DNS, "kube-system")


async def test_a_killed_daemon_takes_its_place_again(running: Dns) -> None:
    await eventually(running.slices, lambda found: found == [SLICE])
    before = await running.client.get(ENDPOINT_SLICES, SLICE, "kube-system")
    running.plane.kill(DNS)
    running.run()
    await running.until("kubernetes.default.svc.cluster.local.", ["10.96.0.1"])
    after = await running.client.get(ENDPOINT_SLICES, SLICE, "kube-system")
    assert after["metadata"]["uid"] == before["metadata"]["uid"]


async def test_without_an_apiserver_what_is_known_is_answered_and_what_is_not_is_not_denied(
    running: Dns,
) -> None:
    await running.until("kubernetes.default.svc.cluster.local.", ["10.96.0.1"])
    running.plane.kill("kube-apiserver")
    try:
        assert await running.told("kubernetes.default.svc.cluster.local.") == ["10.96.0.1"]
        assert await running.told("nobody.default.svc.cluster.local.") == ["NXDOMAIN"]
        running.plane.kill(DNS)
        running.run()
        await running.until("kubernetes.default.svc.cluster.local.", ["SERVFAIL"])
        assert await running.page("/health") == (200, "OK")
        assert await running.page("/ready") == (503, "")
    finally:
        running.plane.run("kube-apiserver")
    await running.until("kubernetes.default.svc.cluster.local.", ["10.96.0.1"])
    await eventually(lambda: running.page("/ready"), lambda answer: answer == (200, "OK"))


async def test_the_hosts_resolvers_are_asked_and_followed_when_they_change(running: Dns) -> None:
    await running.until("kubernetes.default.svc.cluster.local.", ["10.96.0.1"])
    assert await running.told("www.example.com.") == ["SERVFAIL"]
    world = {("www.example.com.", "A"): ["192.0.2.80"]}
    async with other_resolver(world) as resolver:
        running.resolv_conf.write_text(f"nameserver 10.96.0.10\nnameserver {RESOLVER}\n")
        await running.until("www.example.com.", ["192.0.2.80"])
        async with applied(
            running.client, service("out", type="ExternalName", externalName="www.example.com")
        ):
            await running.until("out.default.svc.cluster.local.", ["192.0.2.80", "www.example.com."])
        assert {name for name, type, _ in resolver.asked if type == "A"} == {"www.example.com."}
        assert [type for _, type, _ in resolver.asked].count("HINFO") == 1


async def test_metrics_have_the_names_of_corednss(running: Dns) -> None:
    await running.until("kubernetes.default.svc.cluster.local.", ["10.96.0.1"])
    _, text = await running.page("/metrics")
    server = f"dns://{running.address}:{running.port}"
    line = f'family="1",proto="udp",server="{server}",type="A",view="",zone="."'
    assert f"coredns_dns_requests_total{{{line}}}" in text
    assert "coredns_dns_responses_total{" in text


RESOLVER = "127.0.0.153"


@asynccontextmanager
async def other_resolver(world: dict[tuple[str, str], list[str]]) -> AsyncIterator[FakeResolver]:
    """At port 53, the only one that resolv.conf knows, of an address that nobody else has."""
    resolver = FakeResolver(world)
    try:
        await resolver.start(RESOLVER, socket.getservbyname("domain"))
    except PermissionError:
        pytest.skip("needs root, for port 53")
    yield resolver
    await resolver.aclose()
