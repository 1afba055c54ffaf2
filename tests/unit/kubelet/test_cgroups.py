"""What the cgroups of pods are called, and what is limited by them."""

from __future__ import annotations

import pytest

from apimachinery.objects import Object
from apimachinery.pods import BEST_EFFORT, BURSTABLE, GUARANTEED
from apimachinery.quantity import Quantity
from kubelet.cgroups import names
from kubelet.cgroups.limits import (
    UNBOUNDED_HUGEPAGES,
    Limits,
    limits_of_class,
    limits_of_node,
    limits_of_pod,
    wider,
)
from kubelet.cgroups.policy import CgroupPolicy, CgroupPolicyError, Reserve, policy_of
from kubelet.configuration_defaults import DEFAULTS
from tests.unit.kubelet.builders import asking, make_container, make_pod, make_sidecar

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


def test_what_cannot_be_enforced_is_refused() -> None:
    with pytest.raises(CgroupPolicyError, match='"user-reserved" of enforceNodeAllocatable'):
        policy_of({**DEFAULTS, "enforceNodeAllocatable": ["user-reserved"]})


@pytest.mark.parametrize(
    ("reserved", "complaint"),
    [
        ({"cpu": "x"}, 'failed to parse quantity "x" for "cpu" resource: quantities must match'),
        ({"memory": "-1Gi"}, 'resource quantity for "memory" cannot be negative: -1Gi'),
        ({"hugepages-2Mi": "1"}, 'cannot reserve "hugepages-2Mi" resource'),
    ],
)
def test_what_cannot_be_reserved_is_refused(reserved: dict[str, str], complaint: str) -> None:
    with pytest.raises(CgroupPolicyError, match=f"--kube-reserved value failed to parse: {complaint}"):
        policy_of({**DEFAULTS, "kubeReserved": reserved})


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
    cpu = {"cpu": Quantity.parse("500m")}
    assert strict.others == (Reserve("Kube Reserved", "/kube.slice", cpu),)
    memory = {"kubeReserved": {"cpu": "500m", "memory": "1Gi"}}
    compressible = {**others, "enforceNodeAllocatable": ["kube-reserved-compressible"]}
    soft = policy_of({**DEFAULTS, **memory, **compressible})
    assert soft is not None
    assert soft.others == (Reserve("Kube Reserved", "/kube.slice", cpu, is_compressible=True),)
