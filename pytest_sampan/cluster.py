"""What a test is given of a cluster."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from client.rest import Client
from component_base.kubeconfig import load


class CommandFailed(AssertionError):
    """A kubectl command that failed; the message is what it printed."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster as it is when it is new, and a namespace of the test's own.

    `kubeconfig` is the administrator's; commands that name no namespace are meant for the test's.
    """

    kubeconfig: Path
    namespace: str
    server: str
    logs: Path
    """The folder with a log of each daemon: `kube-apiserver.log`."""

    def kubectl(self, *words: str, stdin: str = "") -> str:
        """What a command prints, `kubectl("get", "pods", "-o", "name")`. Raises CommandFailed.

        It is our own: no kubectl need be installed.
        """
        command = [sys.executable, "-P", "-m", "kubectl", f"--kubeconfig={self.kubeconfig}", *words]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True)
        if done.returncode != 0:
            raise CommandFailed(f"kubectl {' '.join(words)}: {done.stderr or done.stdout}")
        return done.stdout

    def apply(self, manifest: str) -> str:
        """Applies YAML or JSON, in the test's namespace where it says none."""
        return self.kubectl("apply", "-f", "-", stdin=manifest)

    def client(self) -> Client:
        """Our own asynchronous client; whoever asks for it closes it, with `aclose`."""
        return Client(load(self.kubeconfig), user_agent="sampan-test")
