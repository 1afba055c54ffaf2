"""A pod's sandbox on Docker: the pause container, its network from the node, its resolv.conf."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from kubelet.network.pod_network import NetworkError, PodNetwork, Tenant
from kubelet.runtime.docker.connection import Connector, path_of
from kubelet.runtime.docker.creation import Creator
from kubelet.runtime.docker.engine import Engine, labelled
from kubelet.runtime.docker.errors import ConflictInEngine, NotFoundInEngine
from kubelet.runtime.docker.labels import (
    ATTEMPT,
    NODE,
    POD_UID,
    SANDBOX,
    TYPE,
    SandboxMemory,
    docker_name,
    sandbox_labels,
    sandbox_memory,
)
from kubelet.runtime.docker.requests import resolv_conf, resolv_conf_path, sandbox_body
from kubelet.runtime.interface import ContainerRuntimeError, RuntimeUnavailable, SandboxConfig, SandboxError

log = logging.getLogger(__name__)

HOST_RESOLV_CONF = Path("/etc/resolv.conf")


class Sandboxes:
    def __init__(
        self, engine: Engine, connector: Connector, network: PodNetwork, creator: Creator, pause_image: str
    ) -> None:
        self._engine = engine
        self._connector = connector
        self._network = network
        self._creator = creator
        self._pause_image = pause_image
        self._inspected: dict[str, Mapping[str, Any]] = {}
        self._setting_up = asyncio.Lock()
        self._unknown: dict[str, Tenant] = {}
        """By their containers' names: sandboxes that were being made when the engine went away."""
        self._clearing = asyncio.Lock()

    async def set_up_network(self, pod_cidr: str) -> None:
        """The addresses of sandboxes that run already stay theirs."""
        async with self._setting_up:
            if self._network.pod_cidr == pod_cidr:
                return
            try:
                await self._network.set_up(pod_cidr, await self._present())
            except NetworkError as error:
                raise SandboxError(f"cannot set up the pod network: {error}") from error

    async def create(self, config: SandboxConfig) -> Mapping[str, Any]:
        """As the engine tells of it once it runs."""
        await self.clear_up()
        tenant = self._new_tenant(config)
        memory = SandboxMemory(tenant.address, tenant.host_ports, config.share_process_namespace)
        labels = sandbox_labels(self._network.node, config, memory)
        name = docker_name(labels)
        try:
            if name in self._unknown:
                raise SandboxError(f'cannot remove the unfinished sandbox of pod "{config.name}" yet')
            return await self._create(config, tenant, labels)
        except RuntimeUnavailable:
            self._unknown[name] = tenant
            raise
        except BaseException:
            await self._release(tenant)
            raise

    async def clear_up(self) -> None:
        """The engine is back: what it was making may run without a network, and nobody waits for it.

        Until then its address is nobody else's. What cannot be removed now is no reason to fail: it is tried
        again. Raises RuntimeUnavailable.
        """
        async with self._clearing:
            for name, tenant in list(self._unknown.items()):
                try:
                    await self._creator.remove(name)
                    await self._release(tenant)
                except RuntimeUnavailable:
                    raise
                except (ContainerRuntimeError, NetworkError) as error:
                    log.warning("Unfinished sandbox not removed, will retry: name=%s error=%s", name, error)
                else:
                    del self._unknown[name]

    async def stop(self, sandbox_id: str) -> None:
        try:
            tenant = tenant_of((await self.inspected(sandbox_id))["Config"]["Labels"])
        except NotFoundInEngine:
            return
        with suppress(NotFoundInEngine, ConflictInEngine):
            await self._connector.ask("POST", path_of(f"/containers/{sandbox_id}/kill", signal="KILL"))
        await self._release(tenant)

    async def remove(self, sandbox_id: str) -> None:
        await self.stop(sandbox_id)
        await self._creator.remove(sandbox_id)
        self._inspected.pop(sandbox_id, None)

    async def inspected(self, sandbox_id: str) -> Mapping[str, Any]:
        """What does not change of it: configuration and labels."""
        if sandbox_id not in self._inspected:
            self._inspected[sandbox_id] = await self._engine.inspect(sandbox_id)
        return self._inspected[sandbox_id]

    def _new_tenant(self, config: SandboxConfig) -> Tenant:
        owner = f"{config.uid}_{config.attempt}"
        if config.host_network:
            return Tenant(owner, "")
        try:
            return Tenant(owner, self._network.take_address(owner), tuple(config.host_ports))
        except NetworkError as error:
            raise SandboxError(_network_failed(config, error)) from error

    async def _release(self, tenant: Tenant) -> None:
        if tenant.address:
            await self._network.release(tenant)

    async def _create(
        self, config: SandboxConfig, tenant: Tenant, labels: dict[str, str]
    ) -> Mapping[str, Any]:
        body = sandbox_body(config, self._pause_image, labels, self._creator.privileges)
        try:
            sandbox_id = await self._creator.create(docker_name(labels), body, pull=True)
        except RuntimeUnavailable:
            raise
        except ContainerRuntimeError as error:
            raise SandboxError(f'failed to create a sandbox for pod "{config.name}": {error}') from error
        try:
            return await self._start(sandbox_id, config, tenant)
        except BaseException:
            await self._creator.remove(sandbox_id)
            raise

    async def _start(self, sandbox_id: str, config: SandboxConfig, tenant: Tenant) -> Mapping[str, Any]:
        try:
            await self._engine.start(sandbox_id)
            inspected = await self._engine.inspect(sandbox_id)
            if tenant.address:
                await self._network.attach(sandbox_id, inspected["State"]["Pid"], tenant)
            await asyncio.to_thread(_write_resolv_conf, inspected, config)
        except RuntimeUnavailable:
            raise
        except NetworkError as error:
            raise SandboxError(_network_failed(config, error)) from error
        except (ContainerRuntimeError, OSError) as error:
            raise SandboxError(
                f'failed to start sandbox container for pod "{config.name}": {error}'
            ) from error
        self._inspected[sandbox_id] = inspected
        return inspected

    async def _present(self) -> list[Tenant]:
        wanted = labelled({NODE: self._network.node, TYPE: SANDBOX})
        listed = await self._engine.list_containers(wanted)
        tenants = [tenant_of(each["Labels"]) for each in listed if each["State"] == "running"]
        return [tenant for tenant in tenants if tenant.address]


def _write_resolv_conf(inspected: Mapping[str, Any], config: SandboxConfig) -> None:
    """Docker would add options of its own. Whole or not at all: it tells that the sandbox is complete."""
    path = Path(resolv_conf_path(inspected))
    unfinished = path.with_suffix(".new")
    unfinished.write_text(resolv_conf(config) or HOST_RESOLV_CONF.read_text())
    unfinished.replace(path)


def tenant_of(labels: Mapping[str, str]) -> Tenant:
    memory = sandbox_memory(labels)
    return Tenant(f"{labels[POD_UID]}_{labels[ATTEMPT]}", memory.address, memory.host_ports)


def _network_failed(config: SandboxConfig, error: NetworkError) -> str:
    return f'failed to set up network for pod "{config.name}_{config.namespace}": {error}'
