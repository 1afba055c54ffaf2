"""Volumes: what is in them, and how it gets there."""

from __future__ import annotations

import base64
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from apimachinery.objects import Object
from kubelet.containers.mounts import own_mounts, volume_devices, volume_mounts
from kubelet.runtime.interface import CreateContainerConfigError, Device, Mount
from kubelet.volumes.atomic_writer import FileEntry, InvalidPath, write_payload
from kubelet.volumes.empty_dir import memory_size, set_up_empty_dir
from kubelet.volumes.errors import MountError, VolumesError, complaints
from kubelet.volumes.host_path import set_up_host_path
from kubelet.volumes.manager import VolumeManager
from kubelet.volumes.mounted import MountedVolume
from kubelet.volumes.payload import Sources, TokenRequest, common_user, payload_of
from kubelet.volumes.sub_path import sub_path_of
from tests.unit.kubelet.builders import make_container, make_pod

CONF = {"data": {"a": "1", "b": "2"}, "binaryData": {"c": base64.b64encode(b"\xff").decode()}}
KEYS = {"data": {"k": base64.b64encode(b"secret").decode()}}
TOKEN = TokenRequest("vault", 600, "token")
SOURCES = Sources({"conf": CONF}, {"keys": KEYS}, {TOKEN: "jwt"})


def files(pod: Object | None = None, **volume: Any) -> dict[str, tuple[bytes, int]]:
    payload = payload_of(pod or make_pod(), {"name": "v", **volume}, SOURCES)
    assert payload is not None
    return {path: (entry.data, entry.mode) for path, entry in payload.items()}


PAYLOADS: list[Any] = [
    (
        "all keys of a config map",
        {"configMap": {"name": "conf"}},
        {"a": (b"1", 0o644), "b": (b"2", 0o644), "c": (b"\xff", 0o644)},
    ),
    (
        "chosen keys with paths and modes",
        {
            "configMap": {
                "name": "conf",
                "defaultMode": 0o400,
                "items": [{"key": "a", "path": "x/y"}, {"key": "b", "path": "z", "mode": 0o600}],
            }
        },
        {"x/y": (b"1", 0o400), "z": (b"2", 0o600)},
    ),
    ("a secret", {"secret": {"secretName": "keys", "defaultMode": 0o440}}, {"k": (b"secret", 0o440)}),
    ("an optional object that is not there", {"secret": {"secretName": "none", "optional": True}}, {}),
    (
        "an optional key that is not there",
        {"configMap": {"name": "conf", "optional": True, "items": [{"key": "n", "path": "n"}]}},
        {},
    ),
    (
        "the downward API",
        {"downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}},
        {"name": (b"cart", 0o644)},
    ),
    (
        "a projection of several",
        {
            "projected": {
                "defaultMode": 0o640,
                "sources": [
                    {"configMap": {"name": "conf", "items": [{"key": "a", "path": "a"}]}},
                    {"secret": {"name": "keys"}},
                    {"serviceAccountToken": {"path": "token", "audience": "vault", "expirationSeconds": 600}},
                ],
            }
        },
        {"a": (b"1", 0o640), "k": (b"secret", 0o640), "token": (b"jwt", 0o640)},
    ),
]


@pytest.mark.parametrize(
    ("volume", "expected"), [row[1:] for row in PAYLOADS], ids=[row[0] for row in PAYLOADS]
)
def test_payload(volume: Object, expected: dict[str, tuple[bytes, int]]) -> None:
    assert files(**volume) == expected


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        ({"configMap": {"name": "late"}}, 'configmap "late" not found'),
        ({"secret": {"secretName": "late"}}, 'secret "late" not found'),
        (
            {"configMap": {"name": "conf", "items": [{"key": "n", "path": "n"}]}},
            "configmap references non-existent config key: n",
        ),
        (
            {"secret": {"secretName": "keys", "items": [{"key": "n", "path": "n"}]}},
            "references non-existent secret key: n",
        ),
        (
            {"projected": {"sources": [{"secret": {"name": "late"}}, {"configMap": {"name": "late"}}]}},
            '[secret "late" not found, configmap "late" not found]',
        ),
    ],
)
def test_what_is_missing_is_named(volume: Object, message: str) -> None:
    with pytest.raises(MountError, match=f"^{re.escape(message)}$"):
        files(**volume)


def test_a_token_is_private_to_the_user_of_the_pod() -> None:
    pod = make_pod(securityContext={"runAsUser": 1000})
    sources = [{"serviceAccountToken": {"path": "token", "audience": "vault", "expirationSeconds": 600}}]
    payload = payload_of(pod, {"name": "v", "projected": {"sources": sources}}, SOURCES)
    assert payload == {"token": FileEntry(b"jwt", 0o600, owner=1000)}


def test_the_common_user_is_one_or_none() -> None:
    other = make_container("b", securityContext={"runAsUser": 2})
    assert common_user(make_pod(securityContext={"runAsUser": 1})) == 1
    assert common_user(make_pod(make_container("a"), other, securityContext={"runAsUser": 1})) is None
    assert common_user(make_pod()) is None


def entries(**files: str) -> dict[str, FileEntry]:
    return {path.replace("__", "/"): FileEntry(data.encode(), 0o644) for path, data in files.items()}


def test_files_appear_change_and_vanish_together(tmp_path: Path) -> None:
    assert write_payload(tmp_path, entries(a="1", d__b="2"))
    assert (tmp_path / "a").read_text() == "1"
    assert (tmp_path / "d" / "b").read_text() == "2"
    assert os.readlink(tmp_path / "a") == "..data/a"
    first = os.readlink(tmp_path / "..data")
    assert write_payload(tmp_path, entries(a="3", c="4"))
    assert sorted(each.name for each in tmp_path.iterdir() if not each.name.startswith("..")) == ["a", "c"]
    assert (tmp_path / "a").read_text() == "3"
    assert not (tmp_path / first).exists()


def test_an_unchanged_payload_is_left_alone(tmp_path: Path) -> None:
    write_payload(tmp_path, entries(a="1"))
    link = os.readlink(tmp_path / "..data")
    assert not write_payload(tmp_path, entries(a="1"))
    assert os.readlink(tmp_path / "..data") == link


def test_a_changed_mode_is_a_change(tmp_path: Path) -> None:
    write_payload(tmp_path, entries(a="1"))
    assert write_payload(tmp_path, {"a": FileEntry(b"1", 0o600)})
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "..data"])
def test_no_file_leaves_its_volume(tmp_path: Path, path: str) -> None:
    with pytest.raises(InvalidPath):
        write_payload(tmp_path, {path: FileEntry(b"", 0o644)})


@pytest.mark.parametrize(
    ("kind", "complaint"),
    [
        ("Directory", "is not a directory"),
        ("File", "is not a file"),
        ("Socket", "is not a socket file"),
        ("CharDevice", "is not a character device"),
        ("BlockDevice", "is not a block device"),
    ],
)
def test_a_host_path_is_checked(tmp_path: Path, kind: str, complaint: str) -> None:
    path = tmp_path / "none"
    with pytest.raises(MountError, match=f"^hostPath type check failed: {path} {complaint}$"):
        set_up_host_path(str(path), kind)


def test_a_host_path_is_made(tmp_path: Path) -> None:
    assert Path(set_up_host_path(str(tmp_path / "a/b"), "DirectoryOrCreate")).is_dir()
    assert Path(set_up_host_path(str(tmp_path / "f"), "FileOrCreate")).is_file()
    assert Path(set_up_host_path(str(tmp_path / "untyped"), "")).is_dir()
    assert Path(set_up_host_path(str(tmp_path / "f"), "")).is_file()


def mounts(volume: Path, **mount: Any) -> list[Mount]:
    container = make_container(volumeMounts=[{"name": "v", "mountPath": "/data", **mount}])
    return volume_mounts(container, {"v": MountedVolume(str(volume))}, {"POD": "p1"})


def test_a_sub_path_is_made_and_may_be_an_expression(tmp_path: Path) -> None:
    assert mounts(tmp_path, subPath="x/y") == [Mount(str(tmp_path / "x/y"), "/data")]
    assert mounts(tmp_path, subPathExpr="$(POD)", readOnly=True) == [
        Mount(str(tmp_path / "p1"), "/data", True)
    ]


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("$(NONE)/$(POD)/$(EMPTY)", "missing value for EMPTY, NONE"),
        ("$$(POD)", ""),
    ],
)
def test_a_sub_path_needs_a_value_for_each_name(tmp_path: Path, expression: str, complaint: str) -> None:
    mount = {"name": "v", "mountPath": "/data", "subPathExpr": expression}
    environment = {"POD": "p1", "EMPTY": ""}
    if complaint:
        with pytest.raises(CreateContainerConfigError, match=f"^{complaint}$"):
            sub_path_of(mount, environment)
    else:
        assert sub_path_of(mount, environment) == "$(POD)"


def test_a_mount_that_must_be_read_only_all_the_way_down_is_refused(tmp_path: Path) -> None:
    assert mounts(tmp_path, readOnly=True, recursiveReadOnly="IfPossible")[0].read_only
    with pytest.raises(CreateContainerConfigError) as caught:
        mounts(tmp_path, readOnly=True, recursiveReadOnly="Enabled")
    assert str(caught.value) == (
        'failed to resolve recursive read-only mode: volume "v" requested recursive read-only mode, '
        "but it is not supported by the runtime"
    )


def test_a_volume_that_is_read_only_is_so_for_every_container() -> None:
    container = make_container(volumeMounts=[{"name": "v", "mountPath": "/data"}])
    container["volumeDevices"] = [{"name": "d", "devicePath": "/dev/xvda"}]
    volumes = {name: MountedVolume(f"/{name}", read_only=True) for name in ("v", "d")}
    assert volume_mounts(container, volumes, {}) == [Mount("/v", "/data", read_only=True)]
    assert volume_devices(container, volumes) == [Device("/d", "/dev/xvda", "r")]
    assert volume_devices(container, {"d": MountedVolume("/d")}) == [Device("/d", "/dev/xvda", "mrw")]
    with pytest.raises(CreateContainerConfigError, match='cannot find volume "d"'):
        volume_devices(container, {})


class Known:
    """The objects of SOURCES, as pods refer to them."""

    async def of_kind(self, pod: Object, kind: str) -> Mapping[str, Object]:
        return SOURCES.config_maps if kind == "configmap" else SOURCES.secrets


def not_mounted(target: Path, size: int) -> None:
    """Unit tests leave the machine as it is."""


@pytest.mark.parametrize(
    ("volume", "read_only"),
    [
        pytest.param({"configMap": {"name": "conf"}}, True, id="config map"),
        pytest.param({"secret": {"secretName": "keys"}}, True, id="secret"),
        pytest.param({"downwardAPI": {"items": []}}, True, id="downward API"),
        pytest.param({"projected": {"sources": [{"secret": {"name": "keys"}}]}}, True, id="projected"),
        pytest.param({"emptyDir": {}}, False, id="empty directory"),
        pytest.param({"hostPath": {"path": "/tmp"}}, False, id="host path"),
    ],
)
async def test_what_the_kubelet_keeps_up_to_date_is_not_for_containers_to_write(
    tmp_path: Path, volume: Object, read_only: bool
) -> None:
    container = make_container(volumeMounts=[{"name": "v", "mountPath": "/v"}])
    nobody: Any = None
    manager = VolumeManager(tmp_path, Known(), nobody, nobody, nobody, not_mounted)  # type: ignore[arg-type]
    mounted = await manager.set_up(make_pod(container, volumes=[{"name": "v", **volume}]), {})
    assert mounted["v"].read_only is read_only


@pytest.mark.parametrize(
    ("volume", "size"),
    [
        pytest.param({"secret": {"secretName": "keys"}}, 2 << 30, id="secret"),
        pytest.param({"downwardAPI": {"items": []}}, 2 << 30, id="downward API"),
        pytest.param({"projected": {"sources": [{"secret": {"name": "keys"}}]}}, 2 << 30, id="projected"),
        pytest.param({"emptyDir": {"medium": "Memory"}}, 2 << 30, id="empty directory in memory"),
        pytest.param({"emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}, 1 << 20, id="its limit"),
        pytest.param({"configMap": {"name": "conf"}}, None, id="config map"),
        pytest.param({"emptyDir": {"sizeLimit": "1Mi"}}, None, id="empty directory on disk"),
    ],
)
async def test_what_may_be_secret_is_kept_in_memory(tmp_path: Path, volume: Object, size: int | None) -> None:
    mounted: list[tuple[Path, int]] = []
    container = make_container(volumeMounts=[{"name": "v", "mountPath": "/v"}])
    nobody: Any = None
    manager = VolumeManager(tmp_path, Known(), nobody, nobody, nobody, lambda *each: mounted.append(each))  # type: ignore[arg-type]
    pod = make_pod(container, volumes=[{"name": "v", **volume}])
    found = await manager.set_up(pod, {"memory": "2Gi"})
    assert mounted == ([] if size is None else [(Path(found["v"].path), size)])
    assert os.stat(found["v"].path).st_mode & 0o777 == 0o777


async def test_files_of_an_older_kubelet_stay_where_their_pod_sees_them(tmp_path: Path) -> None:
    target = tmp_path / "v"
    target.mkdir()
    write_payload(target, {"k": FileEntry(b"old", 0o644)})
    mounted: list[tuple[Path, int]] = []
    set_up_empty_dir(target, "Memory", 1, lambda *each: mounted.append(each))
    assert mounted == []


LIMITED = {"resources": {"limits": {"memory": "64Mi"}}}


@pytest.mark.parametrize(
    ("containers", "size_limit", "memory", "expected"),
    [
        pytest.param([{}], None, "1Gi", 1 << 30, id="what the node has for pods"),
        pytest.param([LIMITED, LIMITED], None, "1Gi", 128 << 20, id="what the pod may use"),
        pytest.param([LIMITED, {}], None, "1Gi", 1 << 30, id="a pod that may use all"),
        pytest.param([LIMITED], "1Mi", "1Gi", 1 << 20, id="the volume's own limit"),
        pytest.param([LIMITED], "1Gi", "2Gi", 64 << 20, id="a limit beyond the pod's"),
        pytest.param([{}], "0", None, 0, id="nothing known"),
    ],
)
def test_a_volume_in_memory_is_no_larger_than_its_pod(
    containers: list[Object], size_limit: str | None, memory: str | None, expected: int
) -> None:
    pod = make_pod(*(make_container(f"c{at}", **each) for at, each in enumerate(containers)))
    assert memory_size(pod, size_limit, {"memory": memory} if memory else {}) == expected


@pytest.mark.parametrize(
    ("volume", "said"),
    [
        ({"gitRepo": {"repository": "https://x.example"}}, "git-repo volume plugin has been disabled; if"),
        (
            {"csi": {"driver": "x.example"}},
            'MountVolume.SetUp failed for volume "v" : kubernetes.io/csi: mounter.SetUpAt failed to get CSI '
            "client: driver name x.example not found in the list of registered CSI drivers",
        ),
        (
            {"cephfs": {"monitors": ["192.0.2.1"]}},
            "Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[], failed to "
            'process volumes=[v]: failed to get Plugin from volumeSpec for volume "v" err=no volume plugin '
            "matched",
        ),
    ],
    ids=["git", "driver", "kind"],
)
async def test_what_is_no_volume_here(tmp_path: Path, volume: Object, said: str) -> None:
    nobody: Any = None
    manager = VolumeManager(tmp_path, Known(), nobody, nobody, nobody, not_mounted)  # type: ignore[arg-type]
    container = make_container(volumeMounts=[{"name": "v", "mountPath": "/v"}])
    with pytest.raises(VolumesError) as caught:
        await manager.set_up(make_pod(container, volumes=[{"name": "v", **volume}]), {})
    (complaint,) = complaints(caught.value.errors)
    assert said in complaint


async def test_every_volume_is_tried(tmp_path: Path) -> None:
    nobody: Any = None
    manager = VolumeManager(tmp_path, Known(), nobody, nobody, nobody, not_mounted)  # type: ignore[arg-type]
    names = ["a", "b", "c"]
    container = make_container(volumeMounts=[{"name": each, "mountPath": f"/{each}"} for each in names])
    missing = {"configMap": {"name": "missing"}}
    volumes = [{"name": "a", **missing}, {"name": "b", "emptyDir": {}}, {"name": "c", **missing}]
    with pytest.raises(VolumesError) as caught:
        await manager.set_up(make_pod(container, volumes=volumes), {})
    assert [each.volume for each in caught.value.errors] == ["a", "c"]


def test_nothing_is_added_to_an_image_for_a_sub_path(tmp_path: Path) -> None:
    volumes = {"v": MountedVolume(str(tmp_path), read_only=True, is_image=True)}
    (tmp_path / "there").mkdir()
    mount = {"name": "v", "mountPath": "/v"}
    found = volume_mounts(make_container(volumeMounts=[{**mount, "subPath": "there"}]), volumes, {})
    assert found == [Mount(str(tmp_path / "there"), "/v", read_only=True)]
    with pytest.raises(CreateContainerConfigError, match='subPath "gone" of volume "v" does not exist'):
        volume_mounts(make_container(volumeMounts=[{**mount, "subPath": "gone"}]), volumes, {})
    assert not (tmp_path / "gone").exists()


def test_a_sub_path_may_not_lead_out_of_the_volume(tmp_path: Path) -> None:
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "link").symlink_to("/etc")
    with pytest.raises(CreateContainerConfigError, match="failed to prepare subPath"):
        mounts(tmp_path / "v", subPath="link/passwd")


@pytest.mark.parametrize("path", ["/abs", "a/../b"])
def test_a_sub_path_is_relative(tmp_path: Path, path: str) -> None:
    with pytest.raises(CreateContainerConfigError):
        mounts(tmp_path, subPath=path)


def test_the_kubelets_own_files_give_way_to_the_pods() -> None:
    container = make_container()
    given = own_mounts(container, [Mount("/x", "/etc/hosts")], hosts_file="/h", message_file="/m")
    assert given == [Mount("/m", "/dev/termination-log")]
