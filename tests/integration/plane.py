"""A cluster for a module of tests: etcd, apiserver, controllers, scheduler, hollow nodes, each a process.

Built on the flags of `sampan up`. Many run at once on two cores, where who is late is not taken for lost;
who wants to see a leader or a node lost says so by flags of its own.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import ssl
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from apimachinery import conditions
from apimachinery.errors import NotFoundError, StatusError
from apimachinery.objects import Object
from apimachinery.scheme import LEASES, NODES
from apiserver.storage.etcd import EtcdStorage
from client.errors import ConnectionFailed
from client.rest import Client
from component_base.kubeconfig import load
from tests.fakes.control_plane import ControlPlane
from tests.fakes.etcd_server import free_port

LIMIT, MOST = 120.0, 600.0
ETCD, API, CONTROLLERS, SCHEDULER = "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"
FLAGS = {
    CONTROLLERS: (
        "--legacy-service-account-token-clean-up-period=1s", "--horizontal-pod-autoscaler-sync-period=1s",
    ),
}  # fmt: skip
Flags = Mapping[str, Sequence[str]]
"""By the name of a component."""
NO_FLAGS: Flags = {}
_ELECTION = (
    "--leader-elect-lease-duration=8s",
    "--leader-elect-renew-deadline=6s",
    "--leader-elect-retry-period=300ms",
)
SHORT_LEADERSHIP: Flags = {CONTROLLERS: _ELECTION, SCHEDULER: _ELECTION}
SHORT_GRACE_OF_NODES: Flags = {
    API: ("--default-not-ready-toleration-seconds=1", "--default-unreachable-toleration-seconds=1"),
    CONTROLLERS: ("--node-monitor-period=500ms", "--node-monitor-grace-period=8s"),
}
KUBELET = """
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
nodeLeaseDurationSeconds: 4
"""

T = TypeVar("T")


class Plane(ControlPlane):
    """The processes by name; a replica is called `kube-scheduler-2`."""

    def __init__(self, folder: Path, python: Path = Path(sys.executable), flags: Flags = NO_FLAGS) -> None:
        super().__init__(folder, python=python)
        self._flags = flags
        self._second_port = free_port()
        self._nodes: dict[str, tuple[int, int]] = {}
        """The number of hollow nodes that a process simulates, and their port."""
        self._stopped, self._turn = threading.Event(), threading.Lock()
        self._reviver = threading.Thread(target=self._revive)

    def run(self, name: str, *flags: str, as_name: str = "") -> None:
        own = ("--secure-port=0",) if name in (CONTROLLERS, SCHEDULER) else ()
        ours = (*FLAGS.get(name, ()), *self._flags.get(name, ()))
        super().run(name, *ours, *own, *flags, as_name=as_name)

    def run_second_apiserver(self) -> None:
        self.run(API, f"--secure-port={self._second_port}", as_name=f"{API}-2")

    def run_nodes(self, name: str, count: int) -> None:
        """One kubelet process that simulates `count` nodes: name-0, name-1, ..."""
        configuration = self.config.state_dir / "kubelet.yaml"
        configuration.write_text(KUBELET)
        self._nodes.setdefault(name, (count, free_port()))
        super().run(
            "kubelet", "--container-runtime=hollow", f"--hollow-nodes={count}", f"--hostname-override={name}",
            f"--kubeconfig={self.config.admin_kubeconfig}", f"--config={configuration}",
            f"--port={self._nodes[name][1]}", as_name=name,
        )  # fmt: skip

    def kill(self, name: str) -> None:
        with self._turn:
            super().kill(name)

    def restart(self, name: str) -> None:
        """kill -9, and at once again."""
        self.kill(name)
        if name in self._nodes:
            self.run_nodes(name, self._nodes[name][0])
        else:
            self.run(name)

    async def restart_leader(self, name: str, client: Client) -> None:
        """The same, as if its lease had run out: for those who have seen one run out elsewhere."""
        self.restart(name)
        with suppress(NotFoundError):
            await client.delete(LEASES, name, "kube-system")

    async def run_all(self) -> None:
        """The control plane and three nodes, until these are ready."""
        await self.start()
        self.run(CONTROLLERS)
        self.run(SCHEDULER)
        self.run_nodes("hollow", 3)
        self._reviver.start()
        client = self.client()
        await eventually(lambda: ready_nodes(client), lambda names: len(names) == 3)
        await client.aclose()

    def _revive(self) -> None:
        """What ends because it cannot renew its lease is started again, as `sampan up` and systemd do."""
        while not self._stopped.wait(0.1):
            for name in (SCHEDULER, CONTROLLERS):
                with self._turn:  # not between a test's killing and its forgetting
                    if name in self._processes and not self.is_running(name):
                        self.run(name)

    def second_client(self) -> Client:
        config = load(str(self.config.admin_kubeconfig))
        server = f"https://127.0.0.1:{self._second_port}"
        return Client(replace(config, server=server), user_agent="test")

    def terminate(self, name: str) -> None:
        """Asks it to end, as systemd does."""
        process = self._processes.pop(name)
        process.terminate()
        process.wait(LIMIT)

    def pause(self, name: str) -> None:
        os.kill(self.pid(name), signal.SIGSTOP)

    def go_on(self, name: str) -> None:
        os.kill(self.pid(name), signal.SIGCONT)

    def memory(self, name: str = API) -> float:
        """Resident MiB."""
        status = Path(f"/proc/{self.pid(name)}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 1024

    def compact(self) -> None:
        """Takes all history from etcd, as `etcdctl compact` does. Not for a thread with a running loop."""
        asyncio.run(self._compact())

    async def _compact(self) -> None:
        storage = EtcdStorage([f"unix://{self.config.etcd_socket}"])
        await storage.compact(await storage.current_revision())
        await storage.aclose()

    def tls(self) -> ssl.SSLContext:
        """As the administrator, for those who speak to the server by hand."""
        context = ssl.create_default_context(cafile=str(self.config.pki / "ca.crt"))
        context.load_cert_chain(self.config.pki / "admin.crt", self.config.pki / "admin.key")
        return context

    def stop(self) -> None:
        self._stopped.set()
        if self._reviver.is_alive():
            self._reviver.join()
        for name in list(self._processes):
            with suppress(ProcessLookupError):
                self.go_on(name)
        super().stop()


@contextmanager
def plane_in(folder: Path, python: Path = Path(sys.executable), flags: Flags = NO_FLAGS) -> Iterator[Plane]:
    """Not started yet; what has been is stopped in the end. Skips the tests where etcd is missing."""
    if shutil.which("etcd") is None:
        pytest.skip("etcd is not installed: apt-get install etcd-server")
    plane = Plane(folder, python, flags)
    try:
        yield plane
    finally:
        plane.stop()


async def cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def eventually(
    look: Callable[[], Awaitable[T]], is_so: Callable[[T], object] = bool, *, limit: float | None = None
) -> T:
    """What `look` gives as soon as something is true of it; a server that is away is waited for.

    Fails after `limit` seconds. Without one, when it has stayed the same for LIMIT seconds, or after MOST:
    what takes many steps, one after another, takes long on a busy machine, but goes on.
    """
    began = changed = time.monotonic()
    last: object = None
    while (moment := time.monotonic()) < min(changed + (limit or LIMIT), began + (limit or MOST)):
        seen: object
        try:
            seen = found = await look()
            if is_so(found):
                return found
        except (StatusError, ConnectionFailed) as error:
            seen = str(error)
        if seen != last:
            changed, last = moment, seen
        await asyncio.sleep(0.05)
    raise AssertionError(f"not within {moment - began:.0f} s; last seen: {last}")


async def ready_nodes(client: Client) -> list[str]:
    nodes = (await client.list(NODES))["items"]
    return sorted(node["metadata"]["name"] for node in nodes if conditions.is_condition_true(node, "Ready"))


def config_map(name: str, data: dict[str, str] | None = None, **metadata: object) -> Object:
    return {
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default", **metadata}, "data": data or {},
    }  # fmt: skip


def deployment(name: str, replicas: int, image: str = "busybox:1") -> Object:
    labels = {"app": name}
    container = {"name": "c", "image": image, "resources": {"requests": {"cpu": "10m"}}}
    pod_spec = {"containers": [container], "terminationGracePeriodSeconds": 1}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod_spec},
        },
    }  # fmt: skip
