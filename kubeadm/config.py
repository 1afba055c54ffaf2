"""Where a cluster's files are and which addresses it uses: one frozen value, made once by the CLI."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from component_base.resolv_conf import parse_resolv_conf

DEFAULT_STATE_DIR = Path("/var/lib/sampan")
HOST_RESOLV_CONF = Path("/etc/resolv.conf")
SYSTEMD_RESOLV_CONF = Path("/run/systemd/resolve/resolv.conf")
PAUSE_IMAGE = "registry.k8s.io/pause:3.10"


@dataclass(frozen=True, slots=True)
class Node:
    """One of the nodes that this machine is. The first has upstream's ports, others theirs, a hundred on."""

    name: str
    number: int = 0

    @property
    def suffix(self) -> str:
        """What tells its files and processes from the first node's: nothing for that, -2 for the next."""
        return f"-{self.number + 1}" if self.number else ""

    @property
    def port(self) -> int:
        return 10250 + 100 * self.number

    @property
    def healthz_port(self) -> int:
        return 10248 + 100 * self.number


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterConfig:
    """What one machine is of a cluster. Every path but `etc` and `resolv_conf` lies under `state_dir`."""

    state_dir: Path = DEFAULT_STATE_DIR
    name: str = "sampan"
    node_name: str
    node_ip: str
    api_port: int = 6443
    etcd_port: int = 2379
    etcd_peer_port: int = 2380
    service_cidr: str = "10.96.0.0/12"
    cluster_cidr: str = "10.244.0.0/16"
    cluster_domain: str = "cluster.local"
    dns_ip: str = "10.96.0.10"
    resolv_conf: Path = HOST_RESOLV_CONF
    """Who is asked about names outside the cluster."""
    node_count: int = 1
    endpoint: str = ""
    """Where the control plane is, `host:port`, if it is not on this machine."""
    extra_names: tuple[str, ...] = ()
    """Further names and addresses under which the control plane is reached, for its certificates."""
    etc: Path | None = None
    """Where the daemons' configuration files go; beside the data if not said."""
    proxy_mode: str = ""
    """How Services are routed; by what the machine has if not said."""
    load_balancer_pool: str = ""
    """CIDRs of addresses for Services of type LoadBalancer, if they are to get any."""
    feature_gates: str = ""
    """Of every daemon, `name=true` or `name=false`, with commas between."""

    @property
    def pki(self) -> Path:
        return self.state_dir / "pki"

    @property
    def log_dir(self) -> Path:
        return self.state_dir / "log"

    @property
    def run_dir(self) -> Path:
        return self.state_dir / "run"

    @property
    def etcd_socket(self) -> Path:
        """In a folder that only root may enter; etcd asks for something like a port in the name."""
        return self.run_dir / "etcd" / "client.sock:0"

    @property
    def admin_kubeconfig(self) -> Path:
        return self.state_dir / "admin.conf"

    @property
    def config_dir(self) -> Path:
        return self.etc or self.state_dir / "config"

    @property
    def nodes(self) -> list[Node]:
        """The first has the machine's name, further ones that name and a number."""
        others = (Node(f"{self.node_name}-{number + 1}", number) for number in range(1, self.node_count))
        return [Node(self.node_name), *others]

    @property
    def server(self) -> str:
        host = f"[{self.node_ip}]" if ":" in self.node_ip else self.node_ip
        return f"https://{self.endpoint or f'{host}:{self.api_port}'}"

    def kubeconfig(self, who: str) -> Path:
        """The kubeconfig of a component: admin, scheduler, controller-manager, kubelet, proxy, dns."""
        return self.state_dir / f"{who}.conf"


def state_dir_from_environment() -> Path:
    """The state directory that SAMPAN_STATE_DIR names, or the default."""
    return Path(os.environ.get("SAMPAN_STATE_DIR", DEFAULT_STATE_DIR))


def default_node_name() -> str:
    """The host name as a node name: lower case, as upstream's kubelet takes it."""
    return socket.gethostname().strip().lower()


def pod_resolv_conf(host: Path) -> Path:
    """What pods with the host's resolvers get: behind systemd-resolved its own servers, as with kubeadm.

    Its address on the loopback leads nowhere in a pod's network.
    """
    try:
        servers = parse_resolv_conf(host.read_text()).servers
    except OSError:
        return host
    is_stub = bool(servers) and all(server.startswith("127.") for server in servers)
    return SYSTEMD_RESOLV_CONF if is_stub and SYSTEMD_RESOLV_CONF.exists() else host
