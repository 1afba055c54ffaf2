"""What a hollow node has used goes on counting, whatever becomes of its containers."""

from __future__ import annotations

from apimachinery.objects import Object
from kubelet.runtime.usage import ContainerUsage
from kubelet.stats.hollow import IDLE_CPU, IDLE_MEMORY, PERIOD, HollowUsage


def pod(name: str, node: str) -> Object:
    statuses = [{"name": "c", "containerID": f"hollow://{name}"}]
    return {
        "metadata": {"name": name, "uid": name},
        "spec": {"nodeName": node},
        "status": {"containerStatuses": statuses},
    }


class World:
    """Pods a and b on n1, c on n2; each container has used as many nanoseconds as `used` says."""

    def __init__(self) -> None:
        self.used = {"a": 100, "b": 20, "c": 7}
        self.time = 0.0
        self.looks = 0
        pods = [pod("a", "n1"), pod("b", "n1"), pod("c", "n2")]
        self.usages = HollowUsage(self, lambda: pods, lambda: self.time)  # type: ignore[arg-type]

    async def usage(self) -> dict[str, ContainerUsage]:
        self.looks += 1
        return {f"hollow://{name}": ContainerUsage(used, 1, 64, 1) for name, used in self.used.items()}

    async def node(self, name: str) -> tuple[int, int]:
        """Beside what it uses by itself."""
        usage = (await self.usages.of(name)).usage
        idle = int(self.time * IDLE_CPU * 1e9)
        return usage.cpu_nanoseconds - idle, usage.memory_working_set - IDLE_MEMORY


async def test_a_node_uses_what_its_containers_do() -> None:
    world = World()
    assert [await world.node(each) for each in ("n1", "n2", "other")] == [(120, 128), (7, 64), (0, 0)]
    assert world.looks == 1
    world.time = PERIOD / 2
    assert (await world.usages.of("n1")).time == 0.0


async def test_time_that_was_used_is_not_given_back() -> None:
    world = World()
    await world.node("n1")
    world.time, world.used = PERIOD, {"b": 30}
    assert await world.node("n1") == (130, 64)
    assert [stats.usage.keys() for _, stats in (await world.usages.of("n1")).pods] == [set(), {"c"}]
