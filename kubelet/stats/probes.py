"""How probes went, by pod: /metrics/probes. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from apimachinery.objects import Object, name_of, namespace_of, uid_of
from kubelet.probes.history import ProbeHistory
from kubelet.stats.families import Family


def probe_metrics(pods: Iterable[Object], history: ProbeHistory) -> list[Family]:
    family = Family(
        "prober_probe_total",
        "counter",
        "[BETA] Cumulative number of a liveness, readiness or startup probe for a container by result.",
    )
    for pod in pods:
        for container, kind, result, count in history.counts(uid_of(pod)):
            labels = {
                "container": container,
                "namespace": namespace_of(pod),
                "pod": name_of(pod),
                "pod_uid": uid_of(pod),
                "probe_type": kind.value,
                "result": result,
            }
            family.add(labels, count)
    return [family]
