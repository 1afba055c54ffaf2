"""The kubelet's flags, under upstream's names. A flag that is given wins over the configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from component_base.features import GatedOptions
from component_base.flags import flag, unused
from component_base.unused_flags import EVERY
from kubelet.configuration_flags import SettingFlags

UNUSED = EVERY | unused(
    bools="exit-on-lock-contention experimental-allocatable-ignore-eviction windows-service",
    numbers="maximum-dead-containers maximum-dead-containers-per-container",
    durations="minimum-container-ttl-duration",
    texts="cloud-provider experimental-mounter-path lock-file reserved-memory windows-priorityclass",
)


def _pairs(text: str) -> dict[str, str]:
    parts = [part.partition("=") for part in text.split(",") if part.strip()]
    return {key.strip(): value.strip() for key, _, value in parts}


@dataclass(frozen=True)
class Options(SettingFlags, GatedOptions):
    config: str = flag("", "A KubeletConfiguration file.")
    config_dir: str = flag(
        "",
        "Path to a directory of drop-in files, NAME.conf, each a KubeletConfiguration: they overlay that of "
        "--config in the order of their names.",
    )
    kubeconfig: str = flag(
        "",
        "Path to a kubeconfig file, specifying how to connect to the API server. Providing --kubeconfig "
        "enables API server mode, omitting --kubeconfig enables standalone mode.",
    )
    bootstrap_kubeconfig: str = flag(
        "",
        "Path to a kubeconfig file that will be used to get client certificate for kubelet. If the file "
        "specified by --kubeconfig does not exist, the bootstrap kubeconfig is used to request one.",
    )
    cert_dir: str = flag("", "Where the node's certificates are kept; <root-dir>/pki if empty.")
    root_dir: str = flag(
        "/var/lib/kubelet", "Directory path for managing kubelet files (volume mounts, etc)."
    )
    hostname_override: str = flag("", "If non-empty, will use this string as identification.")
    node_ip: str = flag("", "IP address (or comma-separated dual-stack IP addresses) of the node.")
    node_labels: Mapping[str, str] | None = flag(
        None, "Labels to add when registering the node in the cluster: key=value pairs.", parse=_pairs
    )

    container_runtime: str = flag("docker", "The container runtime: docker, or hollow to simulate nodes.")
    docker_endpoint: str = flag("", "Where the Docker engine listens; its own default if empty.")
    pod_infra_container_image: str = flag(
        "registry.k8s.io/pause:3.10", "The image that holds each pod's network."
    )
    hollow_nodes: int = flag(1, "With the hollow runtime: how many nodes this process simulates.")
    hollow_cpu: str = flag("4", "With the hollow runtime: the processors of each node.")
    hollow_memory: str = flag("16Gi", "With the hollow runtime: the memory of each node.")
    hollow_sandbox_latency: str = flag(
        "0", "With the hollow runtime: how long a sandbox takes to start, e.g. 100ms-1s."
    )
    hollow_start_latency: str = flag("0", "With the hollow runtime: how long a container takes to start.")
    hollow_behaviour: str = flag(
        "", "With the hollow runtime: the async function, as module:function, that plays its containers."
    )
    cleanup: bool = flag(False, "Remove all containers, networks and files of this node's pods, and exit.")

    cluster_cidr: str = flag("", "The addresses of all pods: traffic among them is not masqueraded.")
    pod_network_backend: str = flag(
        "auto",
        "How pods of other nodes are reached: host-gw (plain routes), vxlan, or auto (vxlan where there is "
        "no direct way).",
    )
