"""Real pulls from a registry on loopback, with and without a password."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from kubelet.images.manager import ImageManager
from kubelet.runtime.interface import ContainerRuntimeError, ImagePullError, PullCredentials
from tests.fakes.docker_registry import free_port, running_registry
from tests.integration.runtime_twins import require_docker

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(shutil.which("docker-registry") is None, reason="needs the package docker-registry"),
]

ME = PullCredentials("me", "secret")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    require_docker()
    with running_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


async def test_image_is_pulled_with_the_right_password(node, registry):
    image = f"{registry}/team/app:1"
    pulled = await node.runtime.pull_image(image, [PullCredentials("me", "wrong"), ME])
    assert image in pulled.tags
    assert any(each.startswith(f"{registry}/team/app@sha256:") for each in pulled.digests)
    await node.runtime.remove_image(image)


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
    await node.runtime.remove_image(image)
    again = await node.runtime.pull_image(digest, [ME])
    assert digest in again.digests
    await node.runtime.remove_image(digest)


async def test_registry_that_is_not_there_is_said_so(node):
    with pytest.raises(ImagePullError, match="connection refused"):
        await node.runtime.pull_image(f"127.0.0.1:{free_port()}/x:1", ())


class Events:
    def __init__(self) -> None:
        self.reasons: list[str] = []

    def event(self, obj: Any, type: str, reason: str, message: str, annotations: Any = None) -> None:
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
    await node.runtime.remove_image(image)


async def test_wrong_password_is_not_followed_by_a_try_without(node, registry):
    with pytest.raises(ImagePullError) as refused:
        await node.runtime.pull_image(f"{registry}/team/app:1", [PullCredentials("me", "wrong")])
    assert "no basic auth credentials" not in str(refused.value)
