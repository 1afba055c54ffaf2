"""Pull policies, back-off and events, on the hollow runtime under virtual time."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from kubelet.images.manager import ImageManager, PullLimits
from kubelet.runtime.hollow import HollowImages, HollowRuntime
from kubelet.runtime.interface import ContainerRuntimeError

pytestmark = pytest.mark.looptime


class Events:
    def __init__(self) -> None:
        self.seen: list[str] = []
        self.about: list[Any] = []

    def event(self, obj: Any, type: str, reason: str, message: str, annotations: Any = None) -> None:
        self.seen.append(f"{type} {reason} {message}")
        self.about.append(obj)


class Node:
    def __init__(self, **options: Any) -> None:
        self.images = HollowImages(["here:1"], pull_latency=1.0)
        self.events = Events()
        runtime = HollowRuntime(now=lambda: datetime(2026, 1, 1, tzinfo=UTC), images=self.images)
        self.manager = ImageManager(runtime, self.events, PullLimits(**options))

    async def ensure(
        self, image: str, policy: str = "IfNotPresent", secrets: Any = (), uid: str = "u"
    ) -> str:
        container = {"name": "web", "image": image, "imagePullPolicy": policy}
        pod = {"metadata": {"name": "p", "namespace": "n", "uid": uid}, "spec": {"containers": [container]}}
        try:
            return (await self.manager.ensure(pod, container, secrets)).tags[0]
        except ContainerRuntimeError as error:
            return f"{error.reason}: {error}"


@pytest.fixture
def node() -> Node:
    return Node()


NEVER = 'Container image "x:1" is not present with pull policy of Never'
BAD_NAME = 'Failed to apply default image tag "!!": couldn\'t parse image name "!!": invalid reference format'
PULLED = (
    'Normal Pulled Successfully pulled image "{0}" in 1s (1s including waiting). Image size: 1048576 bytes.'
)


@pytest.mark.parametrize(
    ("image", "policy", "answer", "events"),
    [
        pytest.param(
            "here:1", "IfNotPresent", "here:1",
            ['Normal Pulled Container image "here:1" already present on machine'], id="present",
        ),
        pytest.param(
            "here:1", "Never", "here:1",
            ['Normal Pulled Container image "here:1" already present on machine'], id="present, never",
        ),
        pytest.param(
            "here:1", "Always", "here:1",
            ['Normal Pulling Pulling image "here:1"', PULLED.format("here:1")], id="present, always",
        ),
        pytest.param(
            "x", "IfNotPresent", "x:latest",
            ['Normal Pulling Pulling image "x"', PULLED.format("x")], id="absent",
        ),
        pytest.param(
            "x:1", "Never", f"ErrImageNeverPull: {NEVER}",
            [f"Warning ErrImageNeverPull {NEVER}", "Warning Failed Error: ErrImageNeverPull"],
            id="absent, never",
        ),
        pytest.param(
            "!!", "IfNotPresent", f"InvalidImageName: {BAD_NAME}",
            [f"Warning InspectFailed {BAD_NAME}", "Warning Failed Error: InvalidImageName"],
            id="no name at all",
        ),
    ],
)  # fmt: skip
async def test_policy_decides(node, image, policy, answer, events):
    assert await node.ensure(image, policy) == answer
    assert node.events.seen == events
    assert node.events.about[0]["fieldPath"] == "spec.containers{web}"


async def test_failed_pull_backs_off_and_remembers_why(node):
    node.images.fail("bad:1", "manifest unknown")
    assert await node.ensure("bad:1") == "ErrImagePull: manifest unknown"
    answer = await node.ensure("bad:1")
    assert answer == 'ImagePullBackOff: Back-off pulling image "bad:1": ErrImagePull: manifest unknown'
    assert node.events.seen == [
        'Normal Pulling Pulling image "bad:1"',
        'Warning Failed Failed to pull image "bad:1": manifest unknown',
        "Warning Failed Error: ErrImagePull",
        'Normal BackOff Back-off pulling image "bad:1"',
        "Warning Failed Error: ImagePullBackOff",
    ]


async def test_backoff_doubles_to_five_minutes_and_another_pod_does_not_wait(node):
    node.images.fail("bad:1", "no")
    answers = []
    for _ in range(620):
        answers.append((await node.ensure("bad:1")).partition(":")[0])
        await asyncio.sleep(1)
    pulls = [second for second, answer in enumerate(answers) if answer == "ErrImagePull"]
    waits = [later - sooner for sooner, later in itertools.pairwise(pulls)]
    assert waits[:5] == [10, 20, 40, 80, 160]
    assert (await node.ensure("bad:1", uid="other")).startswith("ErrImagePull")


async def test_healed_registry_ends_the_backoff(node):
    node.images.fail("bad:1", "no")
    await node.ensure("bad:1")
    node.images.fail("bad:1", "")
    await asyncio.sleep(10)
    assert await node.ensure("bad:1") == "bad:1"


async def test_pulls_go_one_by_one_unless_parallel_is_asked_for():
    for options, expected in [
        ({}, 3.0),
        ({"serialize": False}, 1.0),
        ({"serialize": False, "parallel": 2}, 2.0),
    ]:
        node = Node(**options)
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(node.ensure(f"x:{number}") for number in range(3)))
        assert asyncio.get_running_loop().time() - began == expected


async def test_success_does_not_shorten_the_next_backoff(node):
    node.images.fail("bad:1", "no")
    await node.ensure("bad:1", "Always")
    await asyncio.sleep(10)
    node.images.fail("bad:1", "")
    await node.ensure("bad:1", "Always")
    node.images.fail("bad:1", "no")
    await node.ensure("bad:1", "Always")
    await asyncio.sleep(19)
    assert (await node.ensure("bad:1", "Always")).startswith("ImagePullBackOff")


async def test_pulls_beyond_the_rate_fail_and_back_off():
    node = Node(serialize=False, qps=1, burst=2)
    answers = await asyncio.gather(*(node.ensure(f"x:{number}") for number in range(3)))
    assert answers == ["x:0", "x:1", "ErrImagePull: pull QPS exceeded"]
    assert 'Warning Failed Failed to pull image "x:2": pull QPS exceeded' in node.events.seen
    assert (await node.ensure("x:2")).endswith('image "x:2": ErrImagePull: pull QPS exceeded')
    assert await node.ensure("x:3") == "x:3"
    await asyncio.sleep(10)
    assert await node.ensure("x:2") == "x:2"


async def test_secret_of_the_pod_opens_a_private_registry(node):
    node.images.protect("reg.io/app:1", "me", "pw")
    auths = {"auths": {"reg.io": {"username": "me", "password": "pw"}}}
    secret = {"data": {".dockerconfigjson": base64.b64encode(json.dumps(auths).encode()).decode()}}
    assert (await node.ensure("reg.io/app:1", uid="a")).startswith("ErrImagePull")
    assert await node.ensure("reg.io/app:1", secrets=[secret], uid="b") == "reg.io/app:1"
