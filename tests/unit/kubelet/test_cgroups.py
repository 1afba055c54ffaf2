"""The tree of cgroups: names, limits, the kernel's files and systemd's properties; who gets what and when."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from apimachinery.objects import Object
from apimachinery.pods import BEST_EFFORT, BURSTABLE, GUARANTEED
from apimachinery.quantity import Quantity
from kubelet.cgroups import names
from kubelet.cgroups.drivers import CgroupfsDriver, SystemdDriver, open_files, systemd_home
from kubelet.cgroups.limits import (
    UNBOUNDED_HUGEPAGES,
    Limits,
    limits_of_class,
    limits_of_node,
    limits_of_pod,
    wider,
)
from kubelet.cgroups.policy import CgroupPolicy, CgroupPolicyError, policy_of
from kubelet.cgroups.systemd import INFINITY, Systemd
from kubelet.cgroups.tree import CgroupError, CgroupTree
from kubelet.cgroups.v1 import SeparateHierarchies, files_v1, parse_mounts_v1
from kubelet.cgroups.v2 import UnifiedHierarchy, files_v2, find_mount_v2, weight
from kubelet.configuration_defaults import DEFAULTS
from tests.unit.kubelet.builders import make_container, make_pod, make_sidecar
from tests.unit.kubelet.world import Events

MIB = 1 << 20
TOP = ("kubepods",)


@pytest.mark.parametrize(
    ("quality", "directory", "unit", "slices"),
    [
        (GUARANTEED, "kubepods/poda-b", "kubepods-poda_b.slice", "kubepods.slice/kubepods-poda_b.slice"),
        (
            BURSTABLE,
            "kubepods/burstable/poda-b",
            "kubepods-burstable-poda_b.slice",
            "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-poda_b.slice",
        ),
    ],
)
def test_a_pod_has_a_place_by_its_quality_of_service(
    quality: str, directory: str, unit: str, slices: str
) -> None:
    name = names.of_pod(TOP, quality, "a-b")
    assert names.directory(name) == directory
    assert (names.slice_of(name), names.slice_directory(name)) == (unit, slices)
    assert names.uid_in(directory) == names.uid_in(slices) == "a-b"


def test_a_tree_may_begin_below_a_root_and_its_classes_are_no_pods() -> None:
    top = names.all_pods("/my-node/")
    assert names.directory(top) == "my-node/kubepods"
    assert names.slice_directory(top) == "my_node.slice/my_node-kubepods.slice"
    assert [names.uid_in(each) for each in ("kubepods/burstable", "kubepods-burstable.slice")] == ["", ""]


def asking(requests: Object | None = None, limits: Object | None = None) -> Object:
    resources = {"requests": requests, "limits": limits}
    return {"resources": {key: value for key, value in resources.items() if value}}


BOTH = {"cpu": "500m", "memory": "64Mi"}


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        pytest.param(make_pod(), Limits(cpu_shares=2), id="best effort: nothing"),
        pytest.param(
            make_pod(make_container("a", **asking(BOTH, BOTH)), make_container("b", **asking(BOTH, BOTH))),
            Limits(1024, 100_000, 128 * MIB),
            id="guaranteed: the sum",
        ),
        pytest.param(
            make_pod(make_container("a", **asking(BOTH, BOTH)), make_container("b")),
            Limits(cpu_shares=512),
            id="what one container does not limit the pod does not limit",
        ),
        pytest.param(
            make_pod(make_container(**asking({"cpu": "100m"}, {"memory": "64Mi"}))),
            Limits(cpu_shares=102, memory=64 * MIB),
            id="memory may be limited and processors not",
        ),
        pytest.param(
            make_pod(make_container(**asking(BOTH, BOTH)), init=(make_sidecar(**asking(BOTH)),)),
            Limits(cpu_shares=1024),
            id="a sidecar counts among the containers",
        ),
        pytest.param(
            make_pod(make_container("a"), make_container("b"), **asking(BOTH, {"cpu": "2", "memory": "1Gi"})),
            Limits(512, 200_000, 1 << 30),
            id="the pod limits what its containers do not",
        ),
        pytest.param(
            make_pod(make_container(**asking(BOTH, BOTH)), overhead={"cpu": "500m", "memory": "64Mi"}),
            Limits(1024, 100_000, 128 * MIB),
            id="overhead belongs to the pod",
        ),
        pytest.param(
            make_pod(make_container(**asking({"cpu": "1m"}, {"cpu": "1m"}))),
            Limits(2, 1000),
            id="the kernel takes no less",
        ),
    ],
)
def test_a_pod_may_have_what_its_containers_may(pod: Object, expected: Limits) -> None:
    assert limits_of_pod(pod) == expected


def test_processes_and_huge_pages_are_limited_for_every_pod() -> None:
    sizes = (2 * MIB, 1024 * MIB)
    assert limits_of_pod(make_pod(), pids=100, page_sizes=sizes) == Limits(
        pids=100, hugepages={2 * MIB: 0, 1024 * MIB: 0}
    )
    huge = {"hugepages-2Mi": "8Mi", "memory": "64Mi"}
    pod = make_pod(make_container(**asking(huge, huge)))
    assert limits_of_pod(pod, page_sizes=sizes).hugepages == {2 * MIB: 8 * MIB, 1024 * MIB: 0}
    assert limits_of_pod(make_pod(make_container(**asking(BOTH, BOTH))), enforce_cpu=False).cpu_quota == 0


def test_burstable_pods_get_together_what_they_have_asked_for() -> None:
    burstable = make_pod(make_container(**asking({"cpu": "750m"})))
    pods = [burstable, burstable, make_pod(), make_pod(make_container(**asking(BOTH, BOTH)))]
    unbounded = {2 * MIB: UNBOUNDED_HUGEPAGES}
    assert limits_of_class(BURSTABLE, pods, (2 * MIB,)) == Limits(1536, hugepages=unbounded)
    assert limits_of_class(BEST_EFFORT, pods, (2 * MIB,)) == Limits(2, hugepages=unbounded)


def test_all_pods_get_the_node_without_what_is_reserved() -> None:
    capacity = {"cpu": "4", "memory": "8Gi", "pid": "1000", "pods": "110", "hugepages-2Mi": "1Gi"}
    reserved = {"cpu": Quantity.parse("500m"), "memory": Quantity.parse("1Gi"), "pid": Quantity.parse("100")}
    assert limits_of_node(capacity, reserved, (2 * MIB,)) == Limits(3584, 0, 6 << 30, 900, {2 * MIB: 1 << 30})
    assert limits_of_node({"cpu": "1", "memory": "1Gi"}, {"cpu": Quantity.parse("2")}).cpu_shares == 2


def test_between_two_sizes_a_pod_has_room_for_both() -> None:
    small, large = Limits(100, 10_000, 64, 0, {1: 5}), Limits(50, 20_000, 0, 7, {1: 3})
    assert wider(small, large) == wider(large, small) == Limits(100, 20_000, 0, 0, {1: 5})


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
    driver = SystemdDriver(Files(), Systemd(False, asked.append))
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
    files, name = Files(), names.of_pod(TOP, GUARANTEED, "a")
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
    driver = SystemdDriver(Files(), Systemd(True), home)
    assert driver.path(TOP) == f"{home}/kubepods.slice".lstrip("/")
    assert driver.parent(TOP) == "kubepods.slice"


def test_in_a_container_both_trees_are_removed() -> None:
    files = Files()
    driver = SystemdDriver(files, Systemd(True, lambda command: None), "docker/abc")
    for path in ("docker/abc/kubepods.slice", "kubepods.slice"):
        files.create(path)
    driver.remove(driver.path(TOP))
    assert files.limits == {}


def test_what_cannot_be_enforced_is_refused() -> None:
    with pytest.raises(CgroupPolicyError, match='"kube-reserved-compressible" of enforceNodeAllocatable'):
        policy_of({**DEFAULTS, "enforceNodeAllocatable": ["kube-reserved-compressible"]})


def test_the_configuration_says_what_is_enforced() -> None:
    reserved = {"systemReserved": {"cpu": "1"}, "kubeReserved": {"cpu": "500m"}}
    plain = policy_of({**DEFAULTS, **reserved, "cgroupRoot": "/n2", "podPidsLimit": 50})
    assert plain == CgroupPolicy(("n2", "kubepods"), 50, True, {"cpu": Quantity.parse("1500m")})
    lax = policy_of({**DEFAULTS, **reserved, "enforceNodeAllocatable": ["none"]})
    assert lax == CgroupPolicy(TOP)
    assert policy_of({**DEFAULTS, "cgroupsPerQOS": False, "enforceNodeAllocatable": []}) is None
    others = {"enforceNodeAllocatable": ["kube-reserved"], "kubeReservedCgroup": "/kube.slice"}
    strict = policy_of({**DEFAULTS, **reserved, **others})
    assert strict is not None
    assert strict.others == {("kube.slice",): {"cpu": Quantity.parse("500m")}}


class Files:
    """The kernel's files as a dict; `errors` is what the kernel says to writes, by path."""

    def __init__(self) -> None:
        self.page_sizes: list[int] = []
        self.limits: dict[str, Limits] = {}
        self.history: list[tuple[str, Limits]] = []
        self.errors: dict[str, OSError] = {}

    def exists(self, path: str) -> bool:
        return path in self.limits

    def create(self, path: str) -> None:
        self.limits.setdefault(path, Limits())

    def write(self, path: str, limits: Limits) -> None:
        if path in self.errors:
            raise self.errors[path]
        self.limits[path] = limits
        self.history.append((path, limits))

    def limit_hugepages(self, path: str, amounts: Mapping[int, int]) -> None:
        raise NotImplementedError

    def remove(self, path: str) -> None:
        self.limits.pop(path, None)

    def children(self, path: str) -> list[str]:
        return [each for each in self.limits if each.rpartition("/")[0] == path]


class Engine:
    async def cgroup_driver(self) -> str:
        return "cgroupfs"


def make_tree(files: Files, **policy: Any) -> tuple[CgroupTree, Events]:
    events = Events()
    tree = CgroupTree(
        CgroupPolicy(TOP, **policy), Engine(), events, node="n1",  # type: ignore[arg-type]
        capacity={"cpu": "2", "memory": "1Gi"}, open=lambda kind: CgroupfsDriver(files),
    )  # fmt: skip
    return tree, events


def pod_asking(request: str, uid: str = "u1", **limits: str) -> Object:
    return make_pod(make_container(**asking({"cpu": request}, limits)), meta={"uid": uid})


async def test_a_pods_cgroup_comes_with_the_classes_and_goes_alone() -> None:
    files = Files()
    tree, events = make_tree(files)
    pod, other = pod_asking("500m"), pod_asking("250m", "u2")
    await tree.widen(pod)
    await tree.widen(other)
    assert tree.parent_of(pod) == "/kubepods/burstable/podu1"
    assert files.limits == {
        "kubepods": Limits(2048, memory=1 << 30),
        "kubepods/burstable": Limits(768),
        "kubepods/besteffort": Limits(2),
        "kubepods/burstable/podu1": Limits(512),
        "kubepods/burstable/podu2": Limits(256),
    }
    assert events.seen == ["NodeAllocatableEnforced: Updated Node Allocatable limit across pods"]
    assert await tree.known_pods() == {"u1", "u2"}
    await tree.remove("u1")
    assert await tree.known_pods() == {"u2"}
    assert files.limits["kubepods/burstable"] == Limits(256)


async def test_a_pod_gets_more_before_its_containers_and_less_after_them() -> None:
    files = Files()
    tree, _ = make_tree(files)
    await tree.widen(pod_asking("100m", cpu="500m", memory="64Mi"))
    await tree.settle(pod_asking("100m", cpu="500m", memory="64Mi"))
    files.history.clear()
    resized = pod_asking("100m", cpu="200m", memory="128Mi")
    await tree.widen(resized)
    await tree.settle(resized)
    path = "kubepods/burstable/podu1"
    assert files.history == [
        (path, Limits(102, 50_000, 128 * MIB)),
        (path, Limits(102, 20_000, 128 * MIB)),
    ]
    await tree.widen(resized)
    await tree.settle(resized)
    assert len(files.history) == 2, "what is there already is not written again"


async def test_where_the_machine_allows_no_tree_pods_go_without() -> None:
    files = Files()
    files.errors["kubepods"] = OSError(errno.EROFS, "Read-only file system")
    tree, events = make_tree(files)
    await tree.widen(pod_asking("100m"))
    await tree.settle(pod_asking("100m"))
    assert tree.parent_of(pod_asking("100m")) == ""
    assert (await tree.known_pods(), tree.usage(), events.seen) == (set(), None, [])


async def test_pods_that_use_too_much_already_do_not_keep_the_tree_from_being_made() -> None:
    files = Files()
    files.errors["kubepods"] = OSError(errno.EBUSY, "Device or resource busy")
    tree, events = make_tree(files)
    await tree.widen(pod_asking("100m"))
    assert files.limits["kubepods/burstable/podu1"] == Limits(102)
    assert events.seen == [
        "FailedNodeAllocatableEnforcement: Failed to update Node Allocatable Limits [kubepods]: "
        "[Errno 16] Device or resource busy"
    ]


async def test_a_pod_without_its_cgroup_says_which() -> None:
    files = Files()
    tree, _ = make_tree(files)
    files.errors["kubepods/burstable/podu1"] = OSError(errno.EBUSY, "Device or resource busy")
    with pytest.raises(CgroupError, match=r"failed to create container for \[kubepods burstable podu1\] : "):
        await tree.widen(pod_asking("100m"))


async def test_what_is_reserved_for_others_limits_their_cgroups_if_there_are_any() -> None:
    files = Files()
    files.limits["kube.slice"] = Limits()
    amounts = {"memory": Quantity.parse("64Mi")}
    tree, events = make_tree(files, others={("kube.slice",): amounts, ("system.slice",): amounts})
    await tree.set_up()
    assert files.limits["kube.slice"].memory == 64 * MIB
    assert "system.slice" not in files.limits
    assert events.reasons()[1:] == ["NodeAllocatableEnforced", "FailedNodeAllocatableEnforcement"]
