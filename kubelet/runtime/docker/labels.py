"""What containers carry so that a restarted kubelet knows them again. Pure.

Plain labels say who they are, as upstream's Docker shim did, so that people and filters find them. What
the kubelet was told besides (labels, annotations, addresses) is one JSON label that is always set: Docker
mixes an image's own labels into the container's, and an image must not be able to tell the kubelet
anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from kubelet.runtime.interface import ContainerConfig, HostPort, SandboxConfig

POD_NAME = "io.kubernetes.pod.name"
POD_NAMESPACE = "io.kubernetes.pod.namespace"
POD_UID = "io.kubernetes.pod.uid"
CONTAINER_NAME = "io.kubernetes.container.name"
TYPE = "io.kubernetes.docker.type"
SANDBOX_ID = "io.kubernetes.sandbox.id"
NODE = "sampan.io/node"
ATTEMPT = "sampan.io/attempt"
MEMORY = "sampan.io/memory"

SANDBOX, CONTAINER = "podsandbox", "container"
SANDBOX_CONTAINER_NAME = "POD"


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose a container is."""

    kind: str
    pod_uid: str
    pod_namespace: str
    pod_name: str
    container: str
    attempt: int


@dataclass(frozen=True, slots=True)
class SandboxMemory:
    address: str = ""
    """Of the pod network; '' on the host's network."""
    host_ports: tuple[HostPort, ...] = ()
    share_pid: bool = False
    """Its containers join its process namespace."""


@dataclass(frozen=True, slots=True)
class ContainerMemory:
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


def docker_name(labels: Mapping[str, str]) -> str:
    """`k8s_web_shop-1_default_<uid>_0`: what `docker ps` shows, and what makes two of one attempt collide."""
    parts = (labels[key] for key in (CONTAINER_NAME, POD_NAME, POD_NAMESPACE, POD_UID, ATTEMPT))
    return "_".join(("k8s", *parts))


def sandbox_labels(node: str, config: SandboxConfig, memory: SandboxMemory) -> dict[str, str]:
    ports = [[each.container_port, each.host_port, each.protocol, each.host_ip] for each in memory.host_ports]
    told = {"address": memory.address, "hostPorts": ports, "sharePid": memory.share_pid}
    return {
        POD_NAME: config.name,
        POD_NAMESPACE: config.namespace,
        POD_UID: config.uid,
        CONTAINER_NAME: SANDBOX_CONTAINER_NAME,
        TYPE: SANDBOX,
        NODE: node,
        ATTEMPT: str(config.attempt),
        MEMORY: orjson.dumps(told).decode(),
    }


def container_labels(
    node: str, sandbox: Mapping[str, str], sandbox_id: str, config: ContainerConfig
) -> dict[str, str]:
    """The pod's identity is the sandbox's; nothing of the caller's can change it."""
    memory = {"labels": dict(config.labels), "annotations": dict(config.annotations)}
    return {
        **config.labels,
        **{key: sandbox[key] for key in (POD_NAME, POD_NAMESPACE, POD_UID)},
        CONTAINER_NAME: config.name,
        TYPE: CONTAINER,
        SANDBOX_ID: sandbox_id,
        NODE: node,
        ATTEMPT: str(config.attempt),
        MEMORY: orjson.dumps(memory).decode(),
    }


def identity_of(labels: Mapping[str, str]) -> Identity | None:
    """None if these are not labels of ours."""
    if labels.get(TYPE) not in (SANDBOX, CONTAINER) or MEMORY not in labels:
        return None
    return Identity(
        kind=labels[TYPE],
        pod_uid=labels.get(POD_UID, ""),
        pod_namespace=labels.get(POD_NAMESPACE, ""),
        pod_name=labels.get(POD_NAME, ""),
        container=labels.get(CONTAINER_NAME, ""),
        attempt=int(labels.get(ATTEMPT) or 0),
    )


def sandbox_memory(labels: Mapping[str, str]) -> SandboxMemory:
    told = _memory(labels)
    ports = tuple(HostPort(*each) for each in told.get("hostPorts", ()))
    return SandboxMemory(told.get("address", ""), ports, told.get("sharePid", False))


def container_memory(labels: Mapping[str, str]) -> ContainerMemory:
    told = _memory(labels)
    return ContainerMemory(told.get("labels", {}), told.get("annotations", {}))


def _memory(labels: Mapping[str, str]) -> dict[str, Any]:
    told = orjson.loads(labels.get(MEMORY) or "{}")
    return told if isinstance(told, dict) else {}
