"""A runtime whose operations are counted."""

from __future__ import annotations

from typing import Any, cast

import pytest
from prometheus_client import REGISTRY

from kubelet.runtime.interface import ContainerRuntimeError, Runtime
from kubelet.runtime.observed import observed


class Engine:
    closed = False

    async def start_container(self, container_id: str) -> None:
        if container_id == "bad":
            raise ContainerRuntimeError("no")

    async def aclose(self) -> None:
        self.closed = True


def count(name: str) -> float:
    labels: dict[str, Any] = {"operation_type": "start_container"}
    return REGISTRY.get_sample_value(f"kubelet_runtime_operations_{name}", labels) or 0


async def test_operations_and_their_errors_are_counted_and_timed() -> None:
    engine = Engine()
    runtime = observed(cast(Runtime, engine))
    names = ("total", "errors_total", "duration_seconds_count")
    before = [count(name) for name in names]
    await runtime.start_container("good")
    with pytest.raises(ContainerRuntimeError):
        await runtime.start_container("bad")
    await runtime.aclose()
    assert [count(name) - was for name, was in zip(names, before, strict=True)] == [2, 1, 2]
    assert engine.closed
