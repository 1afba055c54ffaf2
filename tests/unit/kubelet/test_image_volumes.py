"""Images as volumes: pulled with upstream's events, copied once for all pods, gone with the last of them."""

from __future__ import annotations

import asyncio
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from apimachinery.objects import Object
from kubelet.images.manager import ImageManager
from kubelet.pods.image_volumes import ImageVolumes
from kubelet.runtime.hollow import HollowImages, HollowRuntime
from kubelet.runtime.interface import ContainerRuntimeError
from kubelet.volumes.image_folders import ImageFolders
from kubelet.volumes.manager import NoVolumes
from kubelet.volumes.mounted import MountedVolume
from kubelet.volumes.mounting import remove_tree
from tests.unit.kubelet.builders import make_container, make_pod

LIMIT = 60.0


class Events:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str]] = []

    def event(self, obj: Object, type: str, reason: str, message: str, annotations: object = None) -> None:
        self.seen.append((obj.get("fieldPath", ""), reason, message))


WEB = make_container(volumeMounts=[{"name": "model", "mountPath": "/model"}])


def mounting(**source: str) -> Object:
    return make_pod(
        WEB,
        volumes=[
            {"name": "model", "image": source},
            {"name": "of-another", "image": {"reference": "x:1"}},
            {"name": "scratch", "emptyDir": {}},
        ],
    )


async def volumes_of(pod: Object) -> tuple[dict[str, MountedVolume] | str, list[tuple[str, str, str]]]:
    events = Events()
    runtime = HollowRuntime(
        now=lambda: datetime(2026, 1, 1, tzinfo=UTC), images=HollowImages(["here:1"], pull_latency=1.0)
    )
    volumes = ImageVolumes(ImageManager(runtime, events), NoVolumes(), events)
    try:
        return await volumes.of(pod, WEB, ()), events.seen
    except ContainerRuntimeError as error:
        return f"{error.reason}: {error}", events.seen


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("source", "expected", "reasons"),
    [
        pytest.param({"reference": "here:1"}, "mounted", ["Pulled"], id="an image that is there"),
        pytest.param({"reference": "new:1"}, "mounted", ["Pulling", "Pulled"], id="one that is pulled"),
        pytest.param(
            {"reference": "here:1", "pullPolicy": "Always"},
            "mounted",
            ["Pulling", "Pulled"],
            id="one that is pulled again",
        ),
        pytest.param(
            {"reference": "new:1", "pullPolicy": "Never"},
            'ErrImageNeverPull: Container image "new:1" is not present with pull policy of Never',
            ["ErrImageNeverPull", "Failed"],
            id="one that may not be pulled",
        ),
    ],
)
async def test_the_image_of_a_volume_is_pulled_as_a_containers(
    source: dict[str, str], expected: str, reasons: list[str]
) -> None:
    found, events = await volumes_of(mounting(**source))
    if expected == "mounted":
        assert found == {"model": MountedVolume("/model", read_only=True, is_image=True)}
    else:
        assert found == expected
    assert [reason for _, reason, _ in events] == reasons
    assert {about for about, reason, _ in events if reason != "Failed"} == {""}, "pulls are the pod's events"
    if "Failed" in reasons:
        assert events[-1] == ("spec.containers{web}", "Failed", "Error: ErrImageNeverPull")


class Copies:
    """Notes what is copied; `fails` makes the next one break off half-way."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.fails = False

    async def __call__(self, image_id: str, folder: Path) -> None:
        (folder / "half").write_text("")
        await asyncio.sleep(0)
        if self.fails:
            self.fails = False
            raise ContainerRuntimeError("broken off")
        self.made.append(image_id)
        (folder / "file").write_text(image_id)


def copied(root: Path) -> list[str]:
    return sorted(each.name for each in (root / "image-volumes").iterdir())


async def test_pods_share_a_copy_and_the_last_takes_it_away(tmp_path: Path) -> None:
    copies = Copies()
    folders = ImageFolders(tmp_path, copies)
    both = await asyncio.gather(*(folders.set_up(uid, "v", "sha256:aa") for uid in ("u1", "u2")))
    assert both == [MountedVolume(str(tmp_path / "image-volumes" / "aa"), read_only=True, is_image=True)] * 2
    assert copies.made == ["sha256:aa"]
    for uid, left in (("u1", ["aa"]), ("u2", [])):
        remove_tree(tmp_path / "pods" / uid / "volumes")
        await folders.collect()
        assert copied(tmp_path) == left


async def test_no_pod_waits_for_the_copy_of_another_to_end(tmp_path: Path) -> None:
    """What the one that ends leaves goes when the copy is there."""
    copies, may_end = Copies(), asyncio.Event()

    async def copy_slowly(image_id: str, folder: Path) -> None:
        await may_end.wait()
        await copies(image_id, folder)

    (tmp_path / "image-volumes" / "left").mkdir(parents=True)
    folders = ImageFolders(tmp_path, copy_slowly)
    copying = asyncio.create_task(folders.set_up("u1", "v", "sha256:aa"))
    await asyncio.sleep(0)
    async with asyncio.timeout(LIMIT):
        await folders.collect()
    assert not copying.done()
    may_end.set()
    await copying
    assert copied(tmp_path) == ["aa"]


async def test_a_small_image_does_not_wait_for_a_large_one(tmp_path: Path) -> None:
    copies, may_end = Copies(), asyncio.Event()

    async def copy_the_large_slowly(image_id: str, folder: Path) -> None:
        if image_id == "sha256:large":
            await may_end.wait()
        await copies(image_id, folder)

    folders = ImageFolders(tmp_path, copy_the_large_slowly)
    copying = asyncio.create_task(folders.set_up("u1", "v", "sha256:large"))
    async with asyncio.timeout(LIMIT):
        await folders.set_up("u2", "v", "sha256:small")
        await folders.collect()
    may_end.set()
    await copying
    assert copied(tmp_path) == ["large", "small"]


async def test_the_copy_of_a_pod_that_ends_meanwhile_goes_when_it_is_there(tmp_path: Path) -> None:
    async def copy_for_nobody(image_id: str, folder: Path) -> None:
        remove_tree(tmp_path / "pods" / "u1" / "volumes")
        await folders.collect()
        (folder / "file").write_text(image_id)

    folders = ImageFolders(tmp_path, copy_for_nobody)
    await folders.set_up("u1", "v", "sha256:aa")
    assert copied(tmp_path) == []


async def test_a_copy_that_cannot_be_removed_is_nobody_elses_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies, removing = Copies(), shutil.rmtree

    def refusing(path: Path, **options: bool) -> None:
        if path.name == "stuck":
            raise OSError("busy")
        removing(path, **options)

    async def copy_and_collect(image_id: str, folder: Path) -> None:
        await folders.collect()
        await copies(image_id, folder)

    monkeypatch.setattr(shutil, "rmtree", refusing)
    for name in ("left", "stuck"):
        (tmp_path / "image-volumes" / name).mkdir(parents=True)
    folders = ImageFolders(tmp_path, copy_and_collect)
    await folders.set_up("u1", "v", "sha256:aa")
    await folders.collect()
    assert copied(tmp_path) == ["aa", "stuck"]


async def test_links_may_go_while_they_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pods end side by side: the links of another are taken away whenever it is its turn."""
    folders = ImageFolders(tmp_path, Copies())
    for uid in ("u1", "u2"):
        await folders.set_up(uid, "v", f"sha256:{uid}")
    readlink = os.readlink

    def gone_meanwhile(path: str | Path) -> str:
        if "u1" in str(path) and os.path.lexists(path):
            os.unlink(path)
        return readlink(path)

    monkeypatch.setattr(os, "readlink", gone_meanwhile)
    await folders.collect()
    assert copied(tmp_path) == ["u2"]


async def test_a_new_image_for_a_volume_leaves_the_old_one_to_who_has_it(tmp_path: Path) -> None:
    folders = ImageFolders(tmp_path, Copies())
    for image in ("sha256:aa", "sha256:bb"):
        await folders.set_up("u1", "v", image)
    await folders.collect()
    assert copied(tmp_path) == ["aa", "bb"]


async def test_what_a_kubelet_that_died_was_about_to_copy_goes_with_the_rest(tmp_path: Path) -> None:
    (tmp_path / "image-volumes" / "aa.part").mkdir(parents=True)
    (tmp_path / "image-volumes" / "saved-1").write_text("half an archive")
    await ImageFolders(tmp_path, Copies()).collect()
    assert copied(tmp_path) == []


async def test_a_copy_that_broke_off_is_made_anew(tmp_path: Path) -> None:
    copies = Copies()
    copies.fails = True
    with pytest.raises(ContainerRuntimeError):
        await ImageFolders(tmp_path, copies).set_up("u1", "v", "sha256:aa")
    assert copied(tmp_path) == ["aa.part"]
    restarted = ImageFolders(tmp_path, copies)
    mounted = await restarted.set_up("u1", "v", "sha256:aa")
    assert (Path(mounted.path) / "file").read_text() == "sha256:aa"
    assert copied(tmp_path) == ["aa"]
