"""What the iptables ruleset has without any service: entry points, masquerading, forwarding. Pure."""

from __future__ import annotations

from typing import NamedTuple

from kube_proxy.context import Context
from kube_proxy.iptables.names import (
    CANARY,
    EXTERNAL_SERVICES,
    FILTER,
    FIREWALL,
    FORWARD,
    MARK,
    NAT,
    NODE_PORTS,
    POSTROUTING,
    PROXY_FIREWALL,
    SERVICES,
    TABLES,
)
from kube_proxy.ruleset import Chain, Ruleset

_NEW = "-m conntrack --ctstate NEW"
_ALL_PORTS = "kubernetes service nodeports; NOTE: this must be the last rule in this chain"


class Jump(NamedTuple):
    """A rule of ours in a chain that every machine has."""

    table: str
    chain: str
    target: str
    comment: str
    match: str = ""

    @property
    def rule(self) -> str:
        parts = (self.match, commented(self.comment) if self.comment else "", f"-j {self.target}")
        return " ".join(part for part in parts if part)


def commented(text: str) -> str:
    return f'-m comment --comment "{text}"'


# Each goes in front of what is there, so that the last comes first.
JUMPS = (
    Jump(FILTER, "INPUT", EXTERNAL_SERVICES, "kubernetes externally-visible service portals", _NEW),
    Jump(FILTER, "FORWARD", EXTERNAL_SERVICES, "kubernetes externally-visible service portals", _NEW),
    Jump(FILTER, "INPUT", NODE_PORTS, "kubernetes health check service ports"),
    Jump(FILTER, "FORWARD", SERVICES, "kubernetes service portals", _NEW),
    Jump(FILTER, "OUTPUT", SERVICES, "kubernetes service portals", _NEW),
    Jump(FILTER, "FORWARD", FORWARD, "kubernetes forwarding rules"),
    Jump(FILTER, "INPUT", PROXY_FIREWALL, "kubernetes load balancer firewall", _NEW),
    Jump(FILTER, "OUTPUT", PROXY_FIREWALL, "kubernetes load balancer firewall", _NEW),
    Jump(FILTER, "FORWARD", PROXY_FIREWALL, "kubernetes load balancer firewall", _NEW),
    Jump(NAT, "OUTPUT", SERVICES, "kubernetes service portals"),
    Jump(NAT, "PREROUTING", SERVICES, "kubernetes service portals"),
    Jump(NAT, "POSTROUTING", POSTROUTING, "kubernetes postrouting rules"),
    Jump(FILTER, "INPUT", FIREWALL, ""),
    Jump(FILTER, "OUTPUT", FIREWALL, ""),
)


# Routing to loopback addresses, which node ports on them need, must not let the neighbours in.
_FIREWALL_RULES = (
    f"{commented('block incoming localnet connections')} -d 127.0.0.0/8 ! -s 127.0.0.0/8 "
    "-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP",
)


def base_rules(context: Context) -> Ruleset:
    mark = f"{context.masquerade_mark}/{context.masquerade_mark}"
    rules: dict[tuple[str, str], tuple[str, ...]] = {
        (FILTER, SERVICES): (),
        (FILTER, EXTERNAL_SERVICES): (),
        (FILTER, FORWARD): _forward(context, mark),
        (FILTER, NODE_PORTS): (),
        (FILTER, PROXY_FIREWALL): (),
        **({(FILTER, FIREWALL): _FIREWALL_RULES} if context.localhost_node_ports else {}),
        (NAT, SERVICES): _node_ports(context),
        (NAT, NODE_PORTS): (),
        (NAT, POSTROUTING): (
            f"-m mark ! --mark {mark} -j RETURN",
            f"-j MARK --xor-mark {context.masquerade_mark}",
            f"{commented('kubernetes service traffic requiring SNAT')} -j MASQUERADE --random-fully",
        ),
        (NAT, MARK): (f"-j MARK --or-mark {context.masquerade_mark}",),
        **{(table, CANARY): () for table in TABLES},
    }
    return Ruleset({f"{table} {chain}": Chain(each) for (table, chain), each in rules.items()})


def _forward(context: Context, mark: str) -> tuple[str, ...]:
    """Where the machine's own policy is to forward nothing, Services still work."""
    # A packet that doesn't fit its connection would reach the client as it is, which makes it hang up.
    drop = () if context.tcp_be_liberal else ("-m conntrack --ctstate INVALID -j DROP",)
    return (
        *drop,
        f"{commented('kubernetes forwarding rules')} -m mark --mark {mark} -j ACCEPT",
        f"{commented('kubernetes forwarding conntrack rule')} "
        "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    )


def _node_ports(context: Context) -> tuple[str, ...]:
    lead = f"-j {NODE_PORTS}"
    if context.node_ports_everywhere:
        but = "" if context.localhost_node_ports else f" ! -d {context.family.loopback}"
        return (f"{commented(_ALL_PORTS)} -m addrtype --dst-type LOCAL{but} {lead}",)
    return tuple(f"{commented(_ALL_PORTS)} -d {ip} {lead}" for ip in context.node_port_ips)
