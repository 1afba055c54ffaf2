"""Addresses of sandboxes whose making is broken off."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from kubelet.network.ipam import AddressPool
from kubelet.network.pod_network import Tenant
from kubelet.runtime.docker.privileges import Privileges
from kubelet.runtime.docker.sandboxes import Sandboxes
from kubelet.runtime.interface import ContainerRuntimeError, RuntimeUnavailable, SandboxConfig, SandboxError

CONFIG = SandboxConfig("ns", "pod", "u1", 0, "pod")
NAME, FIRST = "k8s_POD_pod_ns_u1_0", "10.244.0.2"


class Docker:
    """Makes sandboxes, and cannot start one: because of the error, or because it is not there any more."""

    def __init__(self, error: ContainerRuntimeError | None = None) -> None:
        self.error = error
        self.privileges = Privileges()
        self.removed: list[str] = []
        self.stuck = ""
        """The name of what it does not remove."""

    async def create(self, name: str, body: Any, *, pull: bool) -> str:
        return name

    async def start(self, docker_id: str) -> None:
        raise self.error or RuntimeUnavailable("gone")

    async def remove(self, name: str) -> None:
        if self.error is None:
            raise RuntimeUnavailable("gone")
        if name == self.stuck:
            raise ContainerRuntimeError("device or resource busy")
        self.removed.append(name)


class Network:
    node = "n1"

    def __init__(self) -> None:
        self.pool = AddressPool("10.244.0.0/29")
        self.freed: list[str] = []

    def take_address(self, owner: str) -> str:
        return self.pool.take(owner)

    async def release(self, tenant: Tenant) -> None:
        self.freed.append(tenant.address)


def sandboxes_of(docker: Docker, network: Network) -> Sandboxes:
    engine, creator = cast(Any, docker), cast(Any, docker)
    return Sandboxes(engine, cast(Any, None), cast(Any, network), creator, "pause")


async def test_a_sandbox_that_cannot_start_gives_its_address_back() -> None:
    docker, network = Docker(ContainerRuntimeError("no such file")), Network()
    with pytest.raises(SandboxError):
        await sandboxes_of(docker, network).create(CONFIG)
    assert (docker.removed, network.freed) == ([NAME], [FIRST])


async def test_an_address_is_kept_while_nobody_knows_whether_its_sandbox_runs() -> None:
    docker, network = Docker(), Network()
    sandboxes = sandboxes_of(docker, network)
    for _ in range(2):
        with pytest.raises(RuntimeUnavailable):
            await sandboxes.create(CONFIG)
    assert (docker.removed, network.freed) == ([], [])
    docker.error = ContainerRuntimeError("back again")
    await sandboxes.clear_up()
    await sandboxes.clear_up()
    assert (docker.removed, network.freed) == ([NAME], [FIRST])


async def test_one_that_cannot_be_removed_keeps_no_other_from_being_made() -> None:
    docker, network = Docker(), Network()
    sandboxes = sandboxes_of(docker, network)
    with pytest.raises(RuntimeUnavailable):
        await sandboxes.create(CONFIG)
    docker.error, docker.stuck = ContainerRuntimeError("no such file"), NAME
    with pytest.raises(SandboxError, match="no such file"):
        await sandboxes.create(replace(CONFIG, uid="u2"))
    with pytest.raises(SandboxError, match="unfinished"):
        await sandboxes.create(CONFIG)
    assert network.freed == ["10.244.0.3", "10.244.0.4"]
    docker.stuck = ""
    await sandboxes.clear_up()
    assert (docker.removed[-1], network.freed[-1]) == (NAME, FIRST)
