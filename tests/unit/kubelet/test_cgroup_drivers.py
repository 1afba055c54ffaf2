"""Limits as the files of the kernel, and as the properties of systemd's slices."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from apimachinery.pods import BURSTABLE, GUARANTEED
from kubelet.cgroups import names
from kubelet.cgroups.drivers import SystemdDriver, open_files, systemd_home
from kubelet.cgroups.limits import Limits
from kubelet.cgroups.systemd import INFINITY, Systemd
from kubelet.cgroups.v1 import SeparateHierarchies, files_v1, parse_mounts_v1, shared_trees
from kubelet.cgroups.v2 import UnifiedHierarchy, files_v2, find_mount_v2, weight
from tests.unit.kubelet.cgroup_files import CgroupFiles

MIB = 1 << 20
TOP = ("kubepods",)

LIMITS = Limits(512, 50_000, 64 * MIB, 100, {2 * MIB: 8 * MIB, 1 << 30: 0})


def test_limits_as_the_files_of_version_1() -> None:
    assert list(files_v1(LIMITS)) == [
        ("cpu", "cpu.shares", "512"),
        ("cpu", "cpu.cfs_period_us", "100000"),
        ("cpu", "cpu.cfs_quota_us", "50000"),
        ("memory", "memory.limit_in_bytes", "67108864"),
        ("pids", "pids.max", "100"),
        ("hugetlb", "hugetlb.2MB.limit_in_bytes", "8388608"),
        ("hugetlb", "hugetlb.1GB.limit_in_bytes", "0"),
    ]
    assert [text for _, _, text in files_v1(Limits())] == ["2", "100000", "-1", "-1", "max"]


def test_limits_as_the_files_of_version_2() -> None:
    assert list(files_v2(LIMITS)) == [
        ("cpu.weight", "20"),
        ("cpu.max", "50000 100000"),
        ("memory.max", "67108864"),
        ("pids.max", "100"),
        ("hugetlb.2MB.max", "8388608"),
        ("hugetlb.1GB.max", "0"),
    ]
    assert [text for _, text in files_v2(Limits())] == ["1", "max 100000", "max", "max"]
    assert [weight(each) for each in (0, 2, 1024, 262144)] == [1, 1, 39, 10_000]


V1_MOUNTS = """proc /proc proc rw 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,nosuid,relatime,memory 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0
cgroup /sys/fs/cgroup/systemd cgroup rw,relatime,name=systemd 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0
"""


def test_the_kernels_version_is_told_by_what_is_mounted() -> None:
    assert parse_mounts_v1(V1_MOUNTS) == {
        "memory": Path("/sys/fs/cgroup/memory"),
        "cpu": Path("/sys/fs/cgroup/cpu,cpuacct"),
        "cpuacct": Path("/sys/fs/cgroup/cpu,cpuacct"),
        "name=systemd": Path("/sys/fs/cgroup/systemd"),
        "unified": Path("/sys/fs/cgroup/unified"),
    }
    assert find_mount_v2(V1_MOUNTS) is None
    assert find_mount_v2("cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n") == Path("/sys/fs/cgroup")
    with pytest.raises(FileNotFoundError):
        open_files("proc /proc proc rw 0 0\n")


def kernel_file(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_version_1_keeps_a_tree_for_each_controller(tmp_path: Path) -> None:
    mounts = {name: tmp_path / name for name in ("cpu", "memory", "freezer")}
    files = SeparateHierarchies(mounts)
    files.create("kubepods/poda")
    assert files.exists("kubepods/poda")
    assert not (tmp_path / "freezer/kubepods").exists()
    shares = kernel_file(tmp_path / "cpu/kubepods/cpu.shares")
    for name in ("cpu/kubepods/cpu.cfs_period_us", "cpu/kubepods/cpu.cfs_quota_us"):
        kernel_file(tmp_path / name)
    kernel_file(tmp_path / "memory/kubepods/memory.limit_in_bytes")
    files.write("kubepods", Limits(77, pids=5))
    assert shares.read_text() == "77"

    (tmp_path / "freezer/kubepods/poda/container").mkdir(parents=True)
    assert files.children("kubepods") == ["kubepods/poda"]
    files.remove("kubepods/poda")
    files.remove("kubepods/poda")
    assert files.children("kubepods") == []


def test_whatever_runs_in_a_cgroup_is_killed(tmp_path: Path) -> None:
    """The kernel tells 0 of processes that are outside of our pid namespace."""
    top = kernel_file(tmp_path / "v2/cgroup.controllers").parent
    mounts = {name: tmp_path / name for name in ("cpu", "memory")}
    for files, place in ((SeparateHierarchies(mounts), "memory"), (UnifiedHierarchy(top), "v2")):
        process = subprocess.Popen(["sleep", "60"])
        kernel_file(tmp_path / place / "kubepods/poda/c1/cgroup.procs", f"0\n{process.pid}\n")
        assert files.kill("kubepods/poda") == {process.pid}
        assert process.wait(10) == -signal.SIGKILL
        assert files.kill("kubepods/poda") == {process.pid}  # it is no more, which is no error


def test_pods_of_other_machines_are_left_alone(tmp_path: Path) -> None:
    """A machine that is a container, on a host whose engine gives it no part of its own of every tree."""
    mounts = {name: tmp_path / name for name in ("memory", "hugetlb", "unified")}
    roots = {"memory": "/docker/m1", "hugetlb": "/", "": "/"}
    assert (shared_trees(roots), shared_trees({"memory": "/", "hugetlb": "/"})) == (
        {"hugetlb", "unified"},
        set(),
    )
    files = SeparateHierarchies(mounts, shared_trees(roots))
    files.create("kubepods/poda")
    (tmp_path / "hugetlb/kubepods/podb").mkdir()
    assert files.children("kubepods") == ["kubepods/poda"]
    files.remove("kubepods/poda")
    assert not (tmp_path / "hugetlb/kubepods/poda").exists()


def test_version_2_lends_its_controllers_from_level_to_level(tmp_path: Path) -> None:
    for where in (tmp_path, tmp_path / "kubepods"):
        kernel_file(where / "cgroup.controllers", "cpu memory pids rdma")
        kernel_file(where / "cgroup.subtree_control", "cpu pids" if where == tmp_path else "cpu memory pids")
    files = UnifiedHierarchy(tmp_path)
    files.create("kubepods/poda")
    assert files.exists("kubepods/poda")
    assert (tmp_path / "cgroup.subtree_control").read_text().startswith("+memory")
    assert (tmp_path / "kubepods/cgroup.subtree_control").read_text() == "cpu memory pids"

    for name in ("cpu.weight", "cpu.max", "memory.max", "pids.max"):
        kernel_file(tmp_path / "kubepods/poda" / name)
    files.write("kubepods/poda", LIMITS)  # huge pages, that this kernel does not have, are left out
    assert (tmp_path / "kubepods/poda/memory.max").read_text() == "67108864"
    assert files.children("kubepods") == ["kubepods/poda"]


def test_huge_pages_of_a_container_are_limited_before_it_starts(tmp_path: Path) -> None:
    v1 = SeparateHierarchies({"hugetlb": tmp_path / "v1", "memory": tmp_path / "memory"})
    file = kernel_file(tmp_path / "v1/kubepods/poda/c/hugetlb.2MB.limit_in_bytes")
    v1.limit_hugepages("kubepods/poda/c", {2 * MIB: 8 * MIB})
    assert file.read_text() == "8388608"
    assert not (tmp_path / "memory").exists()

    for where in ("v2", "v2/kubepods", "v2/kubepods/poda"):
        kernel_file(tmp_path / where / "cgroup.controllers", "hugetlb")
        kernel_file(tmp_path / where / "cgroup.subtree_control", "hugetlb")
    file = kernel_file(tmp_path / "v2/kubepods/poda/c/hugetlb.1GB.max")
    UnifiedHierarchy(tmp_path / "v2").limit_hugepages("kubepods/poda/c", {1 << 30: 1 << 31})
    assert file.read_text() == "2147483648"


def test_systemd_is_asked_for_slices_with_their_limits() -> None:
    asked: list[list[str]] = []
    driver = SystemdDriver(CgroupFiles(), Systemd(False, asked.append))
    name = names.of_pod(TOP, BURSTABLE, "a-b")
    driver.apply(name, Limits(512, 50_000, 64 * MIB))
    assert driver.parent(name) == "kubepods-burstable-poda_b.slice"
    assert asked[0][4:] == [
        "org.freedesktop.systemd1.Manager", "StartTransientUnit", "ssa(sv)a(sa(sv))",
        "kubepods-burstable-poda_b.slice", "replace", "4",
        "CPUShares", "t", "512", "CPUQuotaPerSecUSec", "t", "500000",
        "MemoryLimit", "t", "67108864", "TasksMax", "t", str(INFINITY), "0",
    ]  # fmt: skip


def test_systemd_changes_a_slice_that_is_there_and_stops_it() -> None:
    asked: list[list[str]] = []
    files, name = CgroupFiles(), names.of_pod(TOP, GUARANTEED, "a")
    driver = SystemdDriver(files, Systemd(True, asked.append))
    files.create(driver.path(name))
    driver.apply(name, Limits(512))
    assert asked[0][5:9] == ["SetUnitProperties", "sba(sv)", "kubepods-poda.slice", "true"]
    assert asked[0][9:13] == ["4", "CPUWeight", "t", "20"]
    assert "MemoryMax" in asked[0]
    driver.remove(driver.path(name))
    driver.remove(driver.path(name))
    assert [each[5:] for each in asked[1:]] == [["StopUnit", "ss", "kubepods-poda.slice", "replace"]]
    assert files.limits == {}


@pytest.mark.parametrize(
    ("text", "home"),
    [
        ("4:memory:/\n1:name=systemd:/init.scope\n", ""),
        ("0::/init.scope\n", ""),
        ("4:memory:/docker/abc\n1:name=systemd:/docker/abc/init.scope\n", "docker/abc"),
        ("0::/machine/abc/init.scope\n", "machine/abc"),
    ],
)
def test_in_a_container_systemds_tree_does_not_begin_at_the_top(text: str, home: str) -> None:
    assert systemd_home(text) == home
    driver = SystemdDriver(CgroupFiles(), Systemd(True), home)
    assert driver.path(TOP) == f"{home}/kubepods.slice".lstrip("/")
    assert driver.parent(TOP) == "kubepods.slice"


def test_in_a_container_both_trees_are_removed() -> None:
    files = CgroupFiles()
    driver = SystemdDriver(files, Systemd(True, lambda command: None), "docker/abc")
    for path in ("docker/abc/kubepods.slice", "kubepods.slice"):
        files.create(path)
    driver.remove(driver.path(TOP))
    assert files.limits == {}
