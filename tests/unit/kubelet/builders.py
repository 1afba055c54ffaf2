"""Pods and what is seen of them, with the minimum a test needs to say."""

from __future__ import annotations

from typing import Any

from apimachinery.objects import Object
from kubelet.pods.actions import HASH_ANNOTATION, container_hash
from kubelet.runtime.interface import ContainerState, ImageRef, RuntimeContainer, RuntimePod, RuntimeSandbox

BOOT = 1_000.0
"""When the sandbox of `make_seen` was made."""


def make_container(name: str = "web", **fields: Any) -> Object:
    return {"name": name, "image": "busybox:1", **fields}


def make_sidecar(name: str = "side", **fields: Any) -> Object:
    return make_container(name, restartPolicy="Always", **fields)


def asking(requests: Object | None = None, limits: Object | None = None) -> Object:
    """The resources of a container, or a pod."""
    resources = {"requests": requests, "limits": limits}
    return {"resources": {key: value for key, value in resources.items() if value}}


def make_pod(
    *containers: Object,
    init: tuple[Object, ...] = (),
    policy: str = "Always",
    status: Object | None = None,
    meta: Object | None = None,
    **spec: Any,
) -> Object:
    metadata = {"namespace": "shop", "name": "cart", "uid": "u1", "resourceVersion": "1", **(meta or {})}
    body: Object = {
        "nodeName": "n1",
        "restartPolicy": policy,
        "containers": list(containers) or [make_container()],
        **({"initContainers": list(init)} if init else {}),
        **spec,
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": body, "status": status or {}}


def running(
    name: str = "web", *, attempt: int = 0, image: str = "busybox:1", **fields: Any
) -> RuntimeContainer:
    return _container(name, ContainerState.RUNNING, attempt, image, {"started_at": BOOT + 2, **fields})


def exited(name: str = "web", code: int = 0, *, attempt: int = 0, **fields: Any) -> RuntimeContainer:
    times = {"started_at": BOOT + 2, "finished_at": BOOT + 5}
    return _container(
        name, ContainerState.EXITED, attempt, "busybox:1", {"exit_code": code, **times, **fields}
    )


def failed_to_start(name: str = "web", *, attempt: int = 0) -> RuntimeContainer:
    words = {"exit_code": 127, "error": "exec: no such file", "finished_at": BOOT + 2}
    return _container(name, ContainerState.EXITED, attempt, "busybox:1", words)


def _container(
    name: str, state: ContainerState, attempt: int, image: str, fields: dict[str, Any]
) -> RuntimeContainer:
    annotations = {HASH_ANNOTATION: container_hash({"name": name, "image": image})}
    defaults = {"created_at": BOOT + 1 + attempt, "annotations": annotations}
    return RuntimeContainer(
        id=f"docker://{name}-{attempt}",
        name=name,
        attempt=attempt,
        image=image,
        image_id=f"sha256:{image}",
        state=state,
        **{**defaults, **fields},
    )


def make_seen(
    *containers: RuntimeContainer, ready: bool = True, attempt: int = 0, boot: float = BOOT
) -> RuntimePod:
    sandbox = RuntimeSandbox("sandbox", attempt, ready, boot, ("10.244.0.5",))
    return RuntimePod("u1", "shop", "cart", (sandbox,), containers)


IMAGE = ImageRef("sha256:busybox", (), ("busybox",), 1)
