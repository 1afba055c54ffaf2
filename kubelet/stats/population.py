"""How many pods there are, by what becomes of them: a part of /metrics. Pure.

Source: HandlePodCleanups in pkg/kubelet/kubelet_pods.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import product

from kubelet.pods.record import PodRecord
from kubelet.static_pods.identity import is_static
from kubelet.stats.families import Family

_LIFECYCLES = ("sync", "terminating", "terminated")
_CONFIGS = (
    ("desired", "true"),
    ("desired", ""),
    ("orphan", "true"),
    ("orphan", ""),
    ("runtime_only", "unknown"),
)


def population_metrics(records: Sequence[PodRecord], mirrors: int) -> list[Family]:
    """`mirrors` is how many mirror pods the API has of this node's."""
    desired = [each for each in records if not each.removed]
    active = [each for each in desired if not (each.rejected or each.stopped)]
    shown = Family(
        "kubelet_mirror_pods",
        "gauge",
        "[ALPHA] The number of mirror pods the kubelet will try to create (one per admitted static pod)",
    )
    shown.add({}, mirrors)
    ephemeral = Family(
        "kubelet_managed_ephemeral_containers",
        "gauge",
        "[ALPHA] Current number of ephemeral containers in pods managed by this kubelet.",
    )
    ephemeral.add({}, sum(len(each.pod["spec"].get("ephemeralContainers") or ()) for each in desired))
    return [
        _by_source(
            "kubelet_desired_pods",
            "[ALPHA] The number of pods the kubelet is being instructed to run. static is true if the pod is "
            "not from the apiserver.",
            desired,
        ),
        _by_source(
            "kubelet_active_pods",
            "[ALPHA] The number of pods the kubelet considers active and which are being considered when "
            "admitting new pods. static is true if the pod is not from the apiserver.",
            active,
        ),
        shown,
        _working([each for each in records if not each.rejected]),
        ephemeral,
    ]


def _by_source(name: str, help: str, records: Sequence[PodRecord]) -> Family:
    family, counts = Family(name, "gauge", help), Counter(_static(each) for each in records)
    for static in ("", "true"):
        family.add({"static": static}, counts[static])
    return family


def _working(records: Sequence[PodRecord]) -> Family:
    family = Family(
        "kubelet_working_pods",
        "gauge",
        "[ALPHA] Number of pods the kubelet is actually running, broken down by lifecycle phase, whether "
        "the pod is desired, orphaned, or runtime only (also orphaned), and whether the pod is static. An "
        "orphaned pod has been removed from local configuration or force deleted in the API and consumes "
        "resources that are not otherwise visible.",
    )
    counts = Counter((_lifecycle(each), *_config(each)) for each in records)
    for lifecycle, (config, static) in product(_LIFECYCLES, _CONFIGS):
        labels = {"lifecycle": lifecycle, "config": config, "static": static}
        family.add(labels, counts[lifecycle, config, static])
    return family


def _lifecycle(record: PodRecord) -> str:
    if record.stopped:
        return "terminated"
    return "terminating" if record.terminating else "sync"


def _config(record: PodRecord) -> tuple[str, str]:
    if record.found:
        return "runtime_only", "unknown"
    return "orphan" if record.removed else "desired", _static(record)


def _static(record: PodRecord) -> str:
    return "true" if is_static(record.pod) else ""
