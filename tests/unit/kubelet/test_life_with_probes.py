"""What probes do to pods, from the API to the engine and back, under virtual time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.kubelet.builders import make_container, make_pod
from tests.unit.kubelet.world import World, living

pytestmark = pytest.mark.looptime

FOREVER = ["sh", "-c", "sleep 100000"]
FAILING = {"exec": {"command": ["false"]}, "periodSeconds": 5, "failureThreshold": 3}


async def _restarted_by(world: World, **probes: Any) -> float:
    world.api.put(make_pod(make_container(command=FOREVER, **probes)))
    return await world.until_restarted(1)


async def test_liveness_restarts_after_its_threshold() -> None:
    async with living() as world:
        assert 10 <= await _restarted_by(world, livenessProbe=FAILING) < 42
        assert "Killing: Container web failed liveness probe, will be restarted" in world.events.seen
        assert world.events.reasons().count("Unhealthy") >= 3


async def test_startup_holds_liveness_back() -> None:
    async with living() as world:
        startup = {"exec": {"command": ["true"]}, "initialDelaySeconds": 60, "periodSeconds": 5}
        at = await _restarted_by(world, startupProbe=startup, livenessProbe=FAILING)
        assert 70 <= at < 102


async def test_a_startup_probe_that_fails_restarts() -> None:
    async with living() as world:
        await _restarted_by(world, startupProbe=FAILING)
        assert "Killing: Container web failed startup probe, will be restarted" in world.events.seen


async def test_readiness_follows_the_probe() -> None:
    async with living() as world:
        readiness = {"httpGet": {"port": 80}, "initialDelaySeconds": 7, "periodSeconds": 5}
        world.api.put(make_pod(make_container(command=FOREVER, readinessProbe=readiness)))
        assert 7 <= await world.until_ready() < 8
