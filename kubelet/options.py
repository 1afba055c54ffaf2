"""The kubelet's flags, under upstream's names. A flag that is given wins over the configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from component_base.features import GatedOptions
from component_base.flags import flag


def _pairs(text: str) -> dict[str, str]:
    parts = [part.partition("=") for part in text.split(",") if part.strip()]
    return {key.strip(): value.strip() for key, _, value in parts}


def _thresholds(text: str) -> dict[str, str]:
    parts = [part.partition("<") for part in text.split(",") if part.strip()]
    return {key.strip(): value.strip() for key, _, value in parts}


def _bool(text: str) -> bool:
    return text.lower() in ("true", "1", "t")


@dataclass(frozen=True)
class Options(GatedOptions):
    config: str = flag("", "A KubeletConfiguration file.")
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
    register_node: bool = flag(True, "Register the node with the apiserver.")
    register_with_taints: str = flag(
        "", "Register the node with the given list of taints (comma separated <key>=<value>:<effect>)."
    )
    provider_id: str = flag("", "Unique identifier for identifying the node in a machine database.")

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

    address: str = flag("", "The IP address for the Kubelet to serve on.")
    port: int | None = flag(None, "The port for the Kubelet to serve on.", parse=int)
    healthz_bind_address: str = flag("", "The IP address for the healthz server to serve on.")
    healthz_port: int | None = flag(None, "The port of the healthz endpoint (0 disables it).", parse=int)
    tls_cert_file: str = flag("", "File containing x509 Certificate used for serving HTTPS.")
    tls_private_key_file: str = flag("", "File containing x509 private key matching --tls-cert-file.")
    rotate_certificates: bool | None = flag(
        None, "Rotate the kubelet client certificates before they expire.", parse=_bool
    )
    client_ca_file: str = flag(
        "", "Who presents a client certificate of these authorities is identified by its CommonName."
    )
    anonymous_auth: bool | None = flag(None, "Enables anonymous requests to the Kubelet server.", parse=_bool)
    authentication_token_webhook: bool | None = flag(
        None, "Use the TokenReview API to determine authentication for bearer tokens.", parse=_bool
    )
    authorization_mode: str = flag("", "Authorization mode for Kubelet server: AlwaysAllow or Webhook.")

    cluster_dns: tuple[str, ...] = flag((), "Comma-separated list of DNS server IP address.")
    cluster_domain: str = flag("", "Domain for this cluster.")
    cluster_cidr: str = flag("", "The addresses of all pods: traffic among them is not masqueraded.")
    pod_network_backend: str = flag(
        "auto",
        "How pods of other nodes are reached: host-gw (plain routes), vxlan, or auto (vxlan where there is "
        "no direct way).",
    )
    pod_cidr: str = flag("", "The CIDR of this node's pods; the Node's spec.podCIDR if empty.")
    pod_manifest_path: str = flag(
        "",
        "Path to the directory containing static pod files to run, or the path to a single static pod file.",
    )
    file_check_frequency: str = flag("", "Duration between checking config files for new data.")
    resolv_conf: str = flag("", "Resolver configuration file that pods' DNS configuration is based on.")
    max_pods: int | None = flag(None, "Number of Pods that can run on this Kubelet.", parse=int)
    serialize_image_pulls: bool | None = flag(None, "Pull images one at a time.", parse=_bool)
    registry_qps: int | None = flag(
        None, "If > 0, limit registry pull QPS to this value. If 0, unlimited.", parse=int
    )
    registry_burst: int | None = flag(
        None,
        "Maximum size of bursty pulls, while still not exceeding registry-qps. Only used if "
        "--registry-qps > 0.",
        parse=int,
    )
    allowed_unsafe_sysctls: tuple[str, ...] = flag(
        (), "Comma-separated list of unsafe sysctls or unsafe sysctl patterns (ending in `*`)."
    )
    cgroup_root: str = flag("", "The cgroup below which pods have theirs; it is made where it is missing.")
    cgroups_per_qos: bool | None = flag(
        None,
        "Enable creation of QoS cgroup hierarchy, if true top level QoS and pod cgroups are created.",
        parse=_bool,
    )
    enforce_node_allocatable: tuple[str, ...] = flag(
        (),
        "A comma separated list of levels of node allocatable enforcement to be enforced by kubelet: none, "
        "pods, system-reserved, kube-reserved.",
    )
    pod_max_pids: int | None = flag(
        None, "Set the maximum number of processes per pod; -1 for any number.", parse=int
    )
    system_reserved_cgroup: str = flag(
        "", "The cgroup of non-kubernetes components for which compute resources were reserved."
    )
    kube_reserved_cgroup: str = flag(
        "", "The cgroup of kubernetes components for which compute resources were reserved."
    )
    system_reserved: Mapping[str, str] | None = flag(
        None, "Resources reserved for non-kubernetes components: ResourceName=ResourceQuantity.", parse=_pairs
    )
    kube_reserved: Mapping[str, str] | None = flag(
        None, "Resources reserved for kubernetes system components.", parse=_pairs
    )
    eviction_hard: Mapping[str, str] | None = flag(
        None,
        "A set of eviction thresholds (e.g. memory.available<1Gi) that if met would trigger a pod eviction.",
        parse=_thresholds,
    )
    eviction_soft: Mapping[str, str] | None = flag(
        None,
        "A set of eviction thresholds that if met over a corresponding grace period would trigger one.",
        parse=_thresholds,
    )
    eviction_soft_grace_period: Mapping[str, str] | None = flag(
        None, "How long a soft eviction threshold must hold (e.g. memory.available=1m30s).", parse=_pairs
    )
    eviction_minimum_reclaim: Mapping[str, str] | None = flag(
        None, "The least that is reclaimed under pressure (e.g. imagefs.available=2Gi).", parse=_pairs
    )
    eviction_pressure_transition_period: str = flag(
        "",
        "How long the kubelet waits before transitioning out of an eviction pressure condition.",
    )
    eviction_max_pod_grace_period: int | None = flag(
        None, "Maximum grace period (in seconds) for pods that go for a soft eviction threshold.", parse=int
    )
    image_gc_high_threshold: int | None = flag(
        None, "The percent of disk usage after which image garbage collection is always run.", parse=int
    )
    image_gc_low_threshold: int | None = flag(
        None, "The percent of disk usage before which image garbage collection is never run.", parse=int
    )
