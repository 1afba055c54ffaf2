"""The plan for a pod: a pure function from (wanted, seen) to what is to be done, in upstream's order.

Owns which sandbox and containers start or die. Knows nothing of time: to wait before a restart is up to
`ContainerStarter`, which starts them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import cast

import orjson

from apimachinery.objects import Object
from apimachinery.pods import is_sidecar, restarts_after
from kubelet.pods.seen import (
    NO_VERDICTS,
    Verdicts,
    has_started,
    is_of_sandbox,
    is_running,
    newest_container,
    newest_sandbox,
)
from kubelet.runtime.interface import ContainerState, RuntimeContainer, RuntimePod, RuntimeSandbox

HASH_ANNOTATION = "io.kubernetes.container.hash"
_START_ERROR = 128
"""What counts as the exit code of a container that could not be started."""


class KillReason(StrEnum):
    LIVENESS = "LivenessProbe"
    STARTUP = "StartupProbe"
    CHANGED = "Changed"
    RESIZED = "Resized"


@dataclass(frozen=True, slots=True)
class KillContainer:
    id: str
    name: str
    message: str
    """What the Killing event says."""
    reason: KillReason


@dataclass(frozen=True, slots=True)
class PodActions:
    """What one sync is to do: kill, then the sandbox, then starts in this order."""

    kill_pod: bool = False
    create_sandbox: bool = False
    attempt: int = 0
    """Of the sandbox to create."""
    sandbox_id: str = ""
    """The one to go on in."""
    kill: tuple[KillContainer, ...] = ()
    start: tuple[str, ...] = ()
    """Ephemeral containers, then an init container or the containers."""


def container_hash(container: Object) -> str:
    """Changes when a running container has to be replaced.

    Only name and image can (as upstream since 1.31).
    """
    picked = {"name": container.get("name"), "image": container.get("image")}
    return hashlib.blake2s(orjson.dumps(picked, option=orjson.OPT_SORT_KEYS), digest_size=4).hexdigest()


def restart_policy(pod: Object, container: Object) -> str:
    """The container's own policy, or the pod's: what counts as long as it runs.

    Init containers of an Always pod are retried only.
    """
    own = container.get("restartPolicy")
    return cast(str, own or (pod.get("spec") or {}).get("restartPolicy") or "Always")


def should_restart(pod: Object, container: Object, newest: RuntimeContainer | None) -> bool:
    """Whether a regular container that does not run is to run (again)."""
    if newest is None or newest.state in (ContainerState.UNKNOWN, ContainerState.CREATED):
        return newest is None or not newest.error or _restarts_after(pod, container, _START_ERROR)
    if newest.state is ContainerState.RUNNING:
        return False
    return _restarts_after(pod, container, newest.exit_code)


def _restarts_after(pod: Object, container: Object, exit_code: int) -> bool:
    return restarts_after(pod.get("spec") or {}, container, exit_code)


def restarts_after_failure(pod: Object, container: Object, newest: RuntimeContainer) -> bool:
    """Whether an init container that has failed is tried again."""
    return _restarts_after(pod, container, newest.exit_code or _START_ERROR)


def compute_pod_actions(
    pod: Object,
    seen: RuntimePod | None,
    verdicts: Verdicts = NO_VERDICTS,
    resized: Collection[str] = (),
) -> PodActions:
    """What brings the pod nearer to its spec; `resized` containers get their new resources by a restart."""
    sandbox = newest_sandbox(seen)
    if sandbox is None or not sandbox.ready:
        return _with_new_sandbox(pod, seen, sandbox)
    if _is_initialized(pod, seen, sandbox):
        actions = _running(pod, seen, sandbox, verdicts, resized)
    else:
        actions = _initializing(pod, seen, sandbox, verdicts)
    return actions if actions.kill_pod else replace(actions, start=(*_ephemeral(pod, seen), *actions.start))


def _ephemeral(pod: Object, seen: RuntimePod | None) -> list[str]:
    """Ephemeral containers that have not been made yet: they are started once, and keep no pod alive."""
    wanted = (pod.get("spec") or {}).get("ephemeralContainers") or ()
    return [each["name"] for each in wanted if newest_container(seen, each["name"]) is None]


def _with_new_sandbox(pod: Object, seen: RuntimePod | None, sandbox: RuntimeSandbox | None) -> PodActions:
    """All containers share the sandbox that is gone: whatever runs dies, what is still wanted starts anew."""
    attempt = sandbox.attempt + 1 if sandbox else 0
    spec = pod.get("spec") or {}
    if not _may_restart(spec) and attempt and seen is not None and seen.containers:
        return PodActions(kill_pod=True)
    wanted = [each for each in spec.get("containers") or () if _wanted_anew(pod, seen, each)]
    if not wanted:
        return PodActions(kill_pod=True)
    inits = spec.get("initContainers") or []
    first = (inits[0]["name"],) if inits else tuple(each["name"] for each in wanted)
    return PodActions(kill_pod=sandbox is not None, create_sandbox=True, attempt=attempt, start=first)


def _may_restart(spec: Object) -> bool:
    """Whether anything of the pod runs again after its end, whatever that is."""
    own = any(
        each.get("restartPolicyRules") or each.get("restartPolicy") in ("Always", "OnFailure")
        for each in spec.get("containers") or ()
    )
    return own or spec.get("restartPolicy") != "Never"


def _wanted_anew(pod: Object, seen: RuntimePod | None, container: Object) -> bool:
    """What ran till now has no exit code that rules could be about: its policy decides."""
    newest = newest_container(seen, container["name"])
    if newest is not None and newest.state is ContainerState.RUNNING:
        return restart_policy(pod, container) != "Never"
    if newest is None or newest.state is not ContainerState.EXITED:
        return True
    return _restarts_after(pod, container, newest.exit_code)


def _is_initialized(pod: Object, seen: RuntimePod | None, sandbox: RuntimeSandbox) -> bool:
    """A regular container in this sandbox proves that the init containers have done their work."""
    if seen is None:
        return False
    regular = {each["name"] for each in (pod.get("spec") or {}).get("containers") or ()}
    return any(each.name in regular and is_of_sandbox(each, sandbox) for each in seen.containers)


def _initializing(
    pod: Object, seen: RuntimePod | None, sandbox: RuntimeSandbox, verdicts: Verdicts
) -> PodActions:
    """One init container after the other; a sidecar only has to have started."""
    kill: list[KillContainer] = []
    start: list[str] = []
    for container in (pod.get("spec") or {}).get("initContainers") or ():
        newest = newest_container(seen, container["name"])
        if newest is not None and not is_of_sandbox(newest, sandbox):
            newest = None
        if is_sidecar(container):
            doom = _doom(container, newest, verdicts)
            kill += [_kill_sidecar(newest, doom)] if newest and doom else []
            if doom or not is_running(newest):
                start.append(container["name"])
            if not has_started(container, newest, verdicts):
                return PodActions(sandbox_id=sandbox.id, kill=tuple(kill), start=tuple(start))
        elif newest is None or newest.state is not ContainerState.EXITED or newest.exit_code:
            return _init_step(pod, container, newest, sandbox, kill=kill, start=start)
    start += [each["name"] for each in (pod.get("spec") or {}).get("containers") or ()]
    return PodActions(sandbox_id=sandbox.id, kill=tuple(kill), start=tuple(start))


def _init_step(
    pod: Object,
    container: Object,
    newest: RuntimeContainer | None,
    sandbox: RuntimeSandbox,
    *,
    kill: list[KillContainer],
    start: list[str],
) -> PodActions:
    """An init container that is not done holds all that follow."""
    if newest is not None and newest.state is ContainerState.RUNNING:
        return PodActions(sandbox_id=sandbox.id, kill=tuple(kill), start=tuple(start))
    failed = newest is not None and (newest.state is ContainerState.EXITED or bool(newest.error))
    if failed and newest is not None and not restarts_after_failure(pod, container, newest):
        return PodActions(kill_pod=True)
    return PodActions(sandbox_id=sandbox.id, kill=tuple(kill), start=(*start, container["name"]))


def _running(
    pod: Object,
    seen: RuntimePod | None,
    sandbox: RuntimeSandbox,
    verdicts: Verdicts,
    resized: Collection[str],
) -> PodActions:
    kill: list[KillContainer] = []
    start: list[str] = []
    kept = 0
    for container in (pod.get("spec") or {}).get("containers") or ():
        newest = newest_container(seen, container["name"])
        if newest is None or not is_running(newest):
            if should_restart(pod, container, newest):
                start.append(container["name"])
            continue
        doom = _doom(container, newest, verdicts, resized)
        if doom is None:
            kept += 1
            continue
        again = doom in (KillReason.CHANGED, KillReason.RESIZED) or restart_policy(pod, container) != "Never"
        kill.append(_kill(newest, doom, again=again))
        start += [container["name"]] if again else []
    if not kept and not start:
        return PodActions(kill_pod=True)
    sidecars_kill, sidecars_start = _sidecars(pod, seen, verdicts, resized)
    return PodActions(sandbox_id=sandbox.id, kill=(*sidecars_kill, *kill), start=(*sidecars_start, *start))


def _sidecars(
    pod: Object, seen: RuntimePod | None, verdicts: Verdicts, resized: Collection[str]
) -> tuple[list[KillContainer], list[str]]:
    """Restartable init containers of an initialized pod: kept running like any container."""
    kill: list[KillContainer] = []
    start: list[str] = []
    for container in (pod.get("spec") or {}).get("initContainers") or ():
        if not is_sidecar(container):
            continue
        newest = newest_container(seen, container["name"])
        doom = _doom(container, newest, verdicts, resized)
        kill += [_kill_sidecar(newest, doom)] if newest and doom else []
        if doom or not is_running(newest):
            start.append(container["name"])
    return kill, start


def _doom(
    container: Object, newest: RuntimeContainer | None, verdicts: Verdicts, resized: Collection[str] = ()
) -> KillReason | None:
    """Why a container that runs has to die."""
    if newest is None or newest.state is not ContainerState.RUNNING:
        return None
    if newest.annotations.get(HASH_ANNOTATION) not in (None, container_hash(container)):
        return KillReason.CHANGED
    if verdicts.liveness.get(newest.id) is False:
        return KillReason.LIVENESS
    if verdicts.startup.get(newest.id) is False:
        return KillReason.STARTUP
    return KillReason.RESIZED if newest.name in resized else None


_WORDS = {
    KillReason.CHANGED: "definition changed",
    KillReason.LIVENESS: "failed liveness probe",
    KillReason.STARTUP: "failed startup probe",
    KillReason.RESIZED: "resize requires restart",
}


def _kill(newest: RuntimeContainer, reason: KillReason, *, again: bool) -> KillContainer:
    ending = ", will be restarted" if again and reason is not KillReason.RESIZED else ""
    return KillContainer(newest.id, newest.name, f"Container {newest.name} {_WORDS[reason]}{ending}", reason)


def _kill_sidecar(newest: RuntimeContainer, reason: KillReason) -> KillContainer:
    """It always runs again; nothing is said of it."""
    subject = "Container" if reason is KillReason.RESIZED else "Init container"
    return KillContainer(newest.id, newest.name, f"{subject} {newest.name} {_WORDS[reason]}", reason)
