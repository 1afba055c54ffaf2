"""Where a process's cgroups are, seen from a machine that is a container itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubelet.cgroups.usage import below, parse_roots, read_usage

MOUNTS = """\
117 116 0:51 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,size=4096k
121 117 0:32 /docker/m1 /sys/fs/cgroup/memory rw,relatime master:9 - cgroup cgroup rw,memory
119 117 0:30 /docker/m1 /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
130 117 0:41 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate
"""


def test_a_container_has_mounted_a_part_of_each_hierarchy() -> None:
    roots = parse_roots(MOUNTS)
    seen = {name: roots[name] for name in ("memory", "cpu", "cpuacct", "")}
    assert seen == {"memory": "/docker/m1", "cpu": "/docker/m1", "cpuacct": "/docker/m1", "": "/"}


@pytest.mark.parametrize(
    ("path", "root", "expected"),
    [
        ("/kubepods/a", "/", "/kubepods/a"),
        ("/docker/m1/kubepods/a", "/docker/m1", "/kubepods/a"),
        ("/docker/m1", "/docker/m1", "/"),
        ("/docker/m10/a", "/docker/m1", "/docker/m10/a"),
    ],
)
def test_a_path_is_seen_below_what_is_mounted(path: str, root: str, expected: str) -> None:
    assert below(path, root) == expected


def test_use_is_read_in_a_container(tmp_path: Path) -> None:
    files = {
        "proc/self/mountinfo": MOUNTS,
        "proc/7/cgroup": "4:memory:/docker/m1/k\n2:cpu,cpuacct:/docker/m1/k\n",
        "memory/k/memory.stat": "total_inactive_file 10\n",
        "memory/k/memory.usage_in_bytes": "100\n",
        "cpuacct/k/cpuacct.usage": "999\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    used = read_usage(7, proc=tmp_path / "proc", root=tmp_path)
    assert used is not None
    assert (used.cpu_nanoseconds, used.memory_working_set, used.cgroup) == (999, 90, "/k")
