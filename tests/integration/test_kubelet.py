"""The kubelet as a process: real apiserver, real Docker. What virtual time cannot show."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from apimachinery.conditions import is_condition_true
from apimachinery.errors import NotFoundError
from apimachinery.objects import Object, uid_of
from apimachinery.scheme import CONFIG_MAPS, EVENTS, NODES, PODS, SERVICE_ACCOUNTS
from client.rest import Client
from kubelet.images.local import ensure_local_images
from tests.fakes.control_plane import ControlPlane
from tests.fakes.etcd_server import free_port

pytestmark = [pytest.mark.docker, pytest.mark.netns]

LIMIT = 30.0
NODE = "here"
"""What the control plane's credentials say: a kubelet may speak for no other node."""
POD_CIDR = "10.247.9.0/24"
SERVER = "mkdir /w; echo $GREETING > /w/index.html; trap 'exit 0' TERM; httpd -f -p 8080 -h /w & wait"


class Node:
    """A kubelet of its own name, root and addresses beside whatever else runs on the machine."""

    def __init__(self, plane: ControlPlane, client: Client) -> None:
        self.plane = plane
        self.client = client
        self.root = plane.config.state_dir / "kubelet"
        self.port = free_port()

    def start(self) -> None:
        self.plane.run(
            "kubelet", f"--hostname-override={NODE}", f"--root-dir={self.root}", f"--port={self.port}",
            "--healthz-port=0", f"--pod-cidr={POD_CIDR}",
        )  # fmt: skip

    def clean_up(self) -> None:
        command = [sys.executable, "-m", "kubelet", "--cleanup", f"--hostname-override={NODE}"]
        subprocess.run([*command, f"--root-dir={self.root}"], check=True, timeout=60)

    async def until(self, holds: Callable[[Object], Any], name: str = "p") -> Object:
        async with asyncio.timeout(LIMIT):
            while not holds(pod := await self.client.get(PODS, name, "default")):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        return pod

    async def until_gone(self, name: str = "p") -> None:
        with pytest.raises(NotFoundError):
            await self.until(lambda pod: False, name)

    async def run_pod(self, **spec: Any) -> Object:
        container = {"name": "c", "image": "busybox:local", "command": ["sh", "-c", SERVER], **spec}
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "p", "namespace": "default"},
            "spec": {
                "nodeName": NODE,
                "automountServiceAccountToken": False,
                "terminationGracePeriodSeconds": 1,
                "containers": [container],
                "volumes": [{"name": "conf", "configMap": {"name": "conf"}}],
            },
        }
        await self.client.create(PODS, pod)
        return await self.until(lambda pod: is_condition_true(pod, "Ready"))


@asynccontextmanager
async def node(folder: Path) -> AsyncIterator[Node]:
    ensure_local_images()
    plane = ControlPlane(folder)
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


async def _has_node(client: Client) -> bool:
    return any(is_condition_true(each, "Ready") for each in (await client.list(NODES))["items"])


def containers_of(pod: Object) -> list[str]:
    label = f"label=io.kubernetes.pod.uid={uid_of(pod)}"
    done = subprocess.run(
        ["docker", "ps", "-aq", "--filter", label], capture_output=True, text=True, check=True
    )
    return sorted(done.stdout.split())


def conf(**data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "conf"}, "data": data}


SPEC = {
    "env": [{"name": "GREETING", "valueFrom": {"configMapKeyRef": {"name": "conf", "key": "greeting"}}}],
    "volumeMounts": [{"name": "conf", "mountPath": "/conf"}],
    "readinessProbe": {"httpGet": {"port": 8080}, "periodSeconds": 1},
    "livenessProbe": {"exec": {"command": ["true"]}, "periodSeconds": 1},
}


async def test_a_pod_lives_through_the_kubelets_death_and_leaves_nothing(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.client.create(CONFIG_MAPS, conf(greeting="hello", live="old"), "default")
        pod = await here.run_pod(**SPEC)
        before = containers_of(pod)
        assert len(before) == 2

        here.plane.kill("kubelet")
        here.start()
        await here.client.patch(CONFIG_MAPS, "conf", {"data": {"live": "new"}}, "default")
        await _until_file_says(here, pod, "new")
        after = await here.client.get(PODS, "p", "default")
        assert containers_of(pod) == before
        assert after["metadata"]["resourceVersion"] == pod["metadata"]["resourceVersion"]

        kill_container(pod)
        restarted = await here.until(lambda pod: pod["status"]["containerStatuses"][0]["restartCount"] == 1)
        assert restarted["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] == 137

        await here.client.delete(PODS, "p", "default")
        began = asyncio.get_running_loop().time()
        await here.until_gone()
        assert asyncio.get_running_loop().time() - began < 5
        async with asyncio.timeout(LIMIT):
            while containers_of(pod) or (here.root / "pods" / uid_of(pod)).exists():  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        reasons = {each["reason"] for each in (await here.client.list(EVENTS, "default"))["items"]}
        assert reasons >= {"Pulled", "Created", "Started", "Killing"}


def kill_container(pod: Object) -> None:
    container_id = pod["status"]["containerStatuses"][0]["containerID"].removeprefix("docker://")
    subprocess.run(["docker", "kill", container_id], check=True, capture_output=True)


async def _until_file_says(here: Node, pod: Object, text: str) -> None:
    """A volume follows its ConfigMap within seconds."""
    path = here.root / "pods" / uid_of(pod) / "volumes" / "kubernetes.io~configmap" / "conf" / "live"
    async with asyncio.timeout(LIMIT):
        while path.read_text() != text:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
