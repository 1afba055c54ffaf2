"""The kubelet's flags, under upstream's names. A flag that is given wins over the configuration file."""

from __future__ import annotations

from dataclasses import dataclass

from component_base.flags import CommonOptions, flag


@dataclass(frozen=True)
class Options(CommonOptions):
    config: str = flag("", "A KubeletConfiguration file.")
    kubeconfig: str = flag("", "Path to a kubeconfig file, specifying how to connect to the API server.")
    root_dir: str = flag(
        "/var/lib/kubelet", "Directory path for managing kubelet files (volume mounts, etc)."
    )
    hostname_override: str = flag(
        "", "If non-empty, will use this string as identification instead of the actual hostname."
    )
    node_ip: str = flag("", "IP address (or comma-separated dual-stack IP addresses) of the node.")
    node_labels: dict[str, str] | None = flag(
        None,
        "Labels to add when registering the node in the cluster: 'key=value' pairs separated by ','.",
        parse=lambda text: _pairs(text),
    )
    register_node: bool = flag(True, "Register the node with the apiserver.")
    register_with_taints: str = flag(
        "", 'Register the node with the given list of taints (comma separated "<key>=<value>:<effect>").'
    )
    provider_id: str = flag(
        "", "Unique identifier for identifying the node in a machine database, i.e cloud provider."
    )
    container_runtime: str = flag(
        "docker", "The container runtime to use: docker, or hollow to simulate nodes."
    )
    hollow_nodes: int = flag(1, "With --container-runtime=hollow: how many nodes this process simulates.")
    hollow_cpu: str = flag("4", "With --container-runtime=hollow: the processors of each node.")
    hollow_memory: str = flag("16Gi", "With --container-runtime=hollow: the memory of each node.")
    hollow_sandbox_latency: str = flag(
        "0", "With --container-runtime=hollow: how long a sandbox takes to start, e.g. 100ms-1s."
    )
    hollow_start_latency: str = flag(
        "0", "With --container-runtime=hollow: how long a container takes to start."
    )
    cleanup: bool = flag(False, "Remove all containers, networks and files of this node's pods, and exit.")
    docker_endpoint: str = flag("", "Where the Docker engine listens; its own default if empty.")
    pod_infra_container_image: str = flag(
        "registry.k8s.io/pause:3.10", "The image that holds each pod's network."
    )
    address: str = flag(
        "",
        "The IP address for the Kubelet to serve on (set to '0.0.0.0' or '::' for listening on all interfaces and IP address families).",
    )
    port: int | None = flag(None, "The port for the Kubelet to serve on.", parse=int)
    healthz_bind_address: str = flag("", "The IP address for the healthz server to serve on.")
    healthz_port: int | None = flag(
        None, "The port of the localhost healthz endpoint (set to 0 to disable).", parse=int
    )
    tls_cert_file: str = flag("", "File containing x509 Certificate used for serving HTTPS.")
    tls_private_key_file: str = flag("", "File containing x509 private key matching --tls-cert-file.")
    client_ca_file: str = flag(
        "",
        "Any request presenting a client certificate signed by one of the authorities in the client-ca-file is authenticated with an identity corresponding to the CommonName of the client certificate.",
    )
    anonymous_auth: bool | None = flag(
        None,
        "Enables anonymous requests to the Kubelet server.",
        parse=lambda text: text.lower() in ("true", "1", "t"),
    )
    authorization_mode: str = flag("", "Authorization mode for Kubelet server: AlwaysAllow or Webhook.")
    cluster_dns: tuple[str, ...] = flag((), "Comma-separated list of DNS server IP address.")
    cluster_domain: str = flag("", "Domain for this cluster.")
    cluster_cidr: str = flag(
        "", "The addresses of all pods of the cluster: traffic to them is not masqueraded."
    )
    pod_cidr: str = flag("", "The CIDR to use for pod IP addresses; the Node's spec.podCIDR if empty.")
    resolv_conf: str = flag(
        "", "Resolver configuration file used as the basis for the container DNS resolution configuration."
    )
    max_pods: int | None = flag(None, "Number of Pods that can run on this Kubelet.", parse=int)
    serialize_image_pulls: bool | None = flag(
        None, "Pull images one at a time.", parse=lambda text: text.lower() in ("true", "1", "t")
    )
    system_reserved: dict[str, str] | None = flag(
        None,
        "A set of ResourceName=ResourceQuantity pairs that describe resources reserved for non-kubernetes components.",
        parse=lambda text: _pairs(text),
    )
    kube_reserved: dict[str, str] | None = flag(
        None,
        "A set of ResourceName=ResourceQuantity pairs that describe resources reserved for kubernetes system components.",
        parse=lambda text: _pairs(text),
    )
    eviction_hard: dict[str, str] | None = flag(
        None,
        "A set of eviction thresholds (e.g. memory.available<1Gi) that if met would trigger a pod eviction.",
        parse=lambda text: _thresholds(text),
    )


def _pairs(text: str) -> dict[str, str]:
    parts = [part.partition("=") for part in text.split(",") if part.strip()]
    return {key.strip(): value.strip() for key, _, value in parts}


def _thresholds(text: str) -> dict[str, str]:
    parts = [part.partition("<") for part in text.split(",") if part.strip()]
    return {key.strip(): value.strip() for key, _, value in parts}
