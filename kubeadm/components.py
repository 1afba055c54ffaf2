"""The processes of a cluster: pure, from a ClusterConfig to command lines with upstream's flags."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from apimachinery.objects import Object
from component_base.features import parse_gates
from component_base.flag_values import parse_map
from kubeadm.config import PAUSE_IMAGE, ClusterConfig, Node, pod_resolv_conf
from kubeadm.units import Unit

PROXY_DEBUG_PORT = 10261
DNS_PORT, DNS_HEALTH_PORT, DNS_METRICS_PORT = 10053, 10054, 9153
ANY, LOCAL = "0.0.0.0", "127.0.0.1"


def components(config: ClusterConfig, etcd: str) -> list[Unit]:
    """Everything `sampan up` starts, etcd first. `etcd` is the path of etcd's binary."""
    return [
        Unit(
            "etcd",
            (etcd,),
            _flags(_etcd(config)),
            folder=str(config.etcd_socket.parent),
            sockets=(str(config.etcd_socket),),
            listens=((LOCAL, config.etcd_port), (LOCAL, config.etcd_peer_port)),
        ),
        _daemon("kube-apiserver", "apiserver", _apiserver(config), (ANY, config.api_port)),
        _daemon("kube-controller-manager", "controller_manager", _controller_manager(config), (ANY, 10257)),
        _daemon("kube-scheduler", "scheduler", _scheduler(config), (ANY, 10259)),
        *(_kubelet(node, _kubelet_flags(config, node)) for node in config.nodes),
        _proxy(
            {"kubeconfig": config.kubeconfig("proxy"), **_proxy_flags(config), **_serving(config, "proxy")}
        ),
        _dns(config),
    ]


def worker(config: ClusterConfig) -> list[Unit]:
    """What runs on a machine that has joined: the kubelet, which gets itself an identity, then the proxy."""
    [node] = config.nodes
    kubeconfig = config.kubeconfig("kubelet")
    joins = {"bootstrap-kubeconfig": config.kubeconfig("bootstrap-kubelet"), "kubeconfig": kubeconfig}
    return [
        _kubelet(node, {**joins, **_node_flags(config, node)}),
        _proxy({"kubeconfig": kubeconfig, **_proxy_flags(config)}),
    ]


def kubelets(units: Iterable[Unit]) -> list[Unit]:
    return [unit for unit in units if unit.name.startswith("kubelet")]


def node_names(units: Iterable[Unit]) -> list[str]:
    """The names of the nodes that a machine was started as."""
    return _values("hostname-override", kubelets(units))


def resolv_conf_in(units: Iterable[Unit]) -> str:
    """The file that names the host's resolvers, as a machine was started with; or nothing."""
    return flag_of(units, "kube-dns", "resolv-conf")


def flag_of(units: Iterable[Unit], daemon: str, name: str) -> str:
    """What a flag of a daemon was when a machine was started; empty if it wasn't given."""
    return next(iter(_values(name, (unit for unit in units if unit.name == daemon))), "")


def _values(flag: str, units: Iterable[Unit]) -> list[str]:
    flags = [each for unit in units for each in unit.flags]
    return [each.partition("=")[2] for each in flags if each.startswith(f"--{flag}=")]


def _daemon(name: str, package: str, flags: dict[str, object], *listens: tuple[str, int]) -> Unit:
    return Unit(name, (sys.executable, "-P", "-m", package), _flags(flags), listens=listens)


def _flags(flags: dict[str, object]) -> tuple[str, ...]:
    return tuple(f"--{name}={value}" for name, value in flags.items())


def _etcd(config: ClusterConfig) -> dict[str, object]:
    client, peer = (
        f"https://127.0.0.1:{config.etcd_port}",
        f"https://127.0.0.1:{config.etcd_peer_port}",
    )
    pki = config.pki / "etcd"
    return {
        "name": config.node_name,
        "data-dir": config.state_dir / "etcd",
        # The socket, for the apiserver, is named relative to the working directory: etcd takes no path here.
        "listen-client-urls": f"{client},unix://{config.etcd_socket.name}",
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"{config.node_name}={peer}",
        **_tls(pki / "server", "", pki / "ca.crt"),
        **_tls(pki / "peer", "peer-", pki / "ca.crt"),
        "logger": "zap",
        "log-level": "warn",
        # Batching commits this way halves the cost of a put and keeps its durability: the WAL is
        # synced before the answer, only the back end's own commit waits.
        "backend-batch-interval": "10ms",
        "backend-batch-limit": 1000,
        # How many entries of its log etcd keeps in memory; 10000 is its own default since 3.6.
        "snapshot-count": 10_000,
        "quota-backend-bytes": 8 * 1024**3,
    }


def _tls(pair: Path, prefix: str, ca: Path) -> dict[str, object]:
    return {
        f"{prefix}cert-file": f"{pair}.crt",
        f"{prefix}key-file": f"{pair}.key",
        f"{prefix}trusted-ca-file": ca,
        f"{prefix}client-cert-auth": "true",
    }


def _apiserver(config: ClusterConfig) -> dict[str, object]:
    pki = config.pki
    return {
        "etcd-servers": f"unix://{config.etcd_socket}",
        "sole-apiserver": "true",
        "advertise-address": config.node_ip,
        "bind-address": "0.0.0.0",
        "secure-port": config.api_port,
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "client-ca-file": pki / "ca.crt",
        "requestheader-client-ca-file": pki / "front-proxy-ca.crt",
        "requestheader-allowed-names": "front-proxy-client",
        "requestheader-username-headers": "X-Remote-User",
        "requestheader-uid-headers": "X-Remote-Uid",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "proxy-client-cert-file": pki / "front-proxy-client.crt",
        "proxy-client-key-file": pki / "front-proxy-client.key",
        "enable-bootstrap-token-auth": "true",
        "tls-cert-file": pki / "apiserver.crt",
        "tls-private-key-file": pki / "apiserver.key",
        "kubelet-certificate-authority": pki / "ca.crt",
        "kubelet-client-certificate": pki / "apiserver-kubelet-client.crt",
        "kubelet-client-key": pki / "apiserver-kubelet-client.key",
        "service-account-issuer": f"https://kubernetes.default.svc.{config.cluster_domain}",
        "service-account-key-file": pki / "sa.pub",
        "service-account-signing-key-file": pki / "sa.key",
        "service-cluster-ip-range": config.service_cidr,
        "service-node-port-range": "30000-32767",
        "write-journal": config.log_dir / "journal.jsonl",
        **_gates(config),
    }


def _serving(config: ClusterConfig, who: str) -> dict[str, object]:
    """The certificate of a daemon's own port, and whose clients it knows."""
    return {
        "client-ca-file": config.pki / "ca.crt",
        "tls-cert-file": config.pki / f"{who}-serving.crt",
        "tls-private-key-file": config.pki / f"{who}-serving.key",
    }


def _scheduler(config: ClusterConfig) -> dict[str, object]:
    return {"kubeconfig": config.kubeconfig("scheduler"), **_serving(config, "scheduler"), **_gates(config)}


def _controller_manager(config: ClusterConfig) -> dict[str, object]:
    return {
        "kubeconfig": config.kubeconfig("controller-manager"),
        **_serving(config, "controller-manager"),
        "allocate-node-cidrs": "true",
        "cluster-cidr": config.cluster_cidr,
        "root-ca-file": config.pki / "ca.crt",
        "cluster-signing-cert-file": config.pki / "ca.crt",
        "cluster-signing-key-file": config.pki / "ca.key",
        "service-account-private-key-file": config.pki / "sa.key",
        **_pool(config),
        **_gates(config),
    }


def _pool(config: ClusterConfig) -> dict[str, object]:
    return {"load-balancer-pool": config.load_balancer_pool} if config.load_balancer_pool else {}


def _gates(config: ClusterConfig) -> dict[str, object]:
    return {"feature-gates": config.feature_gates} if config.feature_gates else {}


def _kubelet(node: Node, flags: dict[str, object]) -> Unit:
    return _daemon(f"kubelet{node.suffix}", "kubelet", flags, (ANY, node.port), (LOCAL, node.healthz_port))


def _kubelet_flags(config: ClusterConfig, node: Node) -> dict[str, object]:
    """A node of the machine that has the CA is given its certificates."""
    who = f"kubelet{node.suffix}"
    serving = _serving(config, who)
    return {"kubeconfig": config.kubeconfig(who), **_node_flags(config, node), **serving}


def _node_flags(config: ClusterConfig, node: Node) -> dict[str, object]:
    ports = {"port": node.port, "healthz-port": node.healthz_port} if node.number else {}
    # Each further node of a machine keeps its pods, and what it grants them, apart from the others'.
    cgroups = {"cgroup-root": f"/{node.name}"} if node.number else {}
    return {
        "config": config.config_dir / "kubelet.yaml",
        "hostname-override": node.name,
        "node-ip": config.node_ip,
        "root-dir": config.state_dir / f"kubelet{node.suffix}",
        "cluster-cidr": config.cluster_cidr,
        "resolv-conf": pod_resolv_conf(config.resolv_conf),
        "pod-infra-container-image": PAUSE_IMAGE,
        **ports,
        **cgroups,
    }


def kubelet_configuration(config: ClusterConfig) -> Object:
    """The KubeletConfiguration that all nodes share, as the ConfigMap kube-system/kubelet-config has it."""
    gates = parse_gates(parse_map(config.feature_gates)).given
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {"x509": {"clientCAFile": str(config.pki / "ca.crt")}},
        "clusterDNS": [config.dns_ip],
        "clusterDomain": config.cluster_domain,
        "rotateCertificates": True,
        # The engine and its images are the machine's, not the cluster's: as kind, nothing of them is deleted.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "0%", "imagefs.available": "0%"},
        **({"featureGates": dict(gates)} if gates else {}),
    }


def _proxy(flags: dict[str, object]) -> Unit:
    listens = ((ANY, 10256), (LOCAL, 10249), (ANY, PROXY_DEBUG_PORT))
    return _daemon("kube-proxy", "kube_proxy", flags, *listens)


def _proxy_flags(config: ClusterConfig) -> dict[str, object]:
    """One proxy serves all nodes of a machine: they share its network, whose limits stay the machine's."""
    neighbours = [node.name for node in config.nodes[1:]]
    return {
        "conntrack-max-per-core": 0,
        "debug-bind-address": f"{ANY}:{PROXY_DEBUG_PORT}",
        "hostname-override": config.node_name,
        "cluster-cidr": config.cluster_cidr,
        **({"neighbour-nodes": ",".join(neighbours)} if neighbours else {}),
        **({"proxy-mode": config.proxy_mode} if config.proxy_mode else {}),
        **_pool(config),
        **_gates(config),
    }


def _dns(config: ClusterConfig) -> Unit:
    """Not at port 53, nor with CoreDNS's health at 8080 and 8181: on a host these belong to others."""
    flags = {
        "kubeconfig": config.kubeconfig("dns"),
        "hostname-override": config.node_name,
        "node-ip": config.node_ip,
        "port": DNS_PORT,
        "health-port": DNS_HEALTH_PORT,
        "ready-port": DNS_HEALTH_PORT,
        "metrics-port": DNS_METRICS_PORT,
        "cluster-dns": config.dns_ip,
        "cluster-domain": config.cluster_domain,
        "resolv-conf": config.resolv_conf,
    }
    listens = ((config.node_ip, port) for port in (DNS_PORT, DNS_HEALTH_PORT, DNS_METRICS_PORT))
    return _daemon("kube-dns", "kube_dns", flags, *listens)
