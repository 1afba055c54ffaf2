"""A control plane and a kubelet on this machine's Docker, on free ports: beside whatever else runs here."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apimachinery.conditions import is_condition_true
from apimachinery.errors import NotFoundError
from apimachinery.objects import Object, uid_of
from apimachinery.scheme import NODES, PODS, SERVICE_ACCOUNTS
from client.errors import ConnectionFailed
from client.rest import Client
from kubelet.images.local import ensure_local_images
from tests.fakes.control_plane import ControlPlane
from tests.fakes.etcd_server import free_port

LIMIT = 180.0


class Node:
    """A kubelet of its own name, root and addresses."""

    def __init__(self, plane: ControlPlane, client: Client) -> None:
        self.plane = plane
        self.client = client
        self.name = plane.config.node_name
        self.root = plane.config.state_dir / "kubelet"
        self.manifests = plane.config.state_dir / "manifests"
        self.manifests.mkdir()
        self.port = free_port()
        self.cgroup_root = f"/{self.name}"

    def start(self, *flags: str) -> None:
        self.plane.run(
            "kubelet", f"--hostname-override={self.name}", f"--root-dir={self.root}", f"--port={self.port}",
            "--healthz-port=0", f"--cgroup-root={self.cgroup_root}", f"--pod-cidr={_own_pod_cidr()}",
            f"--pod-manifest-path={self.manifests}", *flags,
        )  # fmt: skip

    def clean_up(self) -> None:
        command = [sys.executable, "-m", "kubelet", "--cleanup", f"--hostname-override={self.name}"]
        own = [f"--root-dir={self.root}", f"--cgroup-root={self.cgroup_root}"]
        subprocess.run([*command, *own], check=True, timeout=LIMIT)

    async def until(self, holds: Callable[[Object], Any], name: str = "p") -> Object:
        async with asyncio.timeout(LIMIT):
            while not holds(pod := await self.client.get(PODS, name, "default")):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        return pod

    async def until_there(self, name: str, *, not_uid: str = "") -> Object:
        """Ready and another one, though neither the pod nor the API server may be there yet."""
        async with asyncio.timeout(LIMIT):
            while True:
                with suppress(NotFoundError, ConnectionFailed):
                    pod = await self.client.get(PODS, name, "default")
                    if is_condition_true(pod, "Ready") and uid_of(pod) != not_uid:
                        return pod
                await asyncio.sleep(0.1)

    async def until_gone(self, name: str = "p") -> None:
        with pytest.raises(NotFoundError):
            await self.until(lambda pod: False, name)

    async def run_pod(self, name: str = "p", **spec: Any) -> Object:
        """Created, and waited for until it is ready."""
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {
                "nodeName": self.name,
                "automountServiceAccountToken": False,
                "terminationGracePeriodSeconds": 1,
                **spec,
            },
        }
        await self.client.create(PODS, pod)
        return await self.until(lambda pod: is_condition_true(pod, "Ready"), name)


@asynccontextmanager
async def docker_node(folder: Path, *, feature_gates: str = "") -> AsyncIterator[Node]:
    """Ready; taken away in the end, with all its pods."""
    ensure_local_images()
    plane = ControlPlane(folder, f"node-{os.getpid()}")
    plane.config = replace(plane.config, feature_gates=feature_gates)
    made: Node | None = None
    try:
        await plane.start()
        client = plane.client()
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        await client.create(SERVICE_ACCOUNTS, account, "default")
        made = Node(plane, client)
        made.start()
        async with asyncio.timeout(LIMIT):
            while not await _has_node(client):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        yield made
        await client.aclose()
    finally:
        plane.stop()
        if made is not None:
            made.clean_up()


def _own_pod_cidr() -> str:
    return f"10.247.{os.getpid() % 250}.0/24"


async def _has_node(client: Client) -> bool:
    return any(is_condition_true(each, "Ready") for each in (await client.list(NODES))["items"])
