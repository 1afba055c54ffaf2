"""Node-pressure eviction: thresholds, pressure over time, ranking, words and limits."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apimachinery.objects import Object, uid_of
from kubelet.configuration import merge
from kubelet.eviction.limits import exceeded_limit, has_limit
from kubelet.eviction.pressure import Pressure, next_pressure
from kubelet.eviction.ranking import eviction_blame, rank
from kubelet.eviction.reclaim import unused_containers
from kubelet.eviction.thresholds import (
    ALLOCATABLE_MEMORY,
    MEMORY,
    NODEFS,
    RESOURCES,
    Amount,
    Observation,
    Threshold,
    ThresholdError,
    parse_thresholds,
)
from kubelet.node.sources import allocatable_memory
from kubelet.options import Options
from kubelet.pods.admission import admit
from kubelet.pods.status import Verdict
from kubelet.runtime.usage import ContainerDisk, ContainerUsage
from kubelet.stats.disk import DiskUsage, measure
from kubelet.stats.pods import PodStats, local_volumes
from tests.unit.kubelet.builders import exited, make_container, make_pod, make_seen, running
from tests.unit.kubelet.evictions import DISK, EMPTY_DIR, GI, HARD, MI, SOFT, pod, seen, uses


def configured(**settings: Any) -> dict[str, Any]:
    return merge(settings, Options())


def test_the_defaults_are_upstreams() -> None:
    assert parse_thresholds(configured()) == (
        Threshold(MEMORY, Amount(100 * MI)),
        Threshold(NODEFS, Amount(share=0.1)),
        Threshold("nodefs.inodesFree", Amount(share=0.05)),
        Threshold("imagefs.available", Amount(share=0.15)),
        Threshold("imagefs.inodesFree", Amount(share=0.05)),
        Threshold(ALLOCATABLE_MEMORY, Amount(100 * MI)),
    )
    lax = parse_thresholds(configured(enforceNodeAllocatable=["none"]))
    assert ALLOCATABLE_MEMORY not in {each.signal for each in lax}


def test_thresholds_of_containerfs_are_ignored_since_imagefs_says_it_all() -> None:
    assert parse_thresholds(configured(evictionHard={"containerfs.available": "10%"})) == ()


def test_soft_thresholds_have_a_grace_and_a_reclaim() -> None:
    found = parse_thresholds(
        configured(
            evictionHard={"memory.available": "0%"},
            evictionSoft={"memory.available": "1Gi"},
            evictionSoftGracePeriod={"memory.available": "1m30s"},
            evictionMinimumReclaim={"memory.available": "500Mi"},
        )
    )
    assert found == (Threshold(MEMORY, Amount(GI), 90.0, Amount(500 * MI)),)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"evictionHard": {"memory": "1Gi"}}, "unsupported eviction signal memory"),
        ({"evictionSoft": {"memory.available": "1Gi"}}, "grace period must be specified"),
        ({"evictionHard": {"nodefs.available": "101%"}}, "must be <= 100%: 101%"),
        ({"evictionHard": {"memory.available": "-1Gi"}}, "must be positive: -1Gi"),
        ({"evictionHard": {"memory.available": "0"}}, "must be positive: 0"),
        (
            {"evictionMinimumReclaim": {"memory.available": "0%"}},
            "eviction percentage minimum reclaim memory.available must be positive: 0%",
        ),
        (
            {"evictionMinimumReclaim": {"memory.available": "-1Gi"}},
            "negative eviction minimum reclaim specified for memory.available",
        ),
        ({"evictionHard": {"memory.available": "much"}}, "quantities must match the regular expression"),
        ({"evictionMinimumReclaim": {"memory.available": "x%"}}, 'parsing "x": invalid syntax'),
        (
            {
                "evictionSoft": {"memory.available": "1Gi"},
                "evictionSoftGracePeriod": {"memory.available": "soon"},
            },
            'invalid duration "soon"',
        ),
    ],
    ids=[
        "signal",
        "no-grace",
        "percent",
        "negative",
        "zero",
        "no-reclaim",
        "negative-reclaim",
        "no-quantity",
        "no-share",
        "no-duration",
    ],
)
def test_thresholds_that_mean_nothing_are_refused(settings: Object, words: str) -> None:
    with pytest.raises(ThresholdError, match=words):
        parse_thresholds(configured(**settings))


def after(*looks: tuple[float, Mapping[str, Observation]], transition: float = 300.0) -> Pressure:
    pressure = Pressure()
    for at, observations in looks:
        pressure = next_pressure(pressure, (SOFT, HARD, DISK), observations, at, transition)
    return pressure


@pytest.mark.parametrize(
    ("looks", "conditions", "due"),
    [
        ([(0, seen())], set(), ()),
        ([(0, seen(memory=50 * MI))], {"MemoryPressure"}, (HARD,)),
        ([(0, seen(memory=GI // 2))], {"MemoryPressure"}, ()),
        ([(0, seen(memory=GI // 2)), (60, seen(memory=GI // 2))], {"MemoryPressure"}, (SOFT,)),
        ([(0, seen(GI // 2)), (30, seen()), (60, seen(GI // 2))], {"MemoryPressure"}, ()),
        ([(0, seen(memory=50 * MI)), (10, seen())], {"MemoryPressure"}, ()),
        ([(0, seen(memory=50 * MI)), (300, seen())], set(), ()),
        ([(0, seen(disk=9 * GI)), (10, seen(disk=12 * GI))], {"DiskPressure"}, (DISK,)),
        ([(0, seen(disk=9 * GI)), (10, seen(disk=16 * GI))], {"DiskPressure"}, ()),
        ([(0, seen(disk=12 * GI))], set(), ()),
        ([(0, seen(50 * MI, 9 * GI))], {"MemoryPressure", "DiskPressure"}, (HARD, DISK)),
    ],
    ids=[
        "fine", "hard", "soft-waits", "soft-is-due", "soft-begins-anew", "condition-lingers",
        "condition-goes",
        "minimum-reclaim", "reclaimed", "reclaim-is-no-threshold", "memory-first",
    ],
)  # fmt: skip
def test_pressure_over_time(looks: Any, conditions: set[str], due: tuple[Threshold, ...]) -> None:
    pressure = after(*looks)
    assert (pressure.conditions, pressure.due) == (conditions, due)


DISKS = {
    "a": PodStats(disks={"web": ContainerDisk(DiskUsage(9, 1), DiskUsage(1, 5))}),
    "b": PodStats(disks={"web": ContainerDisk(DiskUsage(5, 5), DiskUsage(3, 1))}),
}


@pytest.mark.parametrize(
    ("signal", "order"),
    [
        ("imagefs.available", "ab"),
        ("imagefs.inodesFree", "ba"),
        ("nodefs.available", "ba"),
        ("nodefs.inodesFree", "ab"),
    ],
)
def test_where_images_have_a_disk_of_their_own_only_what_is_on_the_full_one_counts(
    signal: str, order: str
) -> None:
    threshold = Threshold(signal, Amount(share=0.1))
    ranked = rank([pod("a"), pod("b")], DISKS, threshold, images_apart=True)
    assert "".join(uid_of(each) for each in ranked) == order


def test_what_pods_may_still_take_of_the_node_together() -> None:
    used = ContainerUsage(0, 900, 700, 0, memory_limit=1000)
    assert allocatable_memory(used) == {ALLOCATABLE_MEMORY: Observation(300, 1000)}
    assert allocatable_memory(replace(used, memory_limit=0)) == allocatable_memory(None) == {}


ASKS = {"requests": {"memory": "1Gi"}}


@pytest.mark.parametrize(
    ("resource", "pods", "stats", "order"),
    [
        ("memory", [pod("a"), pod("b")], {"a": uses(10), "b": uses(20)}, "ba"),
        ("memory", [pod("a", 5), pod("b", 1)], {"a": uses(20), "b": uses(10)}, "ba"),
        ("memory", [pod("a", **ASKS), pod("b", 9)], {"a": uses(GI - 1), "b": uses(1)}, "ba"),
        ("memory", [pod("a", **ASKS), pod("b")], {"a": uses(GI + 9), "b": uses(5)}, "ab"),
        ("memory", [pod("a"), pod("b")], {"a": uses(10)}, "ba"),
        ("pids", [pod("a"), pod("b", 1)], {"a": uses(processes=1), "b": uses(processes=9)}, "ab"),
        ("ephemeral-storage", [pod("a"), pod("b")], {"a": uses(root=9), "b": uses(root=5, v=5)}, "ba"),
    ],
    ids=["most", "priority", "above-request", "most-above-request", "unknown", "pids", "disk"],
)
def test_who_goes_first(resource: str, pods: list[Object], stats: dict[str, PodStats], order: str) -> None:
    signal = next(signal for signal, known in RESOURCES.items() if known == resource)
    threshold = Threshold(signal, Amount(1))
    assert "".join(uid_of(each) for each in rank(pods, stats, threshold)) == order


def test_what_is_said_of_an_evicted_pod() -> None:
    said = eviction_blame(pod("a", **ASKS), uses(2 * GI), HARD, seen(memory=50 * MI))
    assert said.message == (
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. "
        "Container web was using 2Gi, request is 1Gi, has larger consumption of memory. "
    )
    assert said.annotations == {
        "offending_containers": "web",
        "offending_containers_usage": "2Gi",
        "starved_resource": "memory",
    }
    inodes = Threshold("nodefs.inodesFree", Amount(share=0.05))
    said = eviction_blame(pod("a"), None, inodes, {inodes.signal: Observation(1, 1000)})
    words = "The node was low on resource: inodes. Threshold quantity: 50, available: 1. "
    assert said == (words, {})


def test_a_pod_that_has_asked_as_a_whole_is_named_itself() -> None:
    whole = make_pod(resources=ASKS, meta={"name": "a"})
    said = eviction_blame(whole, uses(2 * GI), HARD, seen(memory=50 * MI))
    assert said.message.endswith(
        "Pod a was using 2Gi, request is 1Gi, has larger consumption of memory. "
        "Container web was using 2Gi, request is 0, has larger consumption of memory. "
    )
    assert (said.annotations["offending_pod"], said.annotations["offending_pod_usage"]) == ("a", "2Gi")


LIMITED = make_container(resources={"limits": {"ephemeral-storage": "1Mi"}})


@pytest.mark.parametrize(
    ("limited", "stats", "exceeded"),
    [
        (make_pod(**EMPTY_DIR), uses(v=MI), None),
        (
            make_pod(**EMPTY_DIR),
            uses(v=MI + 1),
            ("emptydirfs.limit", 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". '),
        ),
        (
            make_pod(LIMITED),
            uses(root=MI + 1),
            (
                "ephemeralpodfs.limit",
                "Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ",
            ),
        ),
        (
            make_pod(LIMITED, make_container("b", resources={"limits": {"ephemeral-storage": "1Gi"}})),
            uses(root=MI + 1),
            (
                "ephemeralcontainerfs.limit",
                'Container web exceeded its local ephemeral storage limit "1Mi". ',
            ),
        ),
        (make_pod(), uses(root=GI), None),
    ],
    ids=["at-the-limit", "volume", "pod", "container", "no-limit"],
)
def test_limits_of_the_pods_own(limited: Object, stats: PodStats, exceeded: object) -> None:
    assert exceeded_limit(limited, stats) == exceeded
    assert has_limit(limited) == (limited != make_pod())


def test_layers_on_a_disk_of_their_own_exceed_no_limit() -> None:
    assert exceeded_limit(make_pod(LIMITED), uses(root=MI + 1), images_apart=True) is None
    found = exceeded_limit(make_pod(LIMITED), uses(v=MI + 1), images_apart=True)
    assert found is not None
    assert found.signal == "ephemeralpodfs.limit"


def test_volumes_that_count_as_the_pods_own() -> None:
    volumes = [
        {"name": "disk", "emptyDir": {}},
        {"name": "memory", "emptyDir": {"medium": "Memory"}},
        {"name": "config", "configMap": {"name": "c"}},
        {"name": "host", "hostPath": {"path": "/"}},
    ]
    assert list(local_volumes(make_pod(volumes=volumes))) == ["disk", "config"]


def test_a_directory_is_measured_as_du_does(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 100_000)
    os.link(tmp_path / "a", tmp_path / "b")
    measured = measure(tmp_path)
    assert measured.inodes == 2
    assert 100_000 <= measured.bytes < 120_000
    assert measure(tmp_path / "none") == DiskUsage()


NODE: Object = {"metadata": {"name": "n1"}, "spec": {}, "status": {"allocatable": {}}}
TOLERANT = [{"key": "node.kubernetes.io/memory-pressure", "operator": "Exists", "effect": "NoSchedule"}]


@pytest.mark.parametrize(
    ("wanted", "pressures", "message"),
    [
        (pod("a"), ["MemoryPressure"], "The node had condition: [MemoryPressure]. "),
        (pod("a", **ASKS), ["MemoryPressure"], ""),
        (make_pod(tolerations=TOLERANT), ["MemoryPressure"], ""),
        (pod("a", **ASKS), ["DiskPressure"], "The node had condition: [DiskPressure]. "),
        (pod("a", 2_000_000_000), ["DiskPressure"], ""),
        (pod("a"), [], ""),
    ],
    ids=["best-effort", "burstable", "tolerant", "disk", "critical", "no-pressure"],
)
def test_who_is_let_in_under_pressure(wanted: Object, pressures: list[str], message: str) -> None:
    verdict = admit(wanted, NODE, [], pressures=pressures)
    assert verdict == (Verdict("Evicted", message) if message else None)


def test_containers_that_may_go_before_pods_do() -> None:
    old, new = exited(attempt=0), exited(attempt=1)
    assert unused_containers([make_seen(old, new)]) == [old]
    assert unused_containers([make_seen(old, new, ready=False)]) == [old, new]
    assert unused_containers([make_seen(exited(), running(attempt=1))]) == [exited()]
