"""What a scrape asks of cgroups and of the machine's file systems, out of files of the kernel's form."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import UUID

import pytest

from kubelet.cgroups.scraped import Processes, Spec, parse_open_files, read_scraped, shares_of
from kubelet.stats.filesystems import DiskIo, Mount, inspect_filesystems, parse_diskstats, parse_mounts

V1 = {
    "cpu/p/cpu.shares": "512",
    "cpu/p/cpu.cfs_period_us": "100000",
    "cpu/p/cpu.cfs_quota_us": "-1",
    "cpu/p/cgroup.procs": "12\n7\n",
    "memory/p/memory.limit_in_bytes": "1000",
    "memory/p/memory.memsw.limit_in_bytes": "9223372036854771712",
    "memory/p/memory.soft_limit_in_bytes": "500",
    "memory/p/memory.kmem.usage_in_bytes": "64",
    "memory/p/memory.stat": "pgfault 3\npgmajfault 1\ntotal_pgfault 9\ntotal_active_file 5\n"
    "total_inactive_file 6\n",
    "pids/p/pids.max": "max",
    "blkio/p/blkio.throttle.io_service_bytes_recursive": "0:9 Read 1\n0:9 Write 2\nTotal 3\n",
}
V2 = {
    "p/cpu.weight": "100",
    "p/cpu.max": "50000 100000",
    "p/cgroup.procs": "7\n12\n",
    "p/memory.max": "1000",
    "p/memory.swap.max": "0",
    "p/memory.min": "500",
    "p/memory.stat": "pgfault 3\npgmajfault 1\nactive_file 5\ninactive_file 6\n",
    "p/pids.max": "40",
    "p/io.stat": "0:9 rbytes=1 wbytes=2 rios=3 wios=4\n",
}
LIMITS = "Limit  Soft Limit  Hard Limit  Units\nMax open files            {}      4096     files\n"


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """Two processes: the eldest has a socket and a file open, the other has just ended."""
    descriptors = tmp_path / "proc/7/fd"
    descriptors.mkdir(parents=True)
    os.symlink("socket:[1]", descriptors / "0")
    os.symlink("/dev/null", descriptors / "1")
    return write(tmp_path / "proc", {"7/limits": LIMITS.format(1024), "12/limits": LIMITS.format(1)})


@pytest.mark.parametrize(
    ("files", "spec", "most_threads", "kernel_memory"),
    [
        pytest.param(V1, Spec(512, 100_000, 0, 1000, 0, 500), 0, 64, id="version 1"),
        pytest.param(V2, Spec(2597, 100_000, 50_000, 1000, 0, 500), 40, 0, id="version 2"),
    ],
)
def test_a_cgroup_tells_of_its_settings_and_processes(
    files: dict[str, str], spec: Spec, most_threads: int, kernel_memory: int, tmp_path: Path, proc: Path
) -> None:
    found = read_scraped("/p", root=write(tmp_path / "cgroup", files), proc=proc)
    assert found.spec == spec
    assert found.processes == Processes(2, 2, 1, 1024)
    assert (found.most_threads, found.kernel_memory) == (most_threads, kernel_memory)
    assert (found.active_file, found.inactive_file) == (5, 6)
    assert (found.page_faults, found.major_page_faults) == (3, 1)
    assert found.transfers == {"0:9": {"Read": 1, "Write": 2}}
    assert found.created > 0


def test_of_one_that_is_gone_nothing_is_known(tmp_path: Path, proc: Path) -> None:
    found = read_scraped("/q", root=write(tmp_path / "cgroup", V1), proc=proc)
    assert (found.spec, found.processes, found.created) == (Spec(), Processes(), 0)


@pytest.mark.parametrize(
    ("text", "soft"),
    [(LIMITS.format(1024), 1024), (LIMITS.format("unlimited"), -1), ("", None)],
)
def test_of_limits_it_is_that_of_open_files(text: str, soft: int | None) -> None:
    assert parse_open_files(text) == soft


@pytest.mark.parametrize(("weight", "shares"), [(0, 0), (1, 2), (100, 2597), (10_000, 262_144)])
def test_weights_are_told_as_shares(weight: int, shares: int) -> None:
    assert shares_of(weight) == shares


MOUNTS = f"""\
21 1 0:39 / / rw - overlay overlay rw
22 1 254:0 / /host rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:21 / /proc rw - proc proc rw
24 22 0:25 / /dev/shm rw - tmpfs tmpfs rw
25 22 254:0 /data /data rw - ext4 /dev/vda rw
26 22 0:40 / /var/lib/docker/overlay2/ab/merged rw master:2 - overlay overlay rw
27 22 0:41 / /var/lib/docker/containers/{"ab" * 32}/mounts/shm rw - tmpfs shm rw
28 22 0:42 / /var/lib/kubelet/pods/{UUID(int=1)}/volumes/kubernetes.io~secret/s rw - tmpfs tmpfs rw
"""


def test_a_device_is_told_once_and_no_container_s() -> None:
    assert parse_mounts(MOUNTS) == [
        Mount("overlay_0-39", "/", "0:39"),
        Mount("/dev/vda", "/host", "254:0"),
        Mount("/dev/shm", "/dev/shm", "0:25"),
    ]


def test_blanks_in_a_mount_s_place_are_read() -> None:
    line = r"36 35 8:1 / /mnt/my\040disk\134x rw - ext4 /dev/disk/by-label/my\040disk rw"
    assert parse_mounts(line) == [Mount("/dev/disk/by-label/my disk", r"/mnt/my disk\x", "8:1")]


def test_a_kernel_that_tells_nothing_of_disks_has_file_systems(tmp_path: Path) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self/mountinfo").write_text("36 35 8:1 / / rw - ext4 /dev/sda1 rw\n")
    assert [(each.device, each.io) for each in inspect_filesystems(tmp_path)] == [("/dev/sda1", DiskIo())]


def test_io_of_a_device_is_known_by_its_number() -> None:
    text = " 254       0 vda 1 2 3 4 5 6 7 8 9 10 11 0 0 0 0\n   7       0 short 1\n"
    assert parse_diskstats(text) == {"254:0": DiskIo(*range(1, 12))}
