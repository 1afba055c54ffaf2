"""A docker-compose project for tests: its containers killed, cut off and started again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from component_base.kubeconfig import ClientConfig, load
from tests.fakes.etcd_server import free_port
from tests.fakes.machines import ROOT, build_images

_UP_LIMIT, _COMMAND_LIMIT = 1800, 300


class Project:
    """A folder below deploy/compose, under a name and on a port of its own."""

    def __init__(self, folder: str, tag: str = "test") -> None:
        self.folder = ROOT / "deploy/compose" / folder
        self.name = f"smpt{uuid.uuid4().hex[:6]}"
        self.port, self.registry_port, self.node_port = free_port(), free_port(), free_port()
        self._environment = {
            **os.environ,
            "COMPOSE_PROJECT_NAME": self.name,
            "SAMPAN_PORT": str(self.port),
            "REGISTRY_PORT": str(self.registry_port),
            "NODE_PORT": str(self.node_port),
            "SAMPAN_TAG": tag,
        }

    def compose(self, *words: str, limit: float = _COMMAND_LIMIT) -> str:
        """What docker-compose prints. Raises AssertionError with its complaint."""
        done = subprocess.run(
            ["docker-compose", *words],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=limit,
        )
        assert done.returncode == 0, f"docker-compose {' '.join(words)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def up(self) -> None:
        self.compose("up", "--detach", "--build", limit=_UP_LIMIT)

    def down(self) -> None:
        """Takes away also what the demo has built for its registry."""
        self.compose("down", "--volumes", "--remove-orphans", limit=_UP_LIMIT)
        built = f"reference=localhost:{self.registry_port}/*"
        images = _docker("image", "ls", "--filter", built, "--format", "{{.Repository}}:{{.Tag}}").split()
        if images:
            _docker("image", "rm", *images)

    def run(self, service: str, script: str, limit: float = _COMMAND_LIMIT) -> str:
        """What a shell in a container prints."""
        return self.compose("exec", "-T", service, "sh", "-c", script, limit=limit).strip()

    def try_out(self, *chapters: str, limit: float = _UP_LIMIT) -> str:
        """What the demo's own script prints, with our CLI. Raises AssertionError with that if it fails."""
        done = subprocess.run(
            ["./try.sh", *chapters],
            cwd=self.folder,
            env={**self._environment, "KUBECTL": str(Path(sys.executable).with_name("sampan"))},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=limit,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def container(self, service: str) -> str:
        return f"{self.name}_{service}_1"

    def kill(self, service: str) -> None:
        """kill -9."""
        _docker("kill", "--signal=KILL", self.container(service))

    def start(self, service: str) -> None:
        _docker("start", self.container(service))

    def restart(self, service: str) -> None:
        _docker("restart", "--time=20", self.container(service))

    @contextmanager
    def cut_off(self, service: str) -> Iterator[None]:
        """Nothing passes to or from it; nobody is told, as when a cable is pulled."""
        cable = self._cable(service)
        subprocess.run(["ip", "link", "set", cable, "down"], check=True)
        try:
            yield
        finally:
            subprocess.run(["ip", "link", "set", cable, "up"], check=True)

    def _cable(self, service: str) -> str:
        """The machine's end of the container's interface."""
        index = int(_docker("exec", self.container(service), "cat", "/sys/class/net/eth0/iflink"))
        links = Path("/sys/class/net")
        return next(each.name for each in links.iterdir() if int((each / "ifindex").read_text()) == index)

    def administrator(self, service: str, folder: Path) -> ClientConfig:
        """The administrator's kubeconfig, as this machine has to use it."""
        copied = folder / "admin.conf"
        copied.write_text(self.run(service, "cat /var/lib/sampan/admin.conf"))
        return replace(load(copied), server=f"https://127.0.0.1:{self.port}")


@contextmanager
def project(folder: str) -> Iterator[Project]:
    """Skips the test where docker-compose is missing."""
    if shutil.which("docker-compose") is None:
        pytest.skip("needs docker-compose")
    build_images()
    made = Project(folder)
    try:
        made.up()
        yield made
    finally:
        made.down()


def _docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=_COMMAND_LIMIT)
    assert done.returncode == 0, f"docker {' '.join(words)}: {done.stderr}"
    return done.stdout.strip()
