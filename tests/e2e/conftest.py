"""A real cluster on this machine's Docker, driven by the real kubectl and by our own.

A cluster that runs already is used and left alone; otherwise one is brought up and taken away again.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from component_base.addresses import primary_address
from kubeadm import supervisor
from kubeadm.components import resolv_conf_in
from kubeadm.config import HOST_RESOLV_CONF, ClusterConfig, default_node_name, state_dir_from_environment
from kubeadm.units import load

SAMPAN = Path(sys.executable).with_name("sampan")
LOAD_BALANCER_POOL = "172.17.255.240/28"
"""On the network of Docker's own bridge, as Docker makes it: its containers are the neighbours."""
OLDEST_KUBECTL = (1, 31)
LIMIT = 180.0
"""Seconds that anything may take on a busy machine. Only what never comes waits so long."""

T = TypeVar("T")


@dataclass(frozen=True)
class Kubectl:
    """A kubectl-like command and the namespace it works in."""

    command: tuple[str, ...]
    kubeconfig: Path
    namespace: str = "default"

    @property
    def words(self) -> list[str]:
        """What its command lines begin with."""
        return [*self.command, f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}"]

    def run(
        self, *arguments: str, stdin: str | None = None, limit: float = LIMIT + 10
    ) -> subprocess.CompletedProcess[str]:
        """Runs to its end, whatever the exit code."""
        command = [*self.words, *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=limit)

    def __call__(self, *arguments: str, stdin: str | None = None, limit: float = LIMIT + 10) -> str:
        """Runs to success and gives what was printed."""
        done = self.run(*arguments, stdin=stdin, limit=limit)
        assert done.returncode == 0, f"{arguments}: {done.stderr}{done.stdout}"
        return done.stdout

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [*self.words, *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def get(self, *arguments: str) -> Any:
        return json.loads(self("get", *arguments, "-o", "json"))

    def apply(self, manifest: str) -> str:
        return self("apply", "-f", "-", stdin=manifest)

    def path(self, resource: str, name: str, jsonpath: str) -> str:
        return self("get", resource, name, "-o", f"jsonpath={jsonpath}")

    def wait(self, what: str, condition: str) -> None:
        self("wait", what, f"--for={condition}", f"--timeout={LIMIT:g}s")

    def rolled_out(self, what: str) -> None:
        """Waits until it is."""
        self("rollout", "status", what, f"--timeout={LIMIT:g}s")


def eventually(look: Callable[[], T], *, limit: float = LIMIT, every: float = 0.1) -> T:
    """The first true value that look gives; AssertionErrors in it count as not yet."""
    deadline = time.monotonic() + limit
    while True:
        problem = "never true"
        try:
            if value := look():
                return value
        except AssertionError as error:
            problem = str(error)
        assert time.monotonic() < deadline, problem
        time.sleep(every)


def process_of(cluster: ClusterConfig, daemon: str) -> int:
    """Its pid, or 0 while it has none; the file is written and taken away as we look."""
    with suppress(FileNotFoundError, ValueError):
        return int((cluster.run_dir / f"{daemon}.pid").read_text())
    return 0


def kill(cluster: ClusterConfig, daemon: str) -> None:
    """kill -9, until the supervisor has started it again."""
    old = eventually(lambda: process_of(cluster, daemon))
    os.kill(old, signal.SIGKILL)
    eventually(lambda: process_of(cluster, daemon) not in (0, old))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterConfig]:
    """One of ours has a resolv.conf of its own, which tests may change."""
    if os.geteuid() != 0:
        pytest.skip("end-to-end tests need root")
    config = ClusterConfig(
        state_dir=state_dir_from_environment(), node_name=default_node_name(), node_ip=primary_address()
    )
    ours = not supervisor.is_running(config.run_dir)
    if ours:
        resolv_conf = tmp_path_factory.mktemp("host") / "resolv.conf"
        resolv_conf.write_text(HOST_RESOLV_CONF.read_text())
        flags = [f"--resolv-conf={resolv_conf}", f"--load-balancer-pool={LOAD_BALANCER_POOL}"]
        subprocess.run([SAMPAN, "up", "--no-demo", *flags], check=True, timeout=900)
    yield replace(config, resolv_conf=Path(resolv_conf_in(load(config.run_dir))))
    if ours:
        subprocess.run([SAMPAN, "down"], check=True, timeout=900)


def real_kubectl() -> str | None:
    path = shutil.which("kubectl")
    if path is None:
        return None
    printed = subprocess.run([path, "version", "--client", "-o", "json"], capture_output=True, text=True)
    version = json.loads(printed.stdout)["clientVersion"]
    found = int(version["major"]), int(version["minor"].rstrip("+"))
    return path if found >= OLDEST_KUBECTL else None


@pytest.fixture(params=["kubectl", "sampan"])
def any_kubectl(request: pytest.FixtureRequest, cluster: ClusterConfig, namespace: str) -> Kubectl:
    """The real kubectl, and then our own, in a namespace of the test's."""
    command = real_kubectl() if request.param == "kubectl" else str(SAMPAN)
    if command is None:
        pytest.skip("no real kubectl of 1.31 or newer is on the PATH")
    return Kubectl((command,), cluster.admin_kubeconfig, namespace)


@pytest.fixture
def kubectl(cluster: ClusterConfig, namespace: str) -> Kubectl:
    """The real kubectl where there is one, else ours: for tests about the cluster, not about the client."""
    return Kubectl((real_kubectl() or str(SAMPAN),), cluster.admin_kubeconfig, namespace)


@pytest.fixture
def namespace(cluster: ClusterConfig) -> Iterator[str]:
    with new_namespace(cluster) as name:
        yield name


@contextmanager
def new_namespace(cluster: ClusterConfig) -> Iterator[str]:
    """Ready for pods; it goes with the block, which does not wait for that."""
    name = f"e2e-{uuid.uuid4().hex[:8]}"
    admin = Kubectl((str(SAMPAN),), cluster.admin_kubeconfig)
    admin("create", "namespace", name)
    eventually(lambda: replace(admin, namespace=name).run("get", "serviceaccount", "default").returncode == 0)
    yield name
    admin("delete", "namespace", name, "--wait=false")
