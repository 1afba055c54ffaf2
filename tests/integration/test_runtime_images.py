"""Images of a real engine: whose word counts, which names they have, how their files are copied."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import tarfile
from contextlib import closing
from pathlib import Path

import docker
import pytest

from kubelet.images.local import pause_layer
from kubelet.runtime.interface import ContainerRuntimeError
from tests.integration.runtime_twins import Node, container, shell

pytestmark = pytest.mark.docker


async def test_image_cannot_tell_the_kubelet_anything(node):
    lies = '{"annotations": {"lie": "1"}, "labels": {"lie": "1"}}'.replace('"', '\\"')
    with closing(docker.APIClient(version="auto")) as client:
        changes = [f'LABEL sampan.io/memory="{lies}" lie=1 sampan.io/attempt=9', 'ENTRYPOINT ["/pause"]']
        client.import_image_from_data(pause_layer(), repository="sampan-test-liar", tag="1", changes=changes)
        try:
            uid, _ = await node.start(container(image="sampan-test-liar:1"))
            seen = (await node.pod(uid)).containers[0]
            assert (seen.labels, seen.annotations, seen.attempt) == ({}, {}, 0)
            await node.remove_all()
        finally:
            client.remove_image("sampan-test-liar:1")


async def test_image_goes_with_all_its_names(node):
    names = [f"sampan-test/goes:{number}" for number in ("1", "2")]
    await asyncio.to_thread(_import_image, names)
    image = await node.runtime.image(names[0])
    assert image is not None
    assert sorted(image.tags) == names
    await node.runtime.remove_image(image.id)
    assert [await node.runtime.image(name) for name in (*names, image.id)] == [None, None, None]
    await node.runtime.remove_image(image.id)


async def test_image_in_use_keeps_all_its_names(node):
    names = [f"sampan-test/stays:{number}" for number in ("1", "2")]
    await asyncio.to_thread(_import_image, names)
    user = await asyncio.to_thread(_docker, "create", names[0], "/nothing")
    image = await node.runtime.image(names[0])
    try:
        with pytest.raises(ContainerRuntimeError, match="is used by container"):
            await node.runtime.remove_image(image.id)
        assert await node.runtime.image(names[1]) == image
    finally:
        await asyncio.to_thread(_docker, "rm", user)
    await node.runtime.remove_image(image.id)
    assert await node.runtime.image(names[0]) is None


async def test_an_image_is_copied_as_its_containers_see_it(node: Node, tmp_path: Path) -> None:
    _, made = await node.start(shell("rm /etc/group; echo hi >/hello; chmod 600 /hello; ln -s /hello /link"))
    with closing(docker.APIClient()) as engine:
        engine.wait(made.removeprefix("docker://"))
        image = engine.commit(made.removeprefix("docker://"))["Id"]
        try:
            folder = tmp_path / "files"
            folder.mkdir()
            await node.runtime.copy_image(image, folder)
        finally:
            engine.remove_image(image)
    assert (folder / "hello").read_text() == "hi\n"
    assert (folder / "hello").stat().st_mode & 0o7777 == 0o600
    assert os.readlink(folder / "link") == "/hello"
    assert (folder / "bin" / "busybox").stat().st_mode & 0o111
    assert sorted(each.name for each in (folder / "etc").iterdir()) == ["passwd"]
    assert not (folder / ".dockerenv").exists()
    assert os.listdir(tmp_path) == ["files"], "no archive is left"


async def test_an_image_that_is_gone_cannot_be_copied(node: Node, tmp_path: Path) -> None:
    with pytest.raises(ContainerRuntimeError, match=r"no such|No such"):
        await node.runtime.copy_image("sha256:" + "0" * 64, tmp_path)


def _import_image(names: list[str]) -> None:
    """One image of its own, so that nobody else's can go."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(f"{names[0]}-{os.getpid()}"))
    _docker("import", "-", names[0], stdin=archive.getvalue())
    _docker("tag", *names)


def _docker(*arguments: str, stdin: bytes | None = None) -> str:
    done = subprocess.run(["docker", *arguments], input=stdin, check=True, capture_output=True)
    return done.stdout.decode().strip()
