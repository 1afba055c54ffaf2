"""Volumes through claims: which are used, which are refused and with what words."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from apimachinery import volumes
from apimachinery.objects import Object
from kubelet.volumes.claimed import ClaimedVolumes
from kubelet.volumes.claims import check_claim, check_volume, used_as
from kubelet.volumes.errors import ClaimError, Lacking, VolumeError, complaints
from kubelet.volumes.mounted import MountedVolume
from tests.unit.kubelet.builders import make_container, make_pod
from tests.unit.volumes import make_claim, make_volume

MOUNT = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
DEVICE = {"volumeDevices": [{"name": "data", "devicePath": "/dev/xvda"}]}
BY_NAME: Object = {"name": "data", "persistentVolumeClaim": {"claimName": "claim"}}
EPHEMERAL: Object = {"name": "data", "ephemeral": {"volumeClaimTemplate": {}}}
BOUND = {volumes.BIND_COMPLETED: "yes"}


def claiming(volume: Object = BY_NAME, *, uid: str = "u1", use: Object = MOUNT, **spec: Any) -> Object:
    meta = {"namespace": "ns", "uid": uid}
    return make_pod(make_container(**use), meta=meta, volumes=[volume], **spec)


def claimed(**fields: Any) -> Object:
    return make_claim(**{"volume": "volume", "phase": "Bound", "annotations": BOUND, **fields})


@pytest.mark.parametrize(
    ("volume", "claim", "why_not"),
    [
        pytest.param(BY_NAME, claimed(), "", id="bound"),
        pytest.param(
            BY_NAME, claimed(phase="Pending"), "error processing PVC ns/claim: PVC is not bound", id="pending"
        ),
        pytest.param(
            BY_NAME,
            claimed(volume=""),
            "error processing PVC ns/claim: PVC has empty pvc.Spec.VolumeName",
            id="without its volume",
        ),
        pytest.param(
            BY_NAME,
            claimed(metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}),
            "error processing PVC ns/claim: PVC is being deleted",
            id="going",
        ),
        pytest.param(
            EPHEMERAL,
            claimed(name="cart-data"),
            "PVC ns/cart-data was not created for pod ns/cart (pod is not owner)",
            id="made for another pod",
        ),
    ],
)
def test_which_claims_can_be_used(volume: Object, claim: Object, why_not: str) -> None:
    if not why_not:
        check_claim(claiming(volume), volume, claim)
        return
    with pytest.raises(ClaimError) as caught:
        check_claim(claiming(volume), volume, claim)
    assert str(caught.value) == why_not


BLOCK = make_volume(claim=claimed(), volumeMode="Block")


@pytest.mark.parametrize(
    ("use", "volume", "why_not"),
    [
        pytest.param(MOUNT, make_volume(claim=claimed()), "", id="a file system"),
        pytest.param(DEVICE, BLOCK, "", id="a device"),
        pytest.param(
            MOUNT,
            BLOCK,
            "volume data has volumeMode Block, but is specified in volumeMounts",
            id="a device that is to be mounted",
        ),
        pytest.param(
            DEVICE,
            make_volume(claim=claimed()),
            "volume data has volumeMode Filesystem, but is specified in volumeDevices",
            id="a file system as a device",
        ),
        pytest.param(
            MOUNT,
            make_volume(),
            "error processing PVC ns/claim: found PV object volume but it has a nil pv.Spec.ClaimRef "
            "indicating it is not yet bound to the claim",
            id="not bound",
        ),
        pytest.param(
            MOUNT,
            make_volume(claim=claimed(metadata={"uid": "older"})),
            "error processing PVC ns/claim: found PV object volume but its pv.Spec.ClaimRef.UID older "
            "does not point to claim.UID uid of claim",
            id="bound to its predecessor",
        ),
    ],
)
def test_which_volumes_can_be_used(use: Object, volume: Object, why_not: str) -> None:
    pod = claiming(use=use)
    if not why_not:
        check_volume(pod, BY_NAME, claimed(), volume)
        return
    with pytest.raises(ClaimError) as caught:
        check_volume(pod, BY_NAME, claimed(), volume)
    assert str(caught.value) == why_not


def test_a_volume_that_no_container_uses_is_not_looked_at() -> None:
    assert used_as(claiming(), "data") == "volumeMounts"
    assert used_as(claiming(use=DEVICE), "data") == "volumeDevices"
    assert used_as(claiming(use={}), "data") == ""
    assert used_as(claiming(use={}, init=(make_container(**MOUNT),)), "data") == "volumeMounts"


class Offer:
    """A claim's volume, and how often it was asked for."""

    def __init__(self, volume: Object | ClaimError) -> None:
        self.volume = volume
        self.asked = 0

    async def volume_of(self, pod: Object, volume: Object) -> Object:
        self.asked += 1
        if isinstance(self.volume, ClaimError):
            raise self.volume
        return self.volume

    async def must_be_attached(self, driver: str) -> bool:
        return driver != "alone.example.com"


NODE = {
    "metadata": {"name": "n1", "labels": {"kubernetes.io/hostname": "n1"}},
    "status": {"volumesAttached": [{"name": "kubernetes.io/csi/disk.example.com^1", "devicePath": ""}]},
}


def sourced(source: str, value: Object, **fields: Any) -> Object:
    volume = make_volume("pv", **fields)
    del volume["spec"]["hostPath"]
    volume["spec"][source] = value
    return volume


def local(path: Path, **fields: Any) -> Object:
    return sourced("local", {"path": str(path)}, **fields)


def manager(volume: Object | ClaimError) -> ClaimedVolumes:
    return ClaimedVolumes(Offer(volume), lambda: NODE)


async def set_up(volume: Object | ClaimError, pod: Object | None = None) -> MountedVolume:
    pod = pod or claiming()
    return await manager(volume).set_up(pod, pod["spec"]["volumes"][0], Path("/nowhere"))


async def complaint(volume: Object | ClaimError) -> str:
    with pytest.raises(VolumeError) as caught:
        await set_up(volume)
    return str(caught.value)


async def test_what_lies_on_the_node_is_used_where_it_is(tmp_path: Path) -> None:
    assert await set_up(local(tmp_path, nodes=("n1",))) == MountedVolume(str(tmp_path))
    made = tmp_path / "made"
    host_path = make_volume(hostPath={"path": str(made), "type": "DirectoryOrCreate"})
    assert await set_up(host_path) == MountedVolume(str(made))
    assert made.is_dir()


async def test_a_claim_may_be_used_read_only(tmp_path: Path) -> None:
    wanted = {"name": "data", "persistentVolumeClaim": {"claimName": "claim", "readOnly": True}}
    mounted = await set_up(local(tmp_path), claiming(wanted))
    assert mounted == MountedVolume(str(tmp_path), read_only=True)


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        pytest.param(
            local(Path("/nowhere/at/all")),
            'MountVolume.NewMounter initialization failed for volume "pv" : '
            'path "/nowhere/at/all" does not exist',
            id="nothing there",
        ),
        pytest.param(
            local(Path("/etc/hostname")),
            'MountVolume.NewMounter initialization failed for volume "pv" : '
            "only directory and block device are supported",
            id="a file",
        ),
        pytest.param(
            local(Path("/"), nodes=("n2",)),
            'MountVolume.NodeAffinity check failed for volume "pv" : no matching NodeSelectorTerms',
            id="of another node",
        ),
        pytest.param(
            local(Path("/"), volumeMode="Block"),
            'MapVolume.MapBlockVolume failed for volume "pv" : "/" is not a block device',
            id="no device",
        ),
        pytest.param(
            sourced("csi", {"driver": "disk.example.com", "volumeHandle": "2"}),
            'volume "pv" is not attached',
            id="not attached",
        ),
        pytest.param(
            sourced("csi", {"driver": "alone.example.com", "volumeHandle": "2"}),
            'MountVolume.MountDevice failed for volume "pv" : kubernetes.io/csi: attacher.MountDevice '
            "failed to create newCsiDriverClient: driver name alone.example.com not found in the list of "
            "registered CSI drivers",
            id="of a driver that attaches nothing",
        ),
        pytest.param(
            sourced("csi", {"driver": "disk.example.com", "volumeHandle": "1"}),
            'MountVolume.MountDevice failed for volume "pv" : kubernetes.io/csi: attacher.MountDevice '
            "failed to create newCsiDriverClient: driver name disk.example.com not found in the list of "
            "registered CSI drivers",
            id="of a driver that is not here",
        ),
        pytest.param(
            sourced("csi", {"driver": "alone.example.com", "volumeHandle": "2"}, volumeMode="Block"),
            'MapVolume.SetUpDevice failed for volume "pv" : kubernetes.io/csi: blockMapper.SetUpDevice '
            "failed to get CSI client: driver name alone.example.com not found in the list of registered "
            "CSI drivers",
            id="a device of a driver that is not here",
        ),
        pytest.param(
            sourced("iscsi", {"iqn": "x"}),
            'failed to get Plugin from volumeSpec for volume "pv" err=no volume plugin matched',
            id="of a kind that is not known",
        ),
        pytest.param(
            ClaimError("error processing PVC ns/claim: PVC is not bound"),
            "error processing PVC ns/claim: PVC is not bound",
            id="of a claim that is not ready",
        ),
    ],
)
async def test_why_a_volume_is_not_there(volume: Object | ClaimError, message: str) -> None:
    assert await complaint(volume) == message


UNMOUNTED = VolumeError(
    "a", Lacking.MOUNT, 'MountVolume.SetUp failed for volume "a" : configmap "a" not found'
)
UNBOUND = VolumeError("c", Lacking.CLAIM, "error processing PVC ns/c: PVC is not bound")
UNKNOWN = VolumeError(
    "b", Lacking.CLAIM, "error processing PVC ns/b: failed to fetch PVC from API server: gone"
)
UNATTACHED = VolumeError("d", Lacking.ATTACHMENT, "")
UNABLE = "Unable to attach or mount volumes: unmounted volumes="


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        pytest.param([UNMOUNTED, UNATTACHED], [str(UNMOUNTED)], id="what can't be mounted"),
        pytest.param([UNATTACHED], [], id="what is not attached yet"),
        pytest.param(
            [UNBOUND, UNMOUNTED, UNATTACHED, UNKNOWN],
            [
                str(UNMOUNTED),
                f"{UNABLE}[a b c d], unattached volumes=[d], failed to process volumes=[b c]: "
                f"{UNBOUND}; {UNKNOWN}",
            ],
            id="claims and all that lacks",
        ),
    ],
)
def test_what_is_said_of_volumes_that_are_not_there(errors: list[VolumeError], said: list[str]) -> None:
    assert complaints(errors) == said


async def test_a_mounted_volume_is_not_asked_for_again(tmp_path: Path) -> None:
    offer = Offer(local(tmp_path))
    claimed_volumes, pod = ClaimedVolumes(offer, lambda: NODE), claiming()
    for _ in range(3):
        await claimed_volumes.set_up(pod, BY_NAME, tmp_path)
    assert offer.asked == 1
    claimed_volumes.forget("u1")
    await claimed_volumes.set_up(pod, BY_NAME, tmp_path)
    assert offer.asked == 2


async def test_a_volume_for_one_pod_is_not_given_to_two(tmp_path: Path) -> None:
    claimed_volumes = manager(local(tmp_path, modes=("ReadWriteOncePod",)))
    await claimed_volumes.set_up(claiming(), BY_NAME, tmp_path)
    with pytest.raises(VolumeError, match="ReadWriteOncePod access mode and is already in use"):
        await claimed_volumes.set_up(claiming(uid="u2"), BY_NAME, tmp_path)
    claimed_volumes.forget("u1")
    await claimed_volumes.set_up(claiming(uid="u2"), BY_NAME, tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("source", ["local", "hostPath"])
def test_fs_group_owns_local_volumes_and_no_others(tmp_path: Path, source: str) -> None:
    (tmp_path / "file").write_text("")
    volume = local(tmp_path) if source == "local" else make_volume(hostPath={"path": str(tmp_path)})
    asyncio.run(set_up(volume, claiming(securityContext={"fsGroup": 2000})))
    found = tmp_path.stat()
    assert (found.st_gid == 2000, bool(found.st_mode & stat.S_ISGID)) == (source == "local",) * 2
    assert ((tmp_path / "file").stat().st_gid == 2000) == (source == "local")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
async def test_fs_group_owns_what_a_link_leads_to(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    await set_up(local(tmp_path / "link"), claiming(securityContext={"fsGroup": 2000}))
    assert (tmp_path / "disk").stat().st_gid == 2000
