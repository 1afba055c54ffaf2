"""Balancers' addresses that really answer: on a LAN with two nodes, one after the other."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from apimachinery.objects import Object
from kube_proxy.addresses import announced_addresses, list_links
from kube_proxy.announcer import Announcer, withdraw_all
from tests.fakes.network import CLIENT, NODE2, Network, Server, ask
from tests.integration.proxy.node import OTHER_POD, POD1, ProxyNode, backends, service

pytestmark = pytest.mark.netns
ADDRESS = "203.0.113.80"
EVERY_PROTOCOL, ARP = 3, b"\x08\x06"
LIMIT = 120.0


@asynccontextmanager
async def announcing() -> AsyncIterator[Announcer]:
    announcer = Announcer(retry_seconds=0.1)
    task = asyncio.create_task(announcer.run())
    yield announcer
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until_announced(*expected: str) -> None:
    async with asyncio.timeout(LIMIT):
        while announced_addresses(await list_links()) != set(expected):  # noqa: ASYNC110 - the kernel's
            await asyncio.sleep(0.02)


async def until_told(wire: socket.socket, address: str) -> None:
    """Until an ARP message with the address as its sender's has passed."""
    async with asyncio.timeout(LIMIT):
        while True:
            frame = await asyncio.get_running_loop().sock_recv(wire, 100)
            if frame[12:14] == ARP and frame[28:32] == socket.inet_aton(address):
                return


def announce(node: ProxyNode, *addresses: str) -> None:
    """As a kube-proxy that has just started; it ends once neighbours are told, and the addresses stay."""

    async def work() -> None:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
            wire.setblocking(False)
            wire.bind(("eth0", EVERY_PROTOCOL))  # own messages pass no narrower one
            async with announcing() as announcer:
                announcer.announce(frozenset(addresses), node.context.node_ips)
                await until_announced(*addresses)
                for address in addresses:
                    await until_told(wire, address)

    node.run(work)


def balancer(**spec: str) -> Object:
    status = {"loadBalancer": {"ingress": [{"ip": ADDRESS}]}}
    return service(type="LoadBalancer", status=status, **spec)


@pytest.fixture(autouse=True)
def _nothing_is_left(node: ProxyNode, node2: ProxyNode) -> object:
    yield
    for each in (node, node2):
        announce(each)
        assert "203.0.113.80" not in each.command("ip", "address")


def test_the_lan_reaches_a_balancer_at_the_node_that_answers(
    net: Network, node: ProxyNode, node2: ProxyNode
) -> None:
    for each in (node, node2):
        each.program(balancer(), slices=backends(POD1))
    announce(node2, ADDRESS)
    assert ask(net, "client", ADDRESS, 80) == ("pod1", NODE2)
    assert ask(net, "node", ADDRESS, 80)[0] == "pod1"


def test_neighbours_follow_an_address_at_once(net: Network, node: ProxyNode, node2: ProxyNode) -> None:
    """They had it in their tables, for a minute or more."""
    for each in (node, node2):
        each.program(balancer(externalTrafficPolicy="Local"), slices=backends(POD1, OTHER_POD))
    announce(node, ADDRESS)
    assert ask(net, "client", ADDRESS, 80) == ("pod1", CLIENT)
    announce(node)
    announce(node2, ADDRESS)
    assert ask(net, "client", ADDRESS, 80) == ("pod3", CLIENT)


def test_an_address_that_nobody_announces_is_silent(net: Network, node: ProxyNode) -> None:
    node.program(balancer(), slices=backends(POD1))
    announce(node, ADDRESS)
    announce(node)
    node.command("ip", "route", "flush", "cache")
    ProxyNode(net, node.mode, "client").command("ip", "neigh", "flush", "all")
    with pytest.raises(OSError, match=r"timed out|No route to host"):
        ask(net, "client", ADDRESS, 80, patience=0.5)


def test_an_address_stays_over_a_restart_and_comes_back_when_taken_away(
    net: Network, node: ProxyNode
) -> None:
    async def work() -> None:
        async with announcing() as announcer:
            await until_announced(ADDRESS)
            announcer.announce(frozenset({ADDRESS}), ())
            await asyncio.to_thread(node.command, "ip", "address", "delete", f"{ADDRESS}/32", "dev", "lo")
            announcer.look_again()
            await until_announced(ADDRESS)
        assert await withdraw_all() is None
        await until_announced()

    announce(node, ADDRESS)
    node.run(work)


def test_a_failure_is_tried_again(net: Network, node: ProxyNode) -> None:
    async def work() -> None:
        async with announcing() as announcer:
            announcer.announce(frozenset({"not an address"}), ())
            await asyncio.sleep(0.3)
            announcer.announce(frozenset({ADDRESS}), ())
            await until_announced(ADDRESS)

    node.run(work)


def test_other_ports_of_the_address_are_the_nodes_own(net: Network, node: ProxyNode) -> None:
    server = Server(net, "node", 9090)
    try:
        node.program(balancer(), slices=backends(POD1))
        announce(node, ADDRESS)
        assert ask(net, "client", ADDRESS, 9090)[0] == "node"
        assert ask(net, "client", ADDRESS, 80)[0] == "pod1"
    finally:
        server.close()
