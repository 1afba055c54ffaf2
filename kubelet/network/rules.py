"""The packet rules of one node's pod network, as text. Pure: what goes where; `firewall` writes it.

Masquerades what pods send out of the cluster, and forwards host ports. Services are kube-proxy's, not ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kubelet.network.names import bridge_name, table_name
from kubelet.runtime.interface import HostPort

_BEFORE_DNAT = "dstnat - 5"
_MULTICAST = "224.0.0.0/4"


@dataclass(frozen=True, slots=True)
class NodeNetwork:
    """What the rules of a node depend on."""

    node: str
    pod_cidr: str
    cluster_cidr: str = ""

    @property
    def bridge(self) -> str:
        return bridge_name(self.node)


@dataclass(frozen=True, slots=True, order=True)
class Forward:
    """A host port of a running pod."""

    host_port: int
    protocol: str
    address: str
    container_port: int
    host_ip: str = ""


def forwards(address: str, ports: Iterable[HostPort]) -> list[Forward]:
    return [
        Forward(
            each.host_port,
            each.protocol.lower(),
            address,
            each.container_port,
            "" if each.host_ip == "0.0.0.0" else each.host_ip,
        )
        for each in ports
    ]


def render_table(network: NodeNetwork, ports: Sequence[Forward]) -> str:
    """Replaces the node's table in one transaction, whether it was there or not."""
    table = table_name(network.node)
    dnat = [_dnat(each) for each in sorted(ports)]
    postrouting = [*(_hairpin(each) for each in sorted(ports)), *_masquerade(network)]
    return "\n".join(
        [
            f"table ip {table}",
            f"delete table ip {table}",
            f"table ip {table} {{",
            _chain("hostports", dnat),
            _chain(
                "prerouting",
                ["fib daddr type local jump hostports"],
                f"type nat hook prerouting priority {_BEFORE_DNAT}; policy accept;",
            ),
            _chain(
                "output",
                ["fib daddr type local jump hostports"],
                "type nat hook output priority -105; policy accept;",
            ),
            _chain("postrouting", postrouting, "type nat hook postrouting priority srcnat; policy accept;"),
            "}",
            "",
        ]
    )


def forward_rules(network: NodeNetwork) -> list[list[str]]:
    """iptables arguments that let the pods' packets pass Docker's FORWARD policy, which is DROP."""
    mark = ["-m", "comment", "--comment", table_name(network.node), "-j", "ACCEPT"]
    return [["-i", network.bridge, *mark], ["-o", network.bridge, *mark]]


def _dnat(port: Forward) -> str:
    local = f"ip daddr {port.host_ip} " if port.host_ip else ""
    return f"{local}{port.protocol} dport {port.host_port} dnat to {port.address}:{port.container_port}"


def _hairpin(port: Forward) -> str:
    """A pod that calls its own host port, and the node itself by way of localhost, must see the answer."""
    return f"ip saddr {{ {port.address}, 127.0.0.0/8 }} ip daddr {port.address} masquerade"


def _masquerade(network: NodeNetwork) -> list[str]:
    inside = network.cluster_cidr or network.pod_cidr
    return [
        f"ip saddr != {network.pod_cidr} return",
        f"ip daddr {{ {inside}, {_MULTICAST} }} return",
        f'oifname != "{network.bridge}" masquerade fully-random',
    ]


def _chain(name: str, rules: Sequence[str], hook: str = "") -> str:
    lines = [*([hook] if hook else []), *dict.fromkeys(rules)]
    body = "".join(f"    {line}\n" for line in lines)
    return f"  chain {name} {{\n{body}  }}"
