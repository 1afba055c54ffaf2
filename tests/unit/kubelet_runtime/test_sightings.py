"""What is remembered of the engine's containers, while they change as they are looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from kubelet.runtime.docker.engine import Engine
from kubelet.runtime.docker.errors import NotFoundInEngine
from kubelet.runtime.docker.labels import container_labels
from kubelet.runtime.docker.sightings import Sightings
from tests.unit.kubelet_runtime.configurations import LABELS, WEB

LISTED = {"Id": "c1", "State": "running", "Labels": container_labels("node-a", LABELS, "s1", WEB)}
SANDBOX = {"Id": "s1", "State": "running", "Labels": LABELS}


class SlowEngine:
    """Of one container, whose answers may be held back on their way."""

    def __init__(self) -> None:
        self.memory = 1
        self.listed: Mapping[str, Any] = LISTED
        self.others: list[Mapping[str, Any]] = []
        self.folder = Path()
        self.state = "running"
        self.has_network = False
        self.inspections = 0
        self.is_asked = asyncio.Event()
        self.lets_answers_pass = asyncio.Event()
        self.lets_answers_pass.set()

    async def list_containers(self, filters: Mapping[str, list[str]]) -> list[Mapping[str, Any]]:
        return [self.listed, *self.others]

    async def inspect(self, docker_id: str) -> Mapping[str, Any]:
        self.inspections += 1
        self.is_asked.set()
        answer = {
            "Id": docker_id,
            "Image": "sha256:1",
            "Created": "2026-01-01T00:00:00Z",
            "State": {"Status": self.state, "Running": self.state == "running", "Pid": 7},
            "Config": {
                "Labels": self.listed["Labels"],
                "Image": "busybox",
                "NetworkDisabled": not self.has_network,
            },
            "HostnamePath": "" if self.state == "created" else str(self.folder / "hostname"),
            "ResolvConfPath": str(self.folder / "resolv.conf"),
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


@pytest.mark.parametrize(
    ("network", "files", "containers", "is_ready"),
    [
        pytest.param("none", ["resolv.conf"], [], True, id="set up to the end"),
        pytest.param("none", ["resolv.conf.new"], [], False, id="broken off"),
        pytest.param("none", [], [LISTED], True, id="gone on with"),
        pytest.param("host", ["resolv.conf"], [], False, id="who knows"),
        pytest.param("host", ["resolv.conf"], [LISTED], True, id="on the host, gone on with"),
    ],
)
async def test_a_sandbox_over_which_a_kubelet_may_have_died_is_not_ready(
    tmp_path: Path, network: str, files: list[str], containers: list[Any], is_ready: bool
) -> None:
    for each in files:
        (tmp_path / each).touch()
    engine = SlowEngine()
    engine.listed, engine.others, engine.folder = SANDBOX, containers, tmp_path
    engine.has_network = network == "host"
    pod = await Sightings(cast(Engine, engine), "node-a").pod("uid-1")
    assert pod is not None
    assert [each.ready for each in pod.sandboxes] == [is_ready]


async def test_a_sandbox_that_was_never_started_is_not_ready() -> None:
    engine = SlowEngine()
    engine.listed, engine.state = {**SANDBOX, "State": "created"}, "created"
    pod = await Sightings(cast(Engine, engine), "node-a").pod("uid-1")
    assert pod is not None
    assert [each.ready for each in pod.sandboxes] == [False]


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
