"""How rules come and go in the kernel: leftovers, restarts, others' rules, other modes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kube_proxy import sysctls
from kube_proxy.backends import BACKENDS
from kube_proxy.iptables.canary import watch_canary
from kube_proxy.nftables.table_watch import watch_table
from kube_proxy.nftables.writer import Nftables
from tests.fakes.network import Network, ask
from tests.integration.proxy.node import POD1, POD2, VIP, ProxyNode, backends, service
from tests.unit.kube_proxy.builders import make_service, make_slice

pytestmark = pytest.mark.netns


TRACES = {"nftables": "table ip kube-proxy", "iptables": "KUBE-SERVICES"}


def forgetful_writer(node: ProxyNode) -> Any:
    """As after a restart; stale chains are deleted at once instead of after a while."""
    if node.mode == "nftables":
        return Nftables(clock=iter(range(0, 1000, 10)).__next__)
    return node.backend.writer()


def test_a_proxy_is_told_when_its_rules_are_taken_away(net: Network, node: ProxyNode) -> None:
    node.program(service(), slices=backends(POD1))
    watch = watch_table if node.mode == "nftables" else partial(watch_canary, period=0.1)

    async def look() -> None:
        told = asyncio.Event()
        task = asyncio.create_task(watch(told.set))
        await asyncio.sleep(0.3)
        node.program(service(), slices=backends(POD1, POD2))  # our own changes are no news
        await asyncio.sleep(0.3)
        assert not told.is_set()
        await node.writer.cleanup()
        async with asyncio.timeout(120):
            await told.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    node.run(look)


def test_what_is_gone_leaves_nothing_behind(net: Network, node: ProxyNode) -> None:
    node.writer = forgetful_writer(node)
    node.context = replace(node.context, localhost_node_ports=node.mode == "iptables")
    node.program(service(sessionAffinity="ClientIP"), slices=backends(POD1))
    assert "ns/svc" in node.listing()
    node.program(slices=[])
    node.run(node.writer.tidy)
    assert "ns/svc" not in node.listing()
    assert "KUBE-SEP" not in node.listing()
    node.run(node.writer.cleanup)
    assert "kube" not in node.listing().lower()


def test_a_restart_takes_over_what_another_process_left(net: Network, node: ProxyNode) -> None:
    node.program(service(sessionAffinity="ClientIP"), slices=backends(POD1))
    node.writer = forgetful_writer(node)
    node.written = None
    node.program(make_service("other", "172.30.0.42"), slices=[make_slice("other", POD2, port=8080)])
    node.run(node.writer.tidy)
    assert ask(net, "pod1", "172.30.0.42", 80)[0] == "pod2"
    assert "ns/svc" not in node.listing()


def test_a_restart_writes_nothing_twice(net: Network, node: ProxyNode) -> None:
    node.program(service(), slices=backends(POD1))
    before = node.listing()
    node.written = None
    node.program(service(), slices=backends(POD1))
    assert sorted(node.listing().splitlines()) == sorted(before.splitlines())


@pytest.mark.parametrize("mode", ["nftables"])
def test_chains_that_hang_elsewhere_are_made_anew(net: Network, node: ProxyNode) -> None:
    """Another version's kube-proxy has other priorities, which the kernel doesn't change."""
    node.command("nft", "add table ip kube-proxy")
    hook = "type filter hook input priority -110 ;"
    node.command("nft", f"add chain ip kube-proxy filter-input {{ {hook} }}")
    node.program(service(), slices=backends(POD1))
    assert "hook input priority filter" in node.listing()
    assert ask(net, "pod2", VIP, 80)[0] == "pod1"


@pytest.mark.parametrize("mode", ["iptables"])
def test_others_rules_are_left_alone(net: Network, node: ProxyNode) -> None:
    for command in (
        "-t nat -N DOCKER",
        "-t nat -A PREROUTING -j DOCKER",
        "-A INPUT -p tcp --dport 9 -j DROP",
    ):
        node.command("iptables", *command.split())
    before = node.listing()
    node.program(service(), slices=backends(POD1))
    assert ask(net, "pod2", VIP, 80)[0] == "pod1"
    assert all(line in node.listing() for line in rules(before))
    node.run(node.writer.cleanup)
    assert rules(node.listing()) == rules(before)
    for command in ("-t nat -F", "-t nat -X DOCKER", "-F"):
        node.command("iptables", *command.split())


def rules(listing: str) -> list[str]:
    return [line for line in listing.splitlines() if line.startswith("-A")]


def test_one_mode_follows_the_other(net: Network, node: ProxyNode) -> None:
    other = ProxyNode(net, "iptables" if node.mode == "nftables" else "nftables")
    other.program(service(), slices=backends(POD1))
    other.run(BACKENDS[other.mode].writer().cleanup)
    node.program(service(), slices=backends(POD2))
    assert {ask(net, "pod1", VIP, 80)[0] for _ in range(10)} == {"pod2"}
    assert TRACES[other.mode] not in other.listing()


def test_the_kernel_is_told_how_to_track(net: Network, node: ProxyNode) -> None:
    """The limit of all connections is the machine's: a network namespace of its own may not set it."""
    node.program(service(), slices=backends(POD1))
    close_wait = Path("/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close_wait")
    net.inside("node", lambda: sysctls.track({"nf_conntrack_max": 4321, close_wait.name: 4321}))
    assert net.inside("node", close_wait.read_text) == "4321\n"
