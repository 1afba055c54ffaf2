"""From granted resources to what running containers have: changed as they run, or by a restart. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from apimachinery.errors import aggregate
from apimachinery.objects import Object
from apimachinery.pods import all_containers
from kubelet.containers.resources import memory_request
from kubelet.pods.seen import is_running, newest_container
from kubelet.runtime.interface import Resources, RuntimeContainer, RuntimePod

MEMORY_REQUEST_ANNOTATION = "sampan.io/memory-request"
"""What a container had asked for when it was made, in bytes: no engine knows.

Where it counts it stays true: who is restarted for memory never gets other memory without.
"""


@dataclass(frozen=True, slots=True)
class UpdateContainer:
    id: str
    name: str
    resources: Resources
    memory_before: int = 0
    """Bytes of its limit until now; 0: none."""

    @property
    def lowers_memory(self) -> bool:
        limit = self.resources.memory_limit
        return limit > 0 and (self.memory_before == 0 or limit < self.memory_before)


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
        restarting = _restarting(container)
        if changed & restarting or ("memory" in restarting and _asks_for_other_memory(container, newest)):
            restart.add(container["name"])
        elif changed:
            before = newest.resources.memory_limit
            update.append(UpdateContainer(newest.id, container["name"], wanted, before))
    return ResizePlan(tuple(update), frozenset(restart))


def why_not_lowered(update: Sequence[UpdateContainer], pod_limit: int, usage: Mapping[str, int]) -> str:
    """Why limits of memory can't be had now, in upstream's words, or ''.

    `usage` is of all containers of the pod that run, in bytes by id. `pod_limit` is 0 where the pod has none.
    """
    errors = []
    if pod_limit and _lowers_pod(update) and sum(usage.values()) >= pod_limit:
        errors.append(_below_usage("pod", pod_limit, sum(usage.values())))
    for each in update:
        limit, used = each.resources.memory_limit, usage.get(each.id, 0)
        if each.lowers_memory and used >= limit:
            errors.append(_below_usage(f'container "{each.name}"', limit, used))
    return f"cannot decrease memory limits: {aggregate(errors)}" if errors else ""


def _lowers_pod(update: Sequence[UpdateContainer]) -> bool:
    is_new = any(each.lowers_memory and not each.memory_before for each in update)
    return is_new or sum(each.resources.memory_limit - each.memory_before for each in update) < 0


def _below_usage(what: str, limit: int, used: int) -> str:
    return f"attempting to set {what} memory limit ({limit}) below current usage ({used})"


def _changed(actual: Resources, wanted: Resources) -> Iterator[str]:
    if (actual.cpu_shares, actual.cpu_quota) != (wanted.cpu_shares, wanted.cpu_quota):
        yield "cpu"
    if actual.memory_limit != wanted.memory_limit:
        yield "memory"


def _asks_for_other_memory(container: Object, made: RuntimeContainer) -> bool:
    asked = made.annotations.get(MEMORY_REQUEST_ANNOTATION)
    return asked is not None and asked != str(memory_request(container))


def _restarting(container: Object) -> set[str]:
    policies = container.get("resizePolicy") or ()
    return {each["resourceName"] for each in policies if each["restartPolicy"] == "RestartContainer"}
