"""How many pods there are, as Prometheus is told."""

from __future__ import annotations

from typing import Any

from kubelet.pods.record import PodRecord
from kubelet.runtime.usage import ContainerDisk
from kubelet.stats.disk import DiskUsage
from kubelet.stats.logs import log_metrics
from kubelet.stats.population import population_metrics
from tests.unit.kubelet.builders import make_pod
from tests.unit.kubelet.stats_samples import POD

STATIC = make_pod(meta={"annotations": {"kubernetes.io/config.source": "file"}})


def record(pod: Any = POD, **state: bool) -> PodRecord:
    return PodRecord(pod, 0.0, **state)  # type: ignore[arg-type]


RECORDS = [
    record(make_pod(ephemeralContainers=[{"name": "e"}])),
    record(finished=True),
    record(finished=True, stopped=True),
    record(rejected=True),
    record(removed=True),
    record(removed=True, found=True),
    record(STATIC),
]


def test_pods_are_counted_by_what_becomes_of_them() -> None:
    families = population_metrics(RECORDS, 1)
    samples = [sample for family in families for sample in family.samples if not sample.endswith(" 0")]
    assert samples == [
        'kubelet_desired_pods{static=""} 4',
        'kubelet_desired_pods{static="true"} 1',
        'kubelet_active_pods{static=""} 2',
        'kubelet_active_pods{static="true"} 1',
        "kubelet_mirror_pods 1",
        'kubelet_working_pods{config="desired",lifecycle="sync",static="true"} 1',
        'kubelet_working_pods{config="desired",lifecycle="sync",static=""} 1',
        'kubelet_working_pods{config="desired",lifecycle="terminating",static=""} 1',
        'kubelet_working_pods{config="orphan",lifecycle="terminating",static=""} 1',
        'kubelet_working_pods{config="runtime_only",lifecycle="terminating",static="unknown"} 1',
        'kubelet_working_pods{config="desired",lifecycle="terminated",static=""} 1',
        "kubelet_managed_ephemeral_containers 1",
    ]


def test_what_could_be_counted_is_told_as_none() -> None:
    (working,) = (each for each in population_metrics([], 0) if each.name == "kubelet_working_pods")
    assert len(working.samples) == 15


def test_logs_are_told_of_by_their_size() -> None:
    family = log_metrics([(POD, {"web": ContainerDisk(DiskUsage(9, 1), DiskUsage(7, 1))})])
    assert family.samples == [
        'kubelet_container_log_filesystem_used_bytes{container="web",namespace="shop",pod="cart",uid="u1"} 7'
    ]
