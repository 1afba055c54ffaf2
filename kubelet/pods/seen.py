"""What was seen of a pod: its containers and sandboxes on the engine, and what the probers found out.

Read-only views for the planners (`actions`, `container_status`); nothing here asks an engine anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from apimachinery.objects import Object, name_of, namespace_of, uid_of
from kubelet.runtime.interface import ContainerState, RuntimeContainer, RuntimePod, RuntimeSandbox


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The probers' results by container id; a container that was not judged yet is absent."""

    startup: Mapping[str, bool] = field(default_factory=dict)
    liveness: Mapping[str, bool] = field(default_factory=dict)
    readiness: Mapping[str, bool] = field(default_factory=dict)


NO_VERDICTS = Verdicts()


def newest_sandbox(seen: RuntimePod | None) -> RuntimeSandbox | None:
    if seen is None or not seen.sandboxes:
        return None
    return max(seen.sandboxes, key=lambda each: (each.attempt, each.created_at))


def with_sandbox(seen: RuntimePod | None, pod: Object, sandbox: RuntimeSandbox) -> RuntimePod:
    """With one that has just been made."""
    known = seen or RuntimePod(uid_of(pod), namespace_of(pod), name_of(pod))
    return replace(known, sandboxes=(sandbox, *known.sandboxes))


def containers_named(seen: RuntimePod | None, name: str) -> list[RuntimeContainer]:
    """Newest first."""
    found = [each for each in seen.containers if each.name == name] if seen else []
    return sorted(found, key=lambda each: (each.attempt, each.created_at), reverse=True)


def newest_container(seen: RuntimePod | None, name: str) -> RuntimeContainer | None:
    return next(iter(containers_named(seen, name)), None)


def is_running(container: RuntimeContainer | None) -> bool:
    return container is not None and container.state is ContainerState.RUNNING


def has_ended(container: RuntimeContainer) -> bool:
    """It ran and is over, or it could not be started at all."""
    return container.state is ContainerState.EXITED or (
        container.state is not ContainerState.RUNNING and bool(container.error)
    )


def is_of_sandbox(container: RuntimeContainer, sandbox: RuntimeSandbox | None) -> bool:
    """Whether it was made in this sandbox, not in one that has died before."""
    return sandbox is not None and container.created_at >= sandbox.created_at


def has_started(container: Object, seen: RuntimeContainer | None, verdicts: Verdicts) -> bool:
    """Running, and past its startup probe where it has one."""
    if seen is None or seen.state is not ContainerState.RUNNING:
        return False
    return not container.get("startupProbe") or verdicts.startup.get(seen.id, False)


def running_containers(seen: RuntimePod | None) -> list[RuntimeContainer]:
    return [each for each in seen.containers if is_running(each)] if seen else []
