"""What a hollow engine holds: pods, their sandboxes, containers and addresses. Bookkeeping only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kubelet.network.ipam import AddressesExhausted, AddressPool
from kubelet.runtime.hollow.container import SIGKILL, HollowContainer
from kubelet.runtime.interface import (
    ContainerRuntimeError,
    RuntimePod,
    RuntimeSandbox,
    SandboxConfig,
    SandboxError,
)

_KILLED = 137


class HollowPod:
    __slots__ = ("config", "containers", "sandboxes")

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.sandboxes: dict[str, RuntimeSandbox] = {}
        self.containers: dict[str, HollowContainer] = {}

    def seen(self) -> RuntimePod:
        newest = sorted(self.containers.values(), key=lambda each: -each.seen.created_at)
        sandboxes = sorted(self.sandboxes.values(), key=lambda each: -each.attempt)
        config = self.config
        return RuntimePod(
            config.uid, config.namespace, config.name, tuple(sandboxes), tuple(each.seen for each in newest)
        )


class HollowPods:
    """Finds everything by its id; a pod is forgotten with the last of its sandboxes and containers."""

    def __init__(self, pod_cidr: str = "") -> None:
        self._pods: dict[str, HollowPod] = {}
        self._containers: dict[str, HollowContainer] = {}
        self._uids: dict[str, str] = {}
        self._addresses = AddressPool(pod_cidr) if pod_cidr else None

    def __iter__(self) -> Iterator[HollowPod]:
        return iter(self._pods.values())

    @property
    def containers(self) -> Iterator[HollowContainer]:
        return iter(self._containers.values())

    @property
    def has_addresses(self) -> bool:
        return self._addresses is not None

    def set_cidr(self, cidr: str) -> None:
        if self._addresses is not None and str(self._addresses.network) == cidr:
            return
        self._addresses = AddressPool(cidr)
        for sandbox in (each for pod in self for each in pod.sandboxes.values() if each.ready):
            self._addresses.adopt(sandbox.ips[0], sandbox.id)

    def get(self, uid: str) -> HollowPod | None:
        return self._pods.get(uid)

    def of_sandbox(self, sandbox_id: str) -> HollowPod | None:
        uid = self._uids.get(sandbox_id)
        return None if uid is None else self._pods[uid]

    def container(self, container_id: str) -> HollowContainer | None:
        return self._containers.get(container_id)

    def known_container(self, container_id: str) -> HollowContainer:
        container = self._containers.get(container_id)
        if container is None:
            raise ContainerRuntimeError(f"No such container: {container_id}")
        return container

    def take_address(self, sandbox_id: str) -> str:
        if self._addresses is None:
            raise SandboxError("the node has no podCIDR yet")
        try:
            return self._addresses.take(sandbox_id)
        except AddressesExhausted as error:
            raise SandboxError(str(error)) from error

    def add_sandbox(self, config: SandboxConfig, sandbox: RuntimeSandbox) -> None:
        pod = self._pods.setdefault(config.uid, HollowPod(config))
        pod.config = config
        pod.sandboxes[sandbox.id] = sandbox
        self._uids[sandbox.id] = config.uid

    def end_sandbox(self, sandbox_id: str) -> str:
        """With the containers in it. The uid of the pod, or '' if there was nothing to end."""
        pod = self.of_sandbox(sandbox_id)
        if pod is None or not pod.sandboxes[sandbox_id].ready:
            return ""
        for container in pod.containers.values():
            if container.sandbox_id == sandbox_id:
                container.end(_KILLED, signal=SIGKILL)
        sandbox = pod.sandboxes[sandbox_id]
        if self._addresses is not None:
            self._addresses.release(sandbox.ips[0], sandbox_id)
        pod.sandboxes[sandbox_id] = replace(sandbox, ready=False)
        return pod.config.uid

    def remove_sandbox(self, sandbox_id: str) -> None:
        pod = self.of_sandbox(sandbox_id)
        if pod is not None:
            del pod.sandboxes[sandbox_id], self._uids[sandbox_id]
            self._forget_if_empty(pod)

    def add_container(self, pod: HollowPod, container: HollowContainer) -> None:
        pod.containers[container.seen.id] = self._containers[container.seen.id] = container

    def remove_container(self, container_id: str) -> None:
        container = self._containers.pop(container_id, None)
        if container is None:
            return
        container.forget()
        pod = self._pods[container.pod_uid]
        del pod.containers[container_id]
        self._forget_if_empty(pod)

    def _forget_if_empty(self, pod: HollowPod) -> None:
        if not pod.sandboxes and not pod.containers:
            self._pods.pop(pod.config.uid, None)
