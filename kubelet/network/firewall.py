"""Writes the node's packet rules: its nftables table, a way through Docker's FORWARD chain, and the
sysctls.
"""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Sequence
from pathlib import Path

from kubelet.network.names import TABLE_PREFIX, table_name
from kubelet.network.rules import Forward, NodeNetwork, forward_rules, render_table

log = logging.getLogger(__name__)

_DOCKER_CHAIN, _FORWARD_CHAIN = "DOCKER-USER", "FORWARD"


class FirewallError(Exception):
    """nft or iptables refused; the message says what."""


class Firewall:
    """Blocking calls of a few milliseconds. All of them can be repeated."""

    def write_table(self, network: NodeNetwork, ports: Sequence[Forward]) -> None:
        _run(["nft", "-f", "-"], render_table(network, ports))

    def accept_forwarding(self, network: NodeNetwork) -> None:
        """In the chain that Docker leaves to others and alone when it restarts; else before all rules."""
        chain = _DOCKER_CHAIN if _succeeds(_iptables("-n", "-L", _DOCKER_CHAIN)) else _FORWARD_CHAIN
        for rule in forward_rules(network):
            if not _succeeds(_iptables("-C", chain, *rule)):
                _run(_iptables("-I", chain, *rule))

    def remove(self, network: NodeNetwork) -> None:
        table = table_name(network.node)
        _run(["nft", "-f", "-"], f"table ip {table}\ndelete table ip {table}\n")
        for chain in (_DOCKER_CHAIN, _FORWARD_CHAIN):
            for rule in forward_rules(network):
                while _succeeds(_iptables("-D", chain, *rule)):
                    pass

    def tables(self) -> list[str]:
        """Of every node of this machine."""
        listed = _run(["nft", "list", "tables", "ip"]).split()
        return [name for name in listed if name.startswith(TABLE_PREFIX)]


def set_kernel_parameters(bridge: str) -> None:
    """Pods' packets are routed; those between pods of one bridge, and localhost's, pass the packet rules."""
    _set("net/ipv4/ip_forward", "1")
    if not Path("/proc/sys/net/bridge").exists():
        subprocess.run(["modprobe", "br_netfilter"], capture_output=True, check=False)
    _set("net/bridge/bridge-nf-call-iptables", "1")
    _set(f"net/ipv4/conf/{bridge}/route_localnet", "1")


def _set(name: str, value: str) -> None:
    path = Path("/proc/sys", name)
    try:
        if path.read_text().strip() != value:
            path.write_text(value)
    except OSError as error:
        log.warning("Cannot set kernel parameter: name=%s value=%s err=%s", name, value, error)


def _iptables(*arguments: str) -> list[str]:
    return ["iptables", "-w", *arguments]


def _succeeds(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError as error:
        raise FirewallError(f"{command[0]} is not installed") from error


def _run(command: Sequence[str], text: str = "") -> str:
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise FirewallError(f"{command[0]} is not installed") from error
    if done.returncode != 0:
        raise FirewallError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
