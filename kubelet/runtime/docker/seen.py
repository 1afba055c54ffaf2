"""What Docker's answers say, in the runtime's words. Pure."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from kubelet.runtime.docker.labels import Identity, container_memory, sandbox_memory
from kubelet.runtime.interface import (
    DEFAULT_STOP_SIGNAL,
    ContainerState,
    ImageRef,
    Resources,
    RuntimeContainer,
    RuntimePod,
    RuntimeSandbox,
)

SCHEME = "docker://"
START_ERROR_CODE = 128
_STATES = {
    "created": ContainerState.CREATED,
    "running": ContainerState.RUNNING,
    "paused": ContainerState.RUNNING,
    "restarting": ContainerState.RUNNING,
    "removing": ContainerState.EXITED,
    "exited": ContainerState.EXITED,
    "dead": ContainerState.EXITED,
}
_NO_IMAGE = ImageRef("", (), (), 0)

Json = Mapping[str, Any]


def with_scheme(docker_id: str) -> str:
    return f"{SCHEME}{docker_id}"


def without_scheme(container_id: str) -> str:
    return container_id.removeprefix(SCHEME)


def sandbox_of(inspected: Json, identity: Identity) -> RuntimeSandbox:
    memory = sandbox_memory(inspected["Config"]["Labels"])
    return RuntimeSandbox(
        id=inspected["Id"],
        attempt=identity.attempt,
        ready=bool(inspected["State"]["Running"]),
        created_at=parse_time(inspected["Created"]),
        ips=(memory.address,) if memory.address else (),
    )


def container_of(inspected: Json, identity: Identity, image: ImageRef | None) -> RuntimeContainer:
    state, memory = inspected["State"], container_memory(inspected["Config"]["Labels"])
    image = image or _NO_IMAGE
    seen, error = _STATES.get(state["Status"], ContainerState.UNKNOWN), state.get("Error") or ""
    code, finished = state.get("ExitCode") or 0, parse_time(state.get("FinishedAt"))
    if has_failed_to_start(state):
        seen, code = ContainerState.EXITED, START_ERROR_CODE
        finished = finished or parse_time(inspected["Created"])
    has_ended = seen is ContainerState.EXITED
    return RuntimeContainer(
        id=with_scheme(inspected["Id"]),
        name=identity.container,
        attempt=identity.attempt,
        image=_image_name(inspected["Config"]["Image"], image),
        image_id=image.digests[0] if image.digests else inspected["Image"],
        state=seen,
        created_at=parse_time(inspected["Created"]),
        started_at=parse_time(state.get("StartedAt")),
        finished_at=finished if has_ended else 0.0,
        exit_code=code if has_ended else 0,
        oom_killed=bool(state.get("OOMKilled")) and has_ended,
        error=error,
        labels=memory.labels,
        annotations=memory.annotations,
        stop_signal=_stop_signal(inspected["Config"].get("StopSignal") or DEFAULT_STOP_SIGNAL),
        resources=_resources_of(inspected["HostConfig"]),
    )


def _stop_signal(asked_for: str) -> str:
    """By its name; images may say a number, or leave SIG out."""
    if asked_for.isdigit():
        return signal.Signals(int(asked_for)).name if int(asked_for) in set(signal.Signals) else asked_for
    name = asked_for.upper()
    return name if name.startswith("SIG") else f"SIG{name}"


def _resources_of(host: Json) -> Resources:
    return Resources(
        cpu_shares=host.get("CpuShares") or 0,
        cpu_quota=max(host.get("CpuQuota") or 0, 0),
        memory_limit=max(host.get("Memory") or 0, 0),
    )


def _image_name(asked_for: str, image: ImageRef) -> str:
    """The name it was created by, if that is one of the image's; else its first, not its id."""
    return image.tags[0] if image.tags and asked_for not in image.tags else asked_for


def has_failed_to_start(state: Json) -> bool:
    """Docker leaves such a container `created`, with an error and the code that a shell would give."""
    return state["Status"] == "created" and bool(state.get("Error") or state.get("ExitCode"))


def image_of(inspected: Json) -> ImageRef:
    return ImageRef(
        id=inspected["Id"],
        digests=tuple(inspected.get("RepoDigests") or ()),
        tags=tuple(tag for tag in inspected.get("RepoTags") or () if tag != "<none>:<none>"),
        size=inspected.get("Size") or 0,
        user=(inspected.get("Config") or {}).get("User") or "",
    )


def pods_of(found: Iterable[tuple[Identity, RuntimeSandbox | RuntimeContainer]]) -> dict[str, RuntimePod]:
    """By uid, with the newest first."""
    sandboxes: dict[str, list[RuntimeSandbox]] = {}
    containers: dict[str, list[RuntimeContainer]] = {}
    identities: dict[str, Identity] = {}
    for identity, each in found:
        identities[identity.pod_uid] = identity
        if isinstance(each, RuntimeSandbox):
            sandboxes.setdefault(identity.pod_uid, []).append(each)
        else:
            containers.setdefault(identity.pod_uid, []).append(each)
    return {
        uid: RuntimePod(
            uid=uid,
            namespace=identity.pod_namespace,
            name=identity.pod_name,
            sandboxes=tuple(sorted(sandboxes.get(uid, ()), key=_age)),
            containers=tuple(sorted(containers.get(uid, ()), key=_age)),
        )
        for uid, identity in identities.items()
    }


def _age(each: RuntimeSandbox | RuntimeContainer) -> float:
    return -each.created_at


def parse_time(text: str | None) -> float:
    """Docker's nanosecond times as Unix seconds; its year 1 means never."""
    if not text or text.startswith("0001"):
        return 0.0
    return datetime.fromisoformat(text).timestamp()
