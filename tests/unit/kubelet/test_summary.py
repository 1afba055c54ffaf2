"""/stats/summary: its shape, and where its nanocores come from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from apimachinery.objects import Object
from kubelet.cgroups.detail import limit_of
from kubelet.cgroups.usage import group_of, pod_group, read_group_cpu
from kubelet.runtime.interface import RuntimeUnavailable
from kubelet.runtime.usage import ContainerUsage, UsageDetail
from kubelet.stats.node import began_after
from kubelet.stats.pods import PodStats
from kubelet.stats.rates import CpuRates, rates
from kubelet.stats.summary import Summary
from tests.unit.kubelet.stats_samples import NODE, POD, PRESSURE, STATS, USAGE

NONE = {"total": 0, "avg10": 0.0, "avg60": 0.0, "avg300": 0.0}
STALLS = {
    "full": {"total": 1_000_000, "avg10": 0.5, "avg60": 0.2, "avg300": 0.0},
    "some": {"total": 2_000_000, "avg10": 1.5, "avg60": 0.5, "avg300": 0.1},
}
FS = {"time": "T", "availableBytes": 400, "capacityBytes": 1000, "inodesFree": 60, "inodes": 100}
_ETH0 = {"name": "eth0", "rxBytes": 10, "rxErrors": 1, "txBytes": 20, "txErrors": 2}
NETWORK = {"time": "T", **_ETH0, "interfaces": [_ETH0]}
SWAP = {"time": "T", "swapUsageBytes": 0}


def cpu(total: int, rate: int) -> Object:
    return {"time": "T", "usageNanoCores": rate, "usageCoreNanoSeconds": total}


def memory(usage: int, working_set: int, rss: int, faults: int = 0, major: int = 0) -> Object:
    return {
        "time": "T", "usageBytes": usage, "workingSetBytes": working_set, "rssBytes": rss,
        "pageFaults": faults, "majorPageFaults": major,
    }  # fmt: skip


WEB = {
    "name": "web",
    "startTime": "2026-01-01T00:00:00Z",
    "cpu": cpu(1_500_000_000, 7),
    "memory": {**memory(300, 200, 100, 7, 1), "availableBytes": 800, "psi": STALLS},
    "swap": SWAP,
}
IO = {"io": {"time": "T", "psi": {"full": NONE, "some": NONE}}}
CART = {
    "podRef": {"name": "cart", "namespace": "shop", "uid": "u1"},
    "startTime": "2026-01-01T00:00:00Z",
    "cpu": cpu(1_500_000_000, 8),
    "memory": memory(300, 200, 100, 7, 1),
    "swap": SWAP,
}
NANOCORES = {"u1/web": 7, "u1": 8, "node": 9, "node/pods": 6}


def summary(*, stats: PodStats = STATS, is_brief: bool = False) -> Object:
    return Summary("n1", NODE, "T", NANOCORES, is_brief=is_brief).build([(POD, stats)])


def test_the_summary_of_a_node_has_upstreams_shape() -> None:
    images = {**FS, "usedBytes": 550, "inodesUsed": 40}
    assert summary()["node"] == {
        "nodeName": "n1",
        "startTime": "1970-01-01T00:00:00Z",
        "systemContainers": [
            {
                "name": "kubelet",
                "startTime": "1970-01-01T00:00:03Z",
                "cpu": cpu(1, 0),
                "memory": memory(0, 0, 0),
                "swap": SWAP,
            },
            {
                "name": "pods",
                "startTime": "1970-01-01T00:00:00Z",
                "cpu": cpu(70, 6),
                "memory": {**memory(30, 20, 10), "availableBytes": 80},
                "swap": SWAP,
            },
        ],
        "cpu": cpu(9, 9),
        "memory": {**memory(30, 20, 10), "availableBytes": 80},
        "swap": {"time": "T", "swapAvailableBytes": 4, "swapUsageBytes": 1},
        "network": NETWORK,
        "fs": images,
        "runtime": {"imageFs": images, "containerFs": images},
        "rlimit": {"time": "T", "maxpid": 32768, "curproc": 5},
    }


def test_the_summary_of_a_pod_has_upstreams_shape() -> None:
    disks = {
        "rootfs": {**FS, "usedBytes": 1000, "inodesUsed": 5},
        "logs": {**FS, "usedBytes": 100, "inodesUsed": 1},
    }
    assert summary()["pods"] == [
        {
            **CART,
            "containers": [{**WEB, **IO, **disks}],
            "network": NETWORK,
            "volume": [
                {**FS, "usedBytes": 10, "inodesUsed": 2, "name": "scratch"},
                {**FS, "usedBytes": 4, "inodesUsed": 1, "name": "token"},
            ],
            "ephemeral-storage": {**FS, "usedBytes": 1110, "inodesUsed": 8},
            "process_stats": {"process_count": 3},
        }
    ]


def test_who_asks_for_processors_and_memory_gets_nothing_else() -> None:
    found = summary(stats=PodStats(STATS.usage), is_brief=True)
    assert found["pods"] == [{**CART, "containers": [WEB]}]
    assert set(found["node"]) == {"nodeName", "startTime", "systemContainers", "cpu", "memory", "swap"}


def test_a_pod_is_its_cgroup_where_it_has_one() -> None:
    own = ContainerUsage(
        *(2_000_000_000, 400, 300, 110),
        memory_limit=1000,
        pressure=PRESSURE,
        detail=UsageDetail(swap_limit=9),
    )
    (found,) = summary(stats=replace(STATS, own=own))["pods"]
    assert {key: found[key] for key in ("cpu", "memory", "io", "swap")} == {
        "cpu": cpu(2_000_000_000, 8),
        "memory": {**memory(400, 300, 110), "availableBytes": 700, "psi": STALLS},
        **IO,
        "swap": {**SWAP, "swapAvailableBytes": 9},
    }


def test_rates_are_of_what_was_seen_twice_and_has_not_begun_anew() -> None:
    before, after = {"grew": 100, "anew": 900, "gone": 1}, {"grew": 300, "anew": 50, "new": 5}
    assert rates(before, after, 2.0) == {"grew": 100}


class Engine:
    """Its one container lives in a cgroup that is there, and in one that is gone."""

    groups: dict[str, str] | None = None

    async def cgroups(self) -> dict[str, str]:
        if self.groups is None:
            raise RuntimeUnavailable("away")
        return self.groups


async def test_the_node_has_nanocores_though_the_engine_is_away() -> None:
    seconds = iter([0.0, 10.0])
    sampler = CpuRates(Engine(), lambda: USAGE, lambda: next(seconds))  # type: ignore[arg-type]
    for _ in range(2):
        await sampler.look([POD])
    assert (sampler.latest.keys() - {"node/kubelet"}, sampler.latest["node/pods"]) == (
        {"node", "node/pods"},
        0,
    )


@pytest.mark.parametrize(
    ("file", "text"),
    [
        pytest.param("cpuacct/kubepods/podu1/1/cpuacct.usage", "3000\n", id="version 1"),
        pytest.param("kubepods/podu1/1/cpu.stat", "usage_usec 3\nuser_usec 2\n", id="version 2"),
    ],
)
def test_a_counter_is_read_alone(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text(text)
    found = [read_group_cpu(f"/kubepods/podu1/{each}", tmp_path) for each in ("1", "2")]
    assert found == [3000, None]


@pytest.mark.parametrize(
    ("text", "expected"), [("max\n", None), ("9223372036854771712\n", None), ("0\n", 0), ("", None)]
)
def test_no_limit_is_told_in_two_ways(tmp_path: Path, text: str, expected: int | None) -> None:
    (tmp_path / "limit").write_text(text)
    assert limit_of(tmp_path / "limit") == expected


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        ("/kubepods/burstable/podu1/c", "/kubepods/burstable/podu1"),
        ("/kubepods.slice/kubepods-podu1.slice/docker-c.scope", "/kubepods.slice/kubepods-podu1.slice"),
        ("/docker/c", ""),
        ("/kubepods/podu2/c", ""),
    ],
)
def test_a_pods_cgroup_is_above_its_containers(container: str, expected: str) -> None:
    assert pod_group(container, "u1") == expected


def test_a_process_that_is_gone_has_no_cgroup(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/cgroup").write_text("4:memory:/k\n3:cpu,cpuacct:/k\n")
    assert [group_of(each, proc=tmp_path) for each in (7, 8)] == ["/k", None]


def test_when_a_process_began_is_told_behind_its_name() -> None:
    fields = " ".join(["S", *["0"] * 18, "450", "1"])
    assert began_after(f"7 (a ) b) {fields}", 100) == 4.5
