"""From granted resources to what running containers have: changed as they run, or by a restart. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from apimachinery.objects import Object
from apimachinery.pods import all_containers
from kubelet.pods.seen import is_running, newest_container
from kubelet.runtime.interface import Resources, RuntimePod


@dataclass(frozen=True, slots=True)
class UpdateContainer:
    id: str
    name: str
    resources: Resources


@dataclass(frozen=True, slots=True)
class ResizePlan:
    update: tuple[UpdateContainer, ...] = ()
    restart: frozenset[str] = frozenset()
    """Containers that ask to be restarted when this resource changes."""

    @property
    def names(self) -> frozenset[str]:
        """Containers that do not have yet what they were granted."""
        return self.restart | {each.name for each in self.update}


def plan_resize(
    pod: Object, seen: RuntimePod | None, resources_for: Callable[[Object], Resources]
) -> ResizePlan:
    update: list[UpdateContainer] = []
    restart: set[str] = set()
    for container in all_containers(pod["spec"]):
        newest = newest_container(seen, container["name"])
        if newest is None or not is_running(newest) or newest.resources is None:
            continue
        wanted = resources_for(container)
        changed = set(_changed(newest.resources, wanted))
        if changed & _restarting(container):
            restart.add(container["name"])
        elif changed:
            update.append(UpdateContainer(newest.id, container["name"], wanted))
    return ResizePlan(tuple(update), frozenset(restart))


def _changed(actual: Resources, wanted: Resources) -> Iterator[str]:
    if (actual.cpu_shares, actual.cpu_quota) != (wanted.cpu_shares, wanted.cpu_quota):
        yield "cpu"
    if actual.memory_limit != wanted.memory_limit:
        yield "memory"


def _restarting(container: Object) -> set[str]:
    policies = container.get("resizePolicy") or ()
    return {each["resourceName"] for each in policies if each["restartPolicy"] == "RestartContainer"}
