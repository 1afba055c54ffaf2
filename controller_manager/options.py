"""The flags of the controller manager, with upstream's names and defaults."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from component_base.delegating_options import DelegatingOptions
from component_base.election_options import ElectionOptions
from component_base.features import GatedOptions
from component_base.flag_values import parse_ipv4_cidrs
from component_base.flags import duration, flag, unused
from component_base.unused_flags import DELEGATING, EVERY, PROFILING, SERVING

EVERYTHING = "*"
_CERT_OF = "File with the CA of the signer kubernetes.io/{}; --cluster-signing-cert-file must not be given."
_KEY_OF = "File with the key of the signer kubernetes.io/{}."

UNUSED = (
    EVERY
    | SERVING
    | PROFILING
    | DELEGATING
    | unused(
        bools=(
            "allow-untagged-cloud configure-cloud-routes disable-attach-detach-reconcile-sync "
            "enable-hostpath-provisioner enable-leader-migration use-service-account-credentials"
        ),
        numbers=(
            "concurrent-node-syncs concurrent-service-syncs "
            "concurrent-validating-admission-policy-status-syncs "
            "node-cidr-mask-size-ipv6 pv-recycler-increment-timeout-nfs "
            "pv-recycler-minimum-timeout-hostpath pv-recycler-minimum-timeout-nfs "
            "pv-recycler-timeout-increment-hostpath webhook-secure-port"
        ),
        durations=(
            "attach-detach-reconcile-sync-period min-resync-period "
            "namespace-sync-period "
            "node-status-update-frequency node-sync-period "
            "route-reconciliation-period"
        ),
        texts=(
            "cidr-allocator-type cloud-config cloud-provider cluster-name external-cloud-volume-plugin "
            "flex-volume-plugin-dir leader-migration-config pv-recycler-pod-template-filepath-hostpath "
            "pv-recycler-pod-template-filepath-nfs webhook-bind-address webhook-cert-dir "
            "webhook-tls-cert-file webhook-tls-private-key-file webhooks"
        ),
    )
)


@dataclass(frozen=True)
class Options(DelegatingOptions, ElectionOptions, GatedOptions):
    """One instance for the life of the process."""

    kubeconfig: str = flag("", "Path to kubeconfig file with authorization and master location information.")
    master: str = flag("", "The address of the Kubernetes API server (overrides any value in kubeconfig).")
    controllers: tuple[str, ...] = flag(
        (EVERYTHING,),
        "A list of controllers to enable. '*' enables all on-by-default controllers, 'foo' enables the "
        "controller named 'foo', '-foo' disables the controller named 'foo'.",
    )
    controller_start_interval: float = duration(0.0, "Interval between starting controller managers.")
    secure_port: int = flag(10257, "The port on which to serve HTTPS. If 0, don't serve HTTPS at all.")
    kube_api_qps: float = flag(0.0, "QPS to use while talking with the API server. 0 sets no limit.")
    kube_api_burst: int = flag(0, "Burst to use while talking with the API server. 0 is twice the QPS.")

    leader_elect_resource_name: str = flag("kube-controller-manager", "The name of the Lease.")

    allocate_node_cidrs: bool = flag(False, "Should CIDRs for Pods be allocated to nodes.")
    cluster_cidr: str = flag("", "CIDR Range for Pods in cluster. Requires --allocate-node-cidrs to be true.")
    node_cidr_mask_size: int = flag(24, "Mask size for node cidr in cluster.")
    node_cidr_mask_size_ipv4: int = flag(0, "The same, and wins over it.")
    service_cluster_ip_range: str = flag("", "CIDR Range for Services in cluster; nodes get none of it.")
    load_balancer_pool: tuple[str, ...] = flag(
        (),
        "CIDRs of the addresses that Services of type LoadBalancer get; none get any if empty. kube-proxy "
        "answers for them if it is given the same.",
        parse=parse_ipv4_cidrs,
    )
    max_endpoints_per_slice: int = flag(
        100, "The maximum number of endpoints that will be added to an EndpointSlice."
    )
    endpointslice_updates_batch_period: float = duration(
        0.0,
        "The length of endpoint slice updates batching period: changes of pods are looked at so much later, "
        "together with others of the time in between.",
    )
    endpoint_updates_batch_period: float = duration(
        0.0, "The length of endpoint updates batching period: see --endpointslice-updates-batch-period."
    )
    mirroring_endpointslice_updates_batch_period: float = duration(
        0.0, "The length of the batching period of changes of Endpoints that are mirrored."
    )
    mirroring_max_endpoints_per_subset: int = flag(
        1000, "The maximum number of endpoints of a subset that are added to an EndpointSlice by mirroring."
    )
    resource_quota_sync_period: float = duration(
        300.0, "The period for syncing quota usage status in the system."
    )
    enable_garbage_collector: bool = flag(True, "Enables the generic garbage collector.")
    node_monitor_period: float = duration(5.0, "The period for syncing NodeStatus.")
    node_monitor_grace_period: float = duration(
        50.0, "Amount of time which we allow running Node to be unresponsive before marking it unhealthy."
    )
    node_startup_grace_period: float = duration(
        60.0, "Amount of time which we allow starting Node to be unresponsive before marking it unhealthy."
    )
    node_eviction_rate: float = flag(
        0.1,
        "Number of nodes per second on which pods are deleted in case of node failure when a zone is healthy "
        "(see --unhealthy-zone-threshold for definition of healthy/unhealthy).",
    )
    secondary_node_eviction_rate: float = flag(
        0.01,
        "Number of nodes per second on which pods are deleted in case of node failure when a zone is "
        "unhealthy. This value is implicitly overridden to 0 if the cluster size is smaller than "
        "--large-cluster-size-threshold.",
    )
    large_cluster_size_threshold: int = flag(
        50,
        "Number of nodes from which node-lifecycle-controller treats the cluster as large for the eviction "
        "logic purposes. --secondary-node-eviction-rate is implicitly overridden to 0 for clusters this size "
        "or smaller.",
    )
    unhealthy_zone_threshold: float = flag(
        0.55,
        "Fraction of Nodes in a zone which needs to be not Ready (minimum 3) for zone to be treated as "
        "unhealthy.",
    )
    legacy_service_account_token_clean_up_period: float = duration(
        8760 * 3600.0,
        "The period of time since the last usage of an legacy service account token before it can be "
        "deleted.",
    )
    terminated_pod_gc_threshold: int = flag(
        12500, "Number of terminated pods that can exist before the garbage collector starts deleting them."
    )
    disable_force_detach_on_timeout: bool = flag(
        False,
        "Prevent force detaching volumes based on maximum unmount time and node status. If this flag is set "
        "to true, the non-graceful node shutdown feature must be used to recover from node failure.",
    )
    enable_dynamic_provisioning: bool = flag(
        True, "Enable dynamic provisioning for environments that support it."
    )
    pvclaimbinder_sync_period: float = duration(
        15.0, "The period for syncing persistent volumes and persistent volume claims."
    )

    horizontal_pod_autoscaler_sync_period: float = duration(
        15.0, "The period for syncing the number of pods in horizontal pod autoscaler."
    )
    horizontal_pod_autoscaler_downscale_stabilization: float = duration(
        300.0,
        "The period for which autoscaler will look backwards and not scale down below any recommendation it "
        "made during that period.",
    )
    horizontal_pod_autoscaler_tolerance: float = flag(
        0.1,
        "The minimum change (from 1.0) in the desired-to-actual metrics ratio for the horizontal pod "
        "autoscaler to consider scaling.",
    )
    horizontal_pod_autoscaler_cpu_initialization_period: float = duration(
        300.0, "The period after pod start when CPU samples might be skipped."
    )
    horizontal_pod_autoscaler_initial_readiness_delay: float = duration(
        30.0,
        "The period after pod start during which readiness changes will be treated as initial readiness.",
    )

    root_ca_file: str = flag("", "If set, this root certificate authority is put into every namespace.")
    service_account_private_key_file: str = flag("", "File with the key used to sign service account tokens.")
    cluster_signing_cert_file: str = flag("", "File with the CA that issues cluster-scoped certificates.")
    cluster_signing_key_file: str = flag("", "File with the key that signs cluster-scoped certificates.")
    cluster_signing_kube_apiserver_client_cert_file: str = flag("", _CERT_OF.format("kube-apiserver-client"))
    cluster_signing_kube_apiserver_client_key_file: str = flag("", _KEY_OF.format("kube-apiserver-client"))
    cluster_signing_kubelet_client_cert_file: str = flag("", _CERT_OF.format("kube-apiserver-client-kubelet"))
    cluster_signing_kubelet_client_key_file: str = flag("", _KEY_OF.format("kube-apiserver-client-kubelet"))
    cluster_signing_kubelet_serving_cert_file: str = flag("", _CERT_OF.format("kubelet-serving"))
    cluster_signing_kubelet_serving_key_file: str = flag("", _KEY_OF.format("kubelet-serving"))
    cluster_signing_legacy_unknown_cert_file: str = flag("", _CERT_OF.format("legacy-unknown"))
    cluster_signing_legacy_unknown_key_file: str = flag("", _KEY_OF.format("legacy-unknown"))
    cluster_signing_duration: float = duration(8760 * 3600.0, "The max length of signed certificates.")

    concurrent_cron_job_syncs: int = flag(5, "The number of cron jobs that sync concurrently.")
    concurrent_daemonset_syncs: int = flag(2, "The number of daemonset objects that sync concurrently.")
    concurrent_deployment_syncs: int = flag(5, "The number of deployments that sync concurrently.")
    concurrent_endpoint_syncs: int = flag(5, "The number of endpoints that sync concurrently.")
    mirroring_concurrent_service_endpoint_syncs: int = flag(
        5, "The number of mirrored endpoints that sync concurrently."
    )
    concurrent_service_endpoint_syncs: int = flag(5, "The number of endpoint slices that sync concurrently.")
    concurrent_ephemeralvolume_syncs: int = flag(5, "The number of ephemeral volumes that sync concurrently.")
    concurrent_gc_syncs: int = flag(20, "The number of garbage collector workers that sync concurrently.")
    concurrent_horizontal_pod_autoscaler_syncs: int = flag(
        5, "The number of horizontal pod autoscaler objects that are allowed to sync concurrently."
    )
    concurrent_job_syncs: int = flag(5, "The number of job objects that sync concurrently.")
    concurrent_namespace_syncs: int = flag(10, "The number of namespaces that sync concurrently.")
    concurrent_replicaset_syncs: int = flag(5, "The number of replica sets that sync concurrently.")
    concurrent_serviceaccount_token_syncs: int = flag(
        5, "The number of service account token objects that sync concurrently."
    )
    concurrent_statefulset_syncs: int = flag(5, "The number of statefulsets that sync concurrently.")
    concurrent_ttl_after_finished_syncs: int = flag(
        5, "The number of ttl-after-finished-controller workers that sync concurrently."
    )
    concurrent_resource_quota_syncs: int = flag(5, "The number of resource quotas that sync concurrently.")
    concurrent_rc_syncs: int = flag(5, "The number of replication controllers that sync concurrently.")


def is_enabled(name: str, wanted: Iterable[str]) -> bool:
    """What --controllers says about a controller that is on by default; a name goes before the star."""
    wanted = list(wanted)
    if name in wanted:
        return True
    return f"-{name}" not in wanted and EVERYTHING in wanted


def unknown_controllers(known: Collection[str], wanted: Iterable[str]) -> list[str]:
    """The names in --controllers that mean nothing."""
    named = (each.removeprefix("-") for each in wanted if each != EVERYTHING)
    return [each for each in named if each not in known]
