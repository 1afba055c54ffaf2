"""What is told of use: how it is read and measured, and the texts for Prometheus."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kubelet.cgroups.detail import parse_blkio, parse_io_stat, parse_pressure
from kubelet.cgroups.scraped import Processes, Scraped, Spec
from kubelet.cgroups.usage import parse_net_dev, read_usage
from kubelet.node.machine import Machine
from kubelet.probes.history import ProbeHistory
from kubelet.probes.outcome import Attempt, Outcome, ProbeKind
from kubelet.runtime.usage import (
    ContainerDisk,
    ContainerUsage,
    DeviceUse,
    InterfaceUsage,
    Pressure,
    UsageDetail,
)
from kubelet.stats.cadvisor import Scrape, cadvisor_metrics
from kubelet.stats.claims import inspect_claims, volume_metrics
from kubelet.stats.disk import DiskUsage
from kubelet.stats.exposition import resource_metrics
from kubelet.stats.families import Family, text_of
from kubelet.stats.filesystems import DiskIo, MountedFilesystem
from kubelet.stats.pods import PodStatsProvider
from kubelet.stats.probes import probe_metrics
from kubelet.stats.summary import Summary
from kubelet.volumes.mounted import MountedVolume
from tests.unit.kubelet.builders import make_pod
from tests.unit.kubelet.stats_samples import DISK, ETH0, NODE, POD, PRESSURE, STATS, STATUS, USAGE
from tests.unit.kubelet.world import EPOCH


def test_resource_metrics_are_upstreams() -> None:
    text = resource_metrics([(POD, STATS)], ContainerUsage(2_000_000_000, 0, 4096, 0), 1000.0)
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    assert samples == [
        'container_cpu_usage_seconds_total{container="web",namespace="shop",pod="cart"} 1.5 1000000',
        'container_memory_working_set_bytes{container="web",namespace="shop",pod="cart"} 200 1000000',
        'container_start_time_seconds{container="web",namespace="shop",pod="cart"} 1767225600.0',
        'container_swap_usage_bytes{container="web",namespace="shop",pod="cart"} 0 1000000',
        "node_cpu_usage_seconds_total 2.0 1000000",
        "node_memory_working_set_bytes 4096 1000000",
        "node_swap_usage_bytes 0 1000000",
        'pod_cpu_usage_seconds_total{namespace="shop",pod="cart"} 1.5 1000000',
        'pod_memory_working_set_bytes{namespace="shop",pod="cart"} 200 1000000',
        'pod_swap_usage_bytes{namespace="shop",pod="cart"} 0 1000000',
        "resource_scrape_error 0",
    ]


MACHINE = Machine(
    cpus=2, memory=4096, disk=1, machine_id="m", system_uuid="s", boot_id="b", cores=1, sockets=1
)
ROOT = 'container="",id="/",image="",name="",namespace="",pod=""'
ROOT_CPU = ROOT.replace("id=", 'cpu="total",id=')
ROOT_NETWORK = ROOT.replace("name=", 'interface="eth0",name=')
ROOT_DISK = ROOT.replace("id=", 'device="/dev/sda",id=')
OWN = 'container="web",id="/kubepods/p/1",image="busybox:1",name="1",namespace="shop",pod="cart"'
CPU = OWN.replace("id=", 'cpu="total",id=')
DEVICE = OWN.replace("id=", 'device="/dev/sda",id=')
FAILURES = OWN.replace("id=", 'failure_type="pgfault",id=') + ',scope="container"'
TRANSFER = OWN.replace("id=", 'device="0:0",id=').replace("name=", 'major="0",minor="0",name=')
TRANSFER = TRANSFER.replace("pod=", 'operation="Read",pod=')
NETWORK = 'interface="eth0",namespace="shop",pod="cart"'


SEEN = Scraped(
    Spec(512, 100_000, 50_000, 1000, 2000, 300),
    Processes(3, 5, 2, 1024),
    *(40, 64, 5, 6, 7, 1),
    transfers={"0:0": {"Read": 11}},
    created=9.5,
)
SCRAPE = Scrape(
    1.0,
    MACHINE,
    ContainerUsage(2_000_000_000, 0, 4096, 0),
    [MountedFilesystem("/dev/sda", DISK, DiskIo(*range(1, 12)))],
    [ETH0, InterfaceUsage("veth1", *[0] * 8), InterfaceUsage("docker0", *[0] * 8)],
    {"/kubepods/p/1": SEEN, "/kubepods/p": SEEN},
)


def cadvisor(scrape: Scrape = SCRAPE) -> list[str]:
    return cadvisor_metrics([(make_pod(status=STATUS), STATS)], scrape).splitlines()


@pytest.mark.parametrize(
    "line",
    [
        'machine_cpu_cores{boot_id="b",machine_id="m",system_uuid="s"} 2',
        f"container_cpu_usage_seconds_total{{{ROOT_CPU}}} 2.0 1000",
        f"container_memory_working_set_bytes{{{ROOT}}} 4096 1000",
        f"container_fs_inodes_free{{{ROOT_DISK}}} 60 1000",
        f"container_fs_inodes_total{{{ROOT_DISK}}} 100 1000",
        f"container_fs_limit_bytes{{{ROOT_DISK}}} 1000 1000",
        f"container_fs_usage_bytes{{{ROOT_DISK}}} 550 1000",
        f"container_fs_sector_reads_total{{{ROOT_DISK}}} 3 1000",
        f"container_fs_write_seconds_total{{{ROOT_DISK}}} 0.008 1000",
        f"container_fs_io_time_weighted_seconds_total{{{ROOT_DISK}}} 0.011 1000",
        f"container_network_receive_bytes_total{{{ROOT_NETWORK}}} 10 1000",
        'machine_cpu_physical_cores{boot_id="b",machine_id="m",system_uuid="s"} 1',
        'machine_nvm_capacity{boot_id="b",machine_id="m",mode="memory_mode",system_uuid="s"} 0',
        f"container_processes{{{OWN}}} 3 1000",
        f"container_threads{{{OWN}}} 3 1000",
        f"container_threads_max{{{OWN}}} 40 1000",
        f"container_file_descriptors{{{OWN}}} 5 1000",
        f"container_sockets{{{OWN}}} 2 1000",
        f'container_ulimits_soft{{{OWN},ulimit="max_open_files"}} 1024 1000',
        f"container_memory_kernel_usage{{{OWN}}} 64 1000",
        f"container_memory_total_active_file_bytes{{{OWN}}} 5 1000",
        f'container_tasks_state{{{OWN},state="running"}} 0 1000',
        f"container_cpu_load_average_10s{{{OWN}}} 0 1000",
        f"container_memory_failures_total{{{FAILURES}}} 7 1000",
        f"container_blkio_device_usage_total{{{TRANSFER}}} 11 1000",
        f"container_spec_memory_swap_limit_bytes{{{OWN}}} 2000",
        f"container_spec_memory_reservation_limit_bytes{{{OWN}}} 300",
        "container_scrape_error 0",
        f"container_cpu_usage_seconds_total{{{CPU}}} 1.5 1000",
        f"container_cpu_user_seconds_total{{{OWN}}} 1.0 1000",
        f"container_cpu_cfs_throttled_seconds_total{{{OWN}}} 0.5 1000",
        f"container_memory_cache{{{OWN}}} 50 1000",
        f"container_fs_usage_bytes{{{OWN}}} 1100 1000",
        f"container_fs_reads_bytes_total{{{DEVICE}}} 1 1000",
        f"container_fs_writes_total{{{DEVICE}}} 4 1000",
        f"container_spec_cpu_shares{{{OWN}}} 512",
        f"container_spec_cpu_quota{{{OWN}}} 50000",
        f"container_spec_memory_limit_bytes{{{OWN}}} 1000",
        f"container_start_time_seconds{{{OWN}}} 1767225600.0",
        f"container_network_receive_bytes_total{{{NETWORK}}} 10 1000",
        f"container_network_transmit_packets_total{{{NETWORK}}} 3 1000",
        f"container_pressure_memory_waiting_seconds_total{{{OWN}}} 2.0 1000",
        f"container_pressure_io_stalled_seconds_total{{{OWN}}} 0.0 1000",
        f"container_pressure_cpu_waiting_seconds_total{{{OWN}}} 0.0 1000",
    ],
)
def test_cadvisors_metrics_bear_its_names_and_labels(line: str) -> None:
    assert line in cadvisor()


def test_cadvisor_tells_of_a_pods_cgroup_too() -> None:
    own = replace(USAGE, cgroup="/kubepods/p", cpu_nanoseconds=2_000_000_000)
    text = cadvisor_metrics([(POD, replace(STATS, own=own))], SCRAPE)
    labels = 'id="/kubepods/p",image="",name="",namespace="shop",pod="cart"'
    assert f'container_cpu_usage_seconds_total{{container="",cpu="total",{labels}}} 2.0 1000\n' in text
    assert f'container_pressure_memory_waiting_seconds_total{{container="",{labels}}} 2.0 1000\n' in text
    assert f'container_start_time_seconds{{container="",{labels}}} 9\n' in text


def test_who_has_no_quota_is_not_throttled() -> None:
    seen = replace(SEEN, spec=Spec(2, 100_000))
    told = cadvisor(replace(SCRAPE, groups={"/kubepods/p/1": seen}))
    assert not any("_cfs_" in line or "cpu_quota" in line for line in told)


def test_of_a_cgroup_that_is_just_gone_only_its_use_is_told() -> None:
    told = cadvisor(replace(SCRAPE, groups={}))
    assert not any("_spec_" in line or "_processes" in line for line in told)
    assert f"container_memory_cache{{{OWN}}} 50 1000" in told


def test_links_to_pods_are_no_devices_of_the_machine() -> None:
    assert not any("veth1" in line or "docker0" in line for line in cadvisor())


def test_pressure_is_told_unless_its_gate_is_off() -> None:
    assert not any("pressure" in line for line in cadvisor(replace(SCRAPE, tells_pressure=False)))


def test_labels_are_escaped_and_empty_families_left_out() -> None:
    family = Family("m", "gauge", "h")
    family.add({"l": 'a"b\\c\n'}, 1)
    expected = '# HELP m h\n# TYPE m gauge\nm{l="a\\"b\\\\c\\n"} 1\n'
    assert text_of([family, Family("none", "gauge", "h")]) == expected


BOUNDS = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf")


def test_probes_are_counted_and_timed_by_pod_and_result() -> None:
    history = ProbeHistory(lambda: EPOCH)
    for outcome in (Outcome.SUCCESS, Outcome.WARNING, Outcome.FAILURE, Outcome.UNKNOWN):
        history.attempted("u1", "web", ProbeKind.READINESS, Attempt(outcome), 30.0)
    seconds, results = probe_metrics([POD], history)
    labels = 'container="web",namespace="shop",pod="cart",pod_uid="u1",probe_type="Readiness"'
    assert sorted(results.samples) == [
        f'prober_probe_total{{{labels},result="failed"}} 1',
        f'prober_probe_total{{{labels},result="successful"}} 2',
    ]
    labels = 'namespace="shop",pod="cart",probe_type="Readiness"'
    assert seconds.samples == [
        *(
            f'prober_probe_duration_seconds_bucket{{container="web",le="{bound}",{labels}}} {count}'
            for bound, count in zip(BOUNDS, [0, 0, 0, *[2] * 9], strict=True)
        ),
        f'prober_probe_duration_seconds_sum{{container="web",{labels}}} 0.06',
        f'prober_probe_duration_seconds_count{{container="web",{labels}}} 2',
    ]


def test_claims_are_told_of_by_name(tmp_path: Path) -> None:
    volumes = [
        {"name": "data", "persistentVolumeClaim": {"claimName": "c"}},
        {"name": "own", "ephemeral": {}},
        {"name": "scratch", "emptyDir": {}},
    ]
    pod = make_pod(volumes=volumes)
    mounted = {name: MountedVolume(str(tmp_path)) for name in ("data", "own", "scratch")}
    found = list(inspect_claims(pod, mounted))
    assert [(each.volume, each.claim.name) for each in found] == [("data", "c"), ("own", "cart-own")]
    claim = replace(found[0], filesystem=DISK)
    assert 'kubelet_volume_stats_used_bytes{namespace="shop",persistentvolumeclaim="c"} 550\n' in text_of(
        volume_metrics([claim, claim])
    )
    summary = Summary("n1", NODE, "T", {}, {"u1": [claim]}).build([(pod, STATS)])
    assert summary["pods"][0]["volume"][-1]["pvcRef"] == {"name": "c", "namespace": "shop"}


def test_a_volume_in_memory_is_told_with_what_is_left_of_that() -> None:
    memory = replace(DISK, capacity=64, available=60)
    stats = replace(STATS, other_volumes={"s": DiskUsage(4, 1)}, filesystems={"s": memory})
    summary = Summary("n1", NODE, "T", {}, {}).build([(make_pod(), stats)])
    (told,) = (each for each in summary["pods"][0]["volume"] if each["name"] == "s")
    assert (told["usedBytes"], told["capacityBytes"], told["availableBytes"]) == (4, 64, 60)


class Slow:
    """An engine that takes two seconds to measure a disk."""

    def __init__(self) -> None:
        self.time, self.measured = 0.0, 0

    async def usage(self) -> dict[str, ContainerUsage]:
        return {"docker://1": USAGE}

    async def network_usage(self, uids: list[str]) -> dict[str, list[InterfaceUsage]]:
        return {}

    async def disk_usage(self, ids: list[str]) -> dict[str, ContainerDisk]:
        self.time += 2.0
        self.measured += 1
        return {each: ContainerDisk(DiskUsage(1, 1)) for each in ids}


async def test_what_takes_long_to_measure_is_measured_less_often(tmp_path: Path) -> None:
    slow = Slow()
    provider = PodStatsProvider(slow, tmp_path, lambda: slow.time)  # type: ignore[arg-type]
    for _ in range(12):
        stats = await provider.stats([POD], max_age=0.0)
        slow.time += 10.0
    assert stats["u1"].disk == DiskUsage(1, 1)
    assert slow.measured == 3


class Quick(Slow):
    """One that takes no time."""

    async def disk_usage(self, ids: list[str]) -> dict[str, ContainerDisk]:
        self.measured += 1
        return {}


@pytest.mark.parametrize(
    ("period", "measured", "volumes"),
    [(60.0, 2, {"v"}), (10.0, 9, {"v"}), (-1.0, 2, set())],
    ids=["a minute", "the period", "volumes never"],
)
async def test_disks_are_measured_once_a_period(
    tmp_path: Path, period: float, measured: int, volumes: set[str]
) -> None:
    (tmp_path / "pods" / "u1" / "volumes" / "kubernetes.io~empty-dir" / "v").mkdir(parents=True)
    pod = {**POD, "spec": {**POD["spec"], "volumes": [{"name": "v", "emptyDir": {}}]}}
    quick = Quick()
    provider = PodStatsProvider(quick, tmp_path, lambda: quick.time, period)  # type: ignore[arg-type]
    for _ in range(9):
        stats = await provider.stats([pod])
        quick.time += 10.0
    assert (quick.measured, set(stats["u1"].volumes)) == (measured, volumes)


NET_DEV = """\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 7909       25    0    0    0     0          0         0 7909       25    0    0    0     0       0          0
  eth0: 10 2 1 0 0 0 0 0 20 3 2 0 0 0 0 0
"""  # noqa: E501 - as the kernel writes it


def test_devices_of_a_network_namespace() -> None:
    assert parse_net_dev(NET_DEV) == [ETH0]


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_use_is_read_from_cgroups_of_version_1(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "proc/7/cgroup": "5:blkio:/k\n4:memory:/k\n3:cpu,cpuacct:/k\n2:pids:/k\n",
            "memory/k/memory.stat": "total_inactive_file 10\ntotal_rss 30\n"
            "total_pgfault 5\ntotal_pgmajfault 1\ntotal_cache 8\n",
            "memory/k/memory.usage_in_bytes": "100\n",
            "memory/k/memory.max_usage_in_bytes": "120\n",
            "memory/k/memory.limit_in_bytes": "500\n",
            "memory/k/memory.memsw.limit_in_bytes": "700\n",
            "memory/k/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
            "cpuacct/k/cpuacct.usage": "999\n",
            "cpuacct/k/cpuacct.stat": "user 3\nsystem 2\n",
            "cpu/k/cpu.stat": "nr_periods 9\nnr_throttled 4\nthrottled_time 70\n",
            "blkio/k/blkio.throttle.io_service_bytes_recursive": "0:0 Read 11\n0:0 Write 12\nTotal 23\n",
            "blkio/k/blkio.throttle.io_serviced_recursive": "0:0 Read 1\n0:0 Write 2\nTotal 3\n",
            "pids/k/pids.current": "4\n",
        },
    )
    detail = UsageDetail(
        cpu_user=30_000_000,
        cpu_system=20_000_000,
        periods=9,
        throttled_periods=4,
        throttled=70,
        cache=8,
        swap_limit=200,
        most_memory=120,
        oom_kills=2,
        devices={"0:0": DeviceUse(11, 12, 1, 2)},
    )
    expected = ContainerUsage(999, 100, 90, 30, 4, 5, 1, 500, "/k", detail)
    assert read_usage(7, proc=tmp_path / "proc", root=tmp_path) == expected


def test_what_is_gone_has_no_use(tmp_path: Path) -> None:
    assert read_usage(7, proc=tmp_path, root=tmp_path) is None


SOME = "some avg10=1.50 avg60=0.50 avg300=0.10 total=2000000\n"
FULL = "full avg10=0.50 avg60=0.20 avg300=0.00 total=1000000\n"


def test_use_is_read_from_cgroups_of_version_2(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "proc/7/cgroup": "0::/k\n",
            "k/memory.stat": "inactive_file 10\nanon 30\npgfault 5\npgmajfault 1\nfile 8\nfile_mapped 6\n",
            "k/memory.current": "100\n",
            "k/memory.peak": "120\n",
            "k/memory.swap.current": "9\n",
            "k/memory.swap.max": "20\n",
            "k/memory.max": "500\n",
            "k/memory.events": "low 0\nhigh 0\nmax 3\noom 1\noom_kill 2\n",
            "k/memory.pressure": SOME + FULL,
            "k/cpu.pressure": SOME,
            "k/cpu.stat": "usage_usec 3\nuser_usec 2\nsystem_usec 1\nnr_periods 9\nnr_throttled 4\n"
            "throttled_usec 7\n",
            "k/io.stat": "0:0 rbytes=11 wbytes=12 rios=1 wios=2 dbytes=0 dios=0\n",
            "k/pids.current": "4\n",
        },
    )
    detail = UsageDetail(
        *(2000, 1000, 9, 4, 7000),
        *(8, 6, 9, 20, 120, 3, 2),
        devices={"0:0": DeviceUse(11, 12, 1, 2)},
    )
    some = PRESSURE["memory"].some
    expected = ContainerUsage(
        *(3000, 100, 90, 30, 4, 5, 1),
        memory_limit=500,
        cgroup="/k",
        detail=detail,
        pressure={"memory": PRESSURE["memory"], "cpu": Pressure(some)},
    )
    assert read_usage(7, proc=tmp_path / "proc", root=tmp_path) == expected


def test_the_texts_of_the_kernel_may_be_empty() -> None:
    assert (parse_blkio("", "Total 0\n"), parse_io_stat(""), parse_pressure("")) == ({}, {}, Pressure())


@pytest.mark.parametrize(
    ("text", "use"),
    [
        pytest.param("251:7 251:8 0:0 rbytes=1 wbytes=2 rios=3 wios=4\n", (1, 2, 3, 4), id="idle before it"),
        pytest.param("0:0 rbytes=1 cost.vrate=100.00 cost.usage=5\n", (1, 0, 0, 0), id="a fraction"),
        pytest.param("0:0\n", None, id="idle"),
    ],
)
def test_odd_lines_of_io_stat_cost_no_container_its_usage(text: str, use: tuple[int, ...] | None) -> None:
    assert parse_io_stat(text) == ({} if use is None else {"0:0": DeviceUse(*use)})
