"""Takes a node's pod network off the machine: bridge, veths, routes, rules. What `--cleanup` does, pods
being gone.
"""

from __future__ import annotations

from kubelet.network import peers
from kubelet.network.firewall import Firewall
from kubelet.network.links import Links
from kubelet.network.names import BRIDGE_PREFIX, bridge_name, table_name
from kubelet.network.routes import plan_routes
from kubelet.network.rules import NodeNetwork


def cleanup_network(node: str) -> list[str]:
    """The names of what was taken away. Routes to other nodes go with the machine's last node."""
    links, firewall = Links(), Firewall()
    bridge = bridge_name(node)
    present = set(links.ours())
    removed = [name for name in (*links.ports_of(bridge), bridge) if name in present]
    for name in removed:
        links.remove(name)
    if table_name(node) in firewall.tables():
        removed.append(table_name(node))
    firewall.remove(NodeNetwork(node, ""))
    if not any(name.startswith(BRIDGE_PREFIX) for name in links.ours()):
        peers.apply(plan_routes((), peers.present()), "")
        peers.remove_tunnel()
    return removed
