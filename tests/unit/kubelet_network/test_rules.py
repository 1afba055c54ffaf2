"""The packet rules of a node as text."""

from __future__ import annotations

import pytest

from kubelet.network.names import bridge_name, mac_of, table_name, veth_name
from kubelet.network.rules import Forward, NodeNetwork, forward_rules, forwards, render_table
from kubelet.runtime.interface import HostPort

# The node "a" is ca978112; its pods have 10.244.1.0/24 of 10.244.0.0/16.
NODE = NodeNetwork("a", "10.244.1.0/24", "10.244.0.0/16")

BARE = """\
table ip sampan-node-ca978112
delete table ip sampan-node-ca978112
table ip sampan-node-ca978112 {
  chain hostports {
  }
  chain prerouting {
    type nat hook prerouting priority dstnat - 5; policy accept;
    fib daddr type local jump hostports
  }
  chain output {
    type nat hook output priority -105; policy accept;
    fib daddr type local jump hostports
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr != 10.244.1.0/24 return
    ip daddr { 10.244.0.0/16, 224.0.0.0/4 } return
    oifname != "smp-ca978112" masquerade fully-random
  }
}
"""


def test_table_without_host_ports():
    assert render_table(NODE, []) == BARE


def test_host_ports_are_forwarded_in_one_order_whatever_the_order_given():
    ports = [Forward(8443, "tcp", "10.244.1.3", 443), Forward(53, "udp", "10.244.1.2", 5353, "192.0.2.7")]
    table = render_table(NODE, ports)
    assert table == render_table(NODE, ports[::-1])
    assert table.split("chain hostports {\n")[1].split("  }")[0] == (
        "    ip daddr 192.0.2.7 udp dport 53 dnat to 10.244.1.2:5353\n"
        "    tcp dport 8443 dnat to 10.244.1.3:443\n"
    )
    assert "    ip saddr { 10.244.1.2, 127.0.0.0/8 } ip daddr 10.244.1.2 masquerade\n" in table


def test_without_a_cluster_cidr_the_nodes_own_range_is_the_inside():
    assert "ip daddr { 10.244.1.0/24, 224.0.0.0/4 } return" in render_table(
        NodeNetwork("a", "10.244.1.0/24"), []
    )


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        (HostPort(80, 8080), Forward(8080, "tcp", "10.244.1.2", 80)),
        (HostPort(53, 53, "UDP", "0.0.0.0"), Forward(53, "udp", "10.244.1.2", 53)),
        (HostPort(53, 53, "UDP", "192.0.2.7"), Forward(53, "udp", "10.244.1.2", 53, "192.0.2.7")),
    ],
    ids=["tcp", "every address", "one address"],
)
def test_host_port_becomes_a_forward(port, expected):
    assert forwards("10.244.1.2", [port]) == [expected]


def test_forwarding_is_accepted_both_ways_and_marked_as_the_nodes():
    marked = ["-m", "comment", "--comment", "sampan-node-ca978112", "-j", "ACCEPT"]
    assert forward_rules(NODE) == [["-i", "smp-ca978112", *marked], ["-o", "smp-ca978112", *marked]]


def test_names_fit_into_the_kernels_fifteen_letters():
    assert len(bridge_name("a-node-with-a-very-long-name.example.com")) <= 15
    assert len(veth_name("f" * 64)) == 15
    assert table_name("a") == "sampan-node-ca978112"
    assert mac_of("10.244.1.2") == "0a:58:0a:f4:01:02"
