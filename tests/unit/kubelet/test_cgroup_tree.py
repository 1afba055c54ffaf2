"""The tree of cgroups as it comes with its pods and goes with them."""

from __future__ import annotations

import errno

import pytest

from apimachinery.quantity import Quantity
from kubelet.cgroups.limits import Limits
from kubelet.cgroups.policy import Reserve
from kubelet.cgroups.tree import CgroupError
from tests.unit.kubelet.cgroup_files import MIB, CgroupFiles, make_tree, pod_asking


async def test_a_pods_cgroup_comes_with_the_classes_and_goes_alone() -> None:
    files = CgroupFiles()
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


async def test_only_a_pod_that_is_over_takes_with_it_what_the_engine_has_lost() -> None:
    """What housekeeping does not know may be another kubelet's."""
    files = CgroupFiles()
    tree, _ = make_tree(files)
    for uid in ("u1", "u2"):
        await tree.widen(pod_asking("500m", uid))
    await tree.remove("u1")
    await tree.end("u2")
    assert (files.killed, await tree.known_pods()) == (["kubepods/burstable/podu2"], set())


async def test_a_pod_gets_more_before_its_containers_and_less_after_them() -> None:
    files = CgroupFiles()
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
    files = CgroupFiles()
    files.errors["kubepods"] = OSError(errno.EROFS, "Read-only file system")
    tree, events = make_tree(files)
    await tree.widen(pod_asking("100m"))
    await tree.settle(pod_asking("100m"))
    assert tree.parent_of(pod_asking("100m")) == ""
    assert (await tree.known_pods(), tree.usage(), events.seen) == (set(), None, [])


async def test_pods_that_use_too_much_already_do_not_keep_the_tree_from_being_made() -> None:
    files = CgroupFiles()
    files.errors["kubepods"] = OSError(errno.EBUSY, "Device or resource busy")
    tree, events = make_tree(files)
    await tree.widen(pod_asking("100m"))
    assert files.limits["kubepods/burstable/podu1"] == Limits(102)
    assert events.seen == [
        'FailedNodeAllocatableEnforcement: Failed to update Node Allocatable Limits ["kubepods"]: '
        "device or resource busy"
    ]


async def test_a_pod_without_its_cgroup_says_which() -> None:
    files = CgroupFiles()
    tree, _ = make_tree(files)
    files.errors["kubepods/burstable/podu1"] = OSError(errno.EBUSY, "Device or resource busy")
    with pytest.raises(CgroupError, match=r"failed to create container for \[kubepods burstable podu1\] : "):
        await tree.widen(pod_asking("100m"))


async def test_what_is_reserved_for_others_limits_their_cgroups_if_there_are_any() -> None:
    files = CgroupFiles()
    files.limits["kube.slice"] = Limits()
    amounts = {"memory": Quantity.parse("64Mi")}
    others = [
        Reserve("Kube Reserved", "/kube.slice", amounts),
        Reserve("System Reserved", "/system.slice", amounts),
    ]
    tree, events = make_tree(files, others=others)
    await tree.set_up()
    assert files.limits["kube.slice"].memory == 64 * MIB
    assert "system.slice" not in files.limits
    assert events.seen[1:] == [
        "NodeAllocatableEnforced: Updated limits on kube reserved cgroup /kube.slice",
        "FailedNodeAllocatableEnforcement: Failed to enforce System Reserved Cgroup Limits on "
        '"/system.slice": cgroup ["system.slice"] has some missing paths: system.slice',
    ]
