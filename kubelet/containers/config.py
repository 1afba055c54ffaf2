"""A container as the engine is asked to make it, and what its labels remember of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from apimachinery.objects import Object, name_of, namespace_of, uid_of
from kubelet.containers.expansion import expand
from kubelet.containers.resources import memory_request
from kubelet.pods.actions import HASH_ANNOTATION, container_hash
from kubelet.pods.resize import MEMORY_REQUEST_ANNOTATION
from kubelet.runtime.interface import ContainerConfig, Device, Mount, Resources, Security

POD_NAME_LABEL = "io.kubernetes.pod.name"
POD_NAMESPACE_LABEL = "io.kubernetes.pod.namespace"
POD_UID_LABEL = "io.kubernetes.pod.uid"
CONTAINER_NAME_LABEL = "io.kubernetes.container.name"
RESTART_COUNT_ANNOTATION = "io.kubernetes.container.restartCount"
MESSAGE_PATH_ANNOTATION = "io.kubernetes.container.terminationMessagePath"
MESSAGE_POLICY_ANNOTATION = "io.kubernetes.container.terminationMessagePolicy"
MESSAGE_FILE_ANNOTATION = "sampan.io/termination-message-file"
"""Where the message is found on the node."""
GRACE_ANNOTATION = "io.kubernetes.pod.terminationGracePeriod"
PRE_STOP_ANNOTATION = "io.kubernetes.container.preStopHandler"


def container_config(
    pod: Object,
    container: Object,
    *,
    attempt: int,
    image: str,
    environment: Mapping[str, str],
    mounts: Sequence[Mount],
    resources: Resources,
    security: Security,
    devices: Sequence[Device] = (),
    message_file: str = "",
    share_processes_of: str = "",
) -> ContainerConfig:
    return ContainerConfig(
        name=container["name"],
        attempt=attempt,
        image=image,
        command=_words(container.get("command"), environment),
        args=_words(container.get("args"), environment),
        working_dir=container.get("workingDir") or "",
        env=tuple(environment.items()),
        mounts=tuple(mounts),
        devices=tuple(devices),
        resources=resources,
        security=security,
        stdin=bool(container.get("stdin")),
        stdin_once=bool(container.get("stdinOnce")),
        tty=bool(container.get("tty")),
        stop_signal=(container.get("lifecycle") or {}).get("stopSignal") or "",
        share_processes_of=share_processes_of,
        labels=_labels(pod, container),
        annotations=_annotations(pod, container, attempt, message_file),
    )


def _words(words: Sequence[str] | None, environment: Mapping[str, str]) -> tuple[str, ...] | None:
    return tuple(expand(word, environment) for word in words) if words else None


def _labels(pod: Object, container: Object) -> dict[str, str]:
    return {
        POD_NAME_LABEL: name_of(pod),
        POD_NAMESPACE_LABEL: namespace_of(pod),
        POD_UID_LABEL: uid_of(pod),
        CONTAINER_NAME_LABEL: container["name"],
    }


def _annotations(pod: Object, container: Object, attempt: int, message_file: str) -> dict[str, str]:
    """What has to be known of it when the pod is not known any more."""
    grace = (pod.get("spec") or {}).get("terminationGracePeriodSeconds")
    pre_stop = (container.get("lifecycle") or {}).get("preStop")
    return {
        HASH_ANNOTATION: container_hash(container),
        MEMORY_REQUEST_ANNOTATION: str(memory_request(container)),
        RESTART_COUNT_ANNOTATION: str(attempt),
        MESSAGE_PATH_ANNOTATION: container.get("terminationMessagePath") or "/dev/termination-log",
        MESSAGE_POLICY_ANNOTATION: container.get("terminationMessagePolicy") or "File",
        **({MESSAGE_FILE_ANNOTATION: message_file} if message_file else {}),
        **({GRACE_ANNOTATION: str(grace)} if grace is not None else {}),
        **({PRE_STOP_ANNOTATION: orjson.dumps(pre_stop).decode()} if pre_stop else {}),
    }
