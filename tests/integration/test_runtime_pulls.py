"""Real pulls from a registry on loopback, with and without a password."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from typing import Any

import pytest

from kubelet.images.manager import ImageManager
from kubelet.runtime.interface import ContainerRuntimeError, ImagePullError, PullCredentials
from tests.integration.runtime_twins import IMAGE, Node, docker_node, require_docker

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(shutil.which("docker-registry") is None, reason="needs the package docker-registry"),
]

_PASSWORD_FILE = "me:$2b$04$R0QtL/xDfvQ1BaY3SGgf9.oqLA1UOOLWpj9bYioBn1XJ7ELP5mCdS\n"
ME = PullCredentials("me", "secret")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_for(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the registry does not answer")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """host:port of a registry that holds app:1 and wants a password."""
    require_docker()
    folder, port = tmp_path_factory.mktemp("registry"), free_port()
    (folder / "password").write_text(_PASSWORD_FILE)
    config = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": f"127.0.0.1:{port}"},
        "auth": {"htpasswd": {"realm": "test", "path": str(folder / "password")}},
    }
    (folder / "config.json").write_text(json.dumps(config))
    server = subprocess.Popen(["docker-registry", "serve", folder / "config.json"], stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        _push(f"127.0.0.1:{port}/team/app")
        yield f"127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _push(repository: str) -> None:
    import docker

    with closing(docker.APIClient(version="auto")) as client:
        client.tag(IMAGE, repository, "1")
        said = client.push(repository, "1", auth_config={"username": "me", "password": "secret"})
        client.remove_image(f"{repository}:1", noprune=True)
    assert "errorDetail" not in said, said


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    require_docker()
    async with docker_node() as made:
        yield made


async def forget(node: Node, image: str) -> None:
    """Only the name goes: the image has others."""
    await node.runtime.remove_image(image)


async def test_image_is_pulled_with_the_right_password(node, registry):
    image = f"{registry}/team/app:1"
    pulled = await node.runtime.pull_image(image, [PullCredentials("me", "wrong"), ME])
    assert image in pulled.tags
    assert any(each.startswith(f"{registry}/team/app@sha256:") for each in pulled.digests)
    await forget(node, image)


@pytest.mark.parametrize(
    ("path", "credentials", "words"),
    [
        ("team/app:1", (), "no basic auth credentials"),
        ("team/app:1", (PullCredentials("me", "wrong"),), "unauthorized"),
        ("team/app:absent", (ME,), "manifest unknown"),
        ("team/none:1", (ME,), "manifest unknown"),
    ],
    ids=["no password", "wrong password", "absent tag", "absent repository"],
)
async def test_refused_pull_says_why(node, registry, path, credentials, words):
    with pytest.raises(ImagePullError, match=words):
        await node.runtime.pull_image(f"{registry}/{path}", credentials)


async def test_image_is_pulled_by_its_digest(node, registry):
    image = f"{registry}/team/app:1"
    pulled = await node.runtime.pull_image(image, [ME])
    digest = next(each for each in pulled.digests if each.startswith(registry))
    await forget(node, image)
    again = await node.runtime.pull_image(digest, [ME])
    assert digest in again.digests
    await forget(node, digest)


async def test_registry_that_is_not_there_is_said_so(node):
    with pytest.raises(ImagePullError, match="connection refused"):
        await node.runtime.pull_image(f"127.0.0.1:{free_port()}/x:1", ())


class Events:
    def __init__(self) -> None:
        self.reasons: list[str] = []

    def event(self, obj: Any, type: str, reason: str, message: str) -> None:
        self.reasons.append(reason)


async def test_pods_secret_opens_the_registry(node, registry):
    events, image = Events(), f"{registry}/team/app:1"
    manager = ImageManager(node.runtime, events)
    container = {"name": "web", "image": image, "imagePullPolicy": "IfNotPresent"}
    pod = {"metadata": {"name": "p", "namespace": "n", "uid": "u"}, "spec": {"containers": [container]}}
    auths = {registry: {"auth": base64.b64encode(b"me:secret").decode()}}
    secret = {"data": {".dockerconfigjson": base64.b64encode(json.dumps({"auths": auths}).encode()).decode()}}
    with pytest.raises(ContainerRuntimeError):
        await manager.ensure(pod, container, ())
    manager.forget_pod("u")
    pulled = await manager.ensure(pod, container, [secret])
    assert image in pulled.tags
    assert (await manager.ensure(pod, container, [secret])).id == pulled.id
    assert events.reasons == ["Pulling", "Failed", "Failed", "Pulling", "Pulled", "Pulled"]
    await forget(node, image)
