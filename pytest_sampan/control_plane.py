"""A real etcd and apiserver, with the PKI and flags that `sampan up` gives them, on free ports."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from apimachinery.errors import StatusError
from client.errors import ConnectionFailed
from client.rest import Client
from component_base.kubeconfig import load
from kubeadm import host
from kubeadm.certs import ensure_pki
from kubeadm.components import components, kubelet_configuration
from kubeadm.config import ClusterConfig
from kubeadm.kubeconfigs import write_kubeconfigs
from kubeadm.up import make_folders, write_configuration
from pytest_sampan.ports import free_port

START_SECONDS = 120.0
_FLAGS = {"kube-apiserver": ("--sole-apiserver=false",)}
"""Not as `sampan up` has it: here others write to etcd, too."""


def on_free_ports(folder: Path, node_name: str) -> ClusterConfig:
    """A cluster that nobody outside of this machine sees, beside whatever else runs here."""
    return ClusterConfig(
        state_dir=folder,
        node_name=node_name,
        node_ip="127.0.0.1",
        api_port=free_port(),
        etcd_port=free_port(),
        etcd_peer_port=free_port(),
    )


class ControlPlane:
    """Starts what it is asked to; stop ends all of it. `python` has the daemons installed."""

    def __init__(self, config: ClusterConfig, python: Path = Path(sys.executable)) -> None:
        self._python = python
        self.config = config
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    async def start(self, *etcd_flags: str) -> None:
        """etcd and the apiserver, until that is ready. Raises TimeoutError."""
        make_folders(self.config)
        ensure_pki(self.config)
        write_kubeconfigs(self.config)
        write_configuration(self.config, kubelet_configuration(self.config))
        self.run("etcd", *etcd_flags)
        self.run("kube-apiserver")
        client = self.client()
        try:
            async with asyncio.timeout(START_SECONDS):
                while not await _is_ready(client):  # noqa: ASYNC110 - another process's state
                    await asyncio.sleep(0.05)
        finally:
            await client.aclose()

    def client(self, who: str = "admin", *, qps: float | None = None) -> Client:
        return Client(load(str(self.config.kubeconfig(who))), user_agent="sampan-test", qps=qps)

    def run(self, name: str, *flags: str, as_name: str = "") -> None:
        """Starts one of the cluster's components; `flags` come last and so win. Replicas have a name each."""
        component = next(
            each for each in components(self.config, host.find("etcd") or "etcd") if each.name == name
        )
        if component.program[0] == sys.executable:
            component = replace(component, program=(str(self._python), *component.program[1:]))
        label = as_name or name
        with (self.config.log_dir / f"{label}.log").open("ab") as log:
            self._processes[label] = component.start(log, *_FLAGS.get(name, ()), *flags)

    def pid(self, name: str) -> int:
        return self._processes[name].pid

    def is_running(self, name: str) -> bool:
        return self._processes[name].poll() is None

    def names(self) -> list[str]:
        """Of what was started and neither killed nor ended."""
        return list(self._processes)

    def kill(self, name: str) -> None:
        process = self._processes.pop(name)
        process.kill()
        process.wait()

    def log(self, name: str) -> str:
        return (self.config.log_dir / f"{name}.log").read_text()

    def trouble(self) -> str:
        """The last that was said by each process that has ended by itself."""
        ended = [name for name in self._processes if not self.is_running(name)]
        return "\n".join(f"{name} has ended: {self.log(name)[-500:]}" for name in ended)

    def stop(self) -> None:
        for name in reversed(list(self._processes)):
            with suppress(ProcessLookupError):
                self.kill(name)


async def _is_ready(client: Client) -> bool:
    try:
        await client.request("GET", "/readyz")
    except (StatusError, ConnectionFailed):
        return False
    return True
