"""The daemon's flags: the kubelet's names where it has them, and CoreDNS's ports."""

from __future__ import annotations

from dataclasses import dataclass

from component_base.flags import CommonOptions, flag


@dataclass(frozen=True)
class Options(CommonOptions):
    kubeconfig: str = flag("", "Path to kubeconfig file with authorization information.")
    hostname_override: str = flag("", "If non-empty, the name of the Node that this daemon is running on.")
    node_ip: str = flag(
        "", "The address to listen on, which pods reach too; the one that leads to the apiserver if empty."
    )
    port: int = flag(10053, "The port on which to serve DNS over UDP and TCP.")
    health_port: int = flag(8080, "The port on which to serve /health; 0 to not serve it.")
    ready_port: int = flag(8181, "The port on which to serve /ready; 0 to not serve it.")
    metrics_port: int = flag(9153, "The port on which to serve /metrics; 0 to not serve it.")

    cluster_domain: str = flag("cluster.local", "Domain for this cluster.")
    cluster_dns: str = flag("10.96.0.10", "The cluster IP of the Service kube-dns, where it must be made.")
    ttl: int = flag(30, "For how many seconds clients may keep the answers about this cluster.")
    resolv_conf: str = flag(
        "/etc/resolv.conf", "Resolver configuration file: who is asked about names outside the cluster."
    )
