"""The scheduler's flags, with upstream's names."""

from __future__ import annotations

from dataclasses import dataclass

from component_base.delegating_options import DelegatingOptions
from component_base.election_options import ElectionOptions
from component_base.features import GatedOptions
from component_base.flags import duration, flag
from component_base.unused_flags import DELEGATING, EVERY, PROFILING, SERVING
from scheduler.config import MAX_IN_UNSCHEDULABLE

UNUSED = EVERY | SERVING | PROFILING | DELEGATING


@dataclass(frozen=True)
class Options(DelegatingOptions, ElectionOptions, GatedOptions):
    config: str = flag("", "The path to the configuration file.")
    plugins_from: tuple[str, ...] = flag(
        (), "Python modules or files with scheduler plugins of one's own; see docs/scheduler.md."
    )
    kubeconfig: str = flag("", "path to kubeconfig file with authorization and master location information.")
    master: str = flag("", "The address of the Kubernetes API server (overrides any value in kubeconfig).")
    secure_port: int = flag(10259, "The port on which to serve HTTPS. If 0, don't serve HTTPS at all.")
    leader_elect_resource_name: str = flag("kube-scheduler", "The name of the Lease.")
    kube_api_qps: float = flag(0.0, "QPS to use while talking with the apiserver; 0 is without limit.")
    kube_api_burst: int = flag(0, "Burst to use while talking with the apiserver; 0 is twice the QPS.")
    pod_max_in_unschedulable_pods_duration: float = duration(
        MAX_IN_UNSCHEDULABLE,
        "DEPRECATED: the maximum time a pod can stay in unschedulablePods, after which it is tried again "
        "whatever has happened.",
    )
