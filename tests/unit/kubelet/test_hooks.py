"""Lifecycle hooks, and sandboxes that the engine cannot make, under virtual time."""

from __future__ import annotations

import asyncio

import pytest

from apimachinery.objects import Object
from tests.unit.kubelet.builders import make_container, make_pod
from tests.unit.kubelet.world import living

pytestmark = pytest.mark.looptime


def with_hook(name: str, hook: Object) -> Object:
    return make_container(command=["sh", "-c", "sleep 100000"], lifecycle={name: hook})


async def test_a_hook_of_a_kind_that_there_is_not_fails() -> None:
    async with living() as world:
        world.api.put(make_pod(with_hook("postStart", {"tcpSocket": {"port": 80}})))
        await world.until_waiting("PostStartHookError")
        message = world.state()["waiting"]["message"]
        assert message == "Cannot run handler: invalid handler: tcpSocket"
        assert "FailedPostStartHook: PostStartHook failed" in world.events.seen


async def test_a_pod_that_sleeps_before_it_stops_keeps_running_as_long() -> None:
    async with living() as world:
        world.api.put(make_pod(with_hook("preStop", {"sleep": {"seconds": 7}})))
        await world.until_ready()
        asked = asyncio.get_running_loop().time()
        world.api.delete_pod(grace=30)
        ended = await world.until(lambda: not world.api.pods)
        assert 7 <= ended - asked < 38


async def test_a_user_namespace_that_the_engine_has_not_is_refused_not_forgotten() -> None:
    async with living() as world:
        world.api.put(make_pod(hostUsers=False))
        await world.until(lambda: "FailedCreatePodSandBox" in world.events.reasons())
        assert world.events.seen[0] == (
            'FailedCreatePodSandBox: Failed to create pod sandbox: RuntimeClass handler "" does not support '
            "user namespaces"
        )
        assert await world.engine() == []
