"""What is remembered of the engine's containers, while they change as they are looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

from kubelet.runtime.docker.engine import Engine
from kubelet.runtime.docker.errors import NotFoundInEngine
from kubelet.runtime.docker.labels import container_labels
from kubelet.runtime.docker.sightings import Sightings
from tests.unit.kubelet_runtime.test_docker_requests import LABELS, WEB

LISTED = {"Id": "c1", "State": "running", "Labels": container_labels("node-a", LABELS, "s1", WEB)}
SANDBOX = {"Id": "s1", "State": "running", "Labels": LABELS}


class SlowEngine:
    """Of one container, whose answers may be held back on their way."""

    def __init__(self) -> None:
        self.memory = 1
        self.listed: Mapping[str, Any] = LISTED
        self.inspections = 0
        self.is_asked = asyncio.Event()
        self.lets_answers_pass = asyncio.Event()
        self.lets_answers_pass.set()

    async def list_containers(self, filters: Mapping[str, list[str]]) -> list[Mapping[str, Any]]:
        return [self.listed]

    async def inspect(self, docker_id: str) -> Mapping[str, Any]:
        self.inspections += 1
        self.is_asked.set()
        answer = {
            "Id": docker_id,
            "Image": "sha256:1",
            "Created": "2026-01-01T00:00:00Z",
            "State": {"Status": "running", "Running": True, "Pid": 7},
            "Config": {"Labels": self.listed["Labels"], "Image": "busybox"},
            "HostConfig": {"Memory": self.memory},
        }
        await self.lets_answers_pass.wait()
        return answer

    async def look(self, path: str) -> object:
        raise NotFoundInEngine("no such image")


async def memory_of(sightings: Sightings) -> int:
    pod = await sightings.pod("uid-1")
    assert pod is not None
    [container] = pod.containers
    assert container.resources is not None
    return container.resources.memory_limit


async def test_a_container_is_inspected_once_until_it_changes() -> None:
    engine = SlowEngine()
    sightings = Sightings(cast(Engine, engine), "node-a")
    assert [await memory_of(sightings) for _ in range(2)] == [1, 1]
    engine.memory = 2
    sightings.has_changed("c1")
    assert [await memory_of(sightings) for _ in range(2)] == [2, 2]
    assert engine.inspections == 2


async def test_a_start_is_no_news_of_what_was_seen_to_run() -> None:
    engine = SlowEngine()
    sightings = Sightings(cast(Engine, engine), "node-a")
    for _ in range(2):
        sightings.has_started("c1")
        await memory_of(sightings)
    assert engine.inspections == 1


async def test_a_sandbox_that_was_just_made_is_not_inspected_again() -> None:
    engine = SlowEngine()
    engine.listed = SANDBOX
    sightings = Sightings(cast(Engine, engine), "node-a")
    made = sightings.see_sandbox(await engine.inspect("s1"))
    sightings.has_started("s1")
    pod = await sightings.pod("uid-1")
    assert pod is not None
    assert (pod.sandboxes, engine.inspections) == ((made,), 1)


async def test_a_change_during_the_look_is_not_lost() -> None:
    engine = SlowEngine()
    sightings = Sightings(cast(Engine, engine), "node-a")
    engine.lets_answers_pass.clear()
    look = asyncio.create_task(memory_of(sightings))
    await engine.is_asked.wait()
    engine.memory = 2
    sightings.has_changed("c1")
    engine.lets_answers_pass.set()
    assert await look == 1
    assert await memory_of(sightings) == 2
