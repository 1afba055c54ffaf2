"""What Prometheus is told of a node's work."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from kubelet.images.manager import size_class
from tests.fakes.counts import Counts
from tests.unit.kubelet.builders import make_container, make_pod
from tests.unit.kubelet.cgroup_files import CgroupFiles, make_tree, pod_asking
from tests.unit.kubelet.world import living


@pytest.mark.looptime
async def test_a_pods_start_is_counted() -> None:
    counts = Counts(
        sandboxes=("run_podsandbox_duration_seconds_count", {"runtime_handler": ""}),
        pods=("containers_per_pod_count_count", {}),
        containers=("containers_per_pod_count_sum", {}),
        workers=("pod_worker_start_duration_seconds_count", {}),
        starts=("pod_start_sli_duration_seconds_count", {}),
    )
    synced = Counts(statuses=("pod_status_sync_duration_seconds_count", {}))
    async with living() as world:
        forever = ["sh", "-c", "sleep 100000"]
        both = make_container("a", command=forever), make_container("b", command=forever)
        world.api.put(make_pod(*both, meta={"creationTimestamp": "2026-01-01T00:00:00Z"}))
        await world.until_ready()
        reports = len(world.api.history) - 1  # the first is the pod as it was made
    assert counts.grown() == {"sandboxes": 1, "pods": 1, "containers": 2, "workers": 1, "starts": 1}
    assert synced.grown() == {"statuses": reports}
    assert REGISTRY.get_sample_value("kubelet_pleg_last_seen_seconds")


async def test_work_on_cgroups_is_counted_by_its_kind() -> None:
    name = "cgroup_manager_duration_seconds_count"
    kinds = ("create", "update", "destroy")
    counts = Counts(**{kind: (name, {"operation_type": kind}) for kind in kinds})
    tree, _ = make_tree(CgroupFiles())
    await tree.settle(pod_asking("100m"))
    await tree.widen(pod_asking("100m"))
    await tree.settle(pod_asking("200m"))
    await tree.remove("u1")
    assert counts.grown() == {"create": 1, "update": 1, "destroy": 1}


@pytest.mark.parametrize(
    ("size", "name"),
    [
        (0, "N/A"),
        (1, "0-10MB"),
        (10 << 20, "0-10MB"),
        ((10 << 20) + 1, "10MB-100MB"),
        (7 << 30, "5GB-10GB"),
        (101 << 30, "GT100GB"),
    ],
)
def test_images_are_told_of_by_their_size(size: int, name: str) -> None:
    assert size_class(size) == name
