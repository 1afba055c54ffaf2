"""How probes went, by pod: /metrics/probes. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from apimachinery.objects import Object, name_of, namespace_of, uid_of
from kubelet.probes.history import ProbeHistory
from kubelet.probes.outcome import ProbeKind
from kubelet.stats.families import Family


def probe_metrics(pods: Iterable[Object], history: ProbeHistory) -> list[Family]:
    results = Family(
        "prober_probe_total",
        "counter",
        "[BETA] Cumulative number of a liveness, readiness or startup probe for a container by result.",
    )
    seconds = Family(
        "prober_probe_duration_seconds", "histogram", "[ALPHA] Duration in seconds for a probe response."
    )
    for pod in pods:
        uid = uid_of(pod)
        for container, kind, result, count in history.counts(uid):
            results.add({**_labels(pod, container, kind), "pod_uid": uid, "result": result}, count)
        for container, kind, tally in history.durations(uid):
            seconds.add_histogram(_labels(pod, container, kind), tally)
    return [seconds, results]


def _labels(pod: Object, container: str, kind: ProbeKind) -> dict[str, str]:
    return {
        "container": container,
        "namespace": namespace_of(pod),
        "pod": name_of(pod),
        "probe_type": kind.value,
    }
