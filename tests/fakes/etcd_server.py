"""A real etcd for tests: one process on free ports, its data in a temporary folder."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from apiserver.storage.etcd import EtcdTLS
from pytest_sampan.ports import free_port


class EtcdServer:
    """Starts, stops and restarts with its data kept; the port stays the same.

    With a PKI in kubeadm's layout it takes only clients that show a certificate.
    """

    def __init__(self, folder: Path, pki: Path | None = None) -> None:
        self._folder = folder
        self._pki = pki
        self._client, self._peer = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"{'https' if self._pki else 'http'}://127.0.0.1:{self._client}"

    @property
    def tls(self) -> EtcdTLS | None:
        """What a client needs."""
        if self._pki is None:
            return None
        client = self._pki / "apiserver-etcd-client"
        return EtcdTLS(str(self._pki / "etcd/ca.crt"), f"{client}.crt", f"{client}.key")

    def start(self) -> None:
        client, peer = self.endpoint, f"http://127.0.0.1:{self._peer}"
        command = [
            "etcd", "--data-dir", str(self._folder / "data"), "--unsafe-no-fsync", "--log-level=error",
            "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
            "--initial-cluster", f"default={peer}", *self._tls_flags(),
        ]  # fmt: skip
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self._wait_until_listening()

    def restart(self, meanwhile: Callable[[], None]) -> None:
        self.stop()
        meanwhile()
        self.start()

    def save(self) -> None:
        """Keeps what there is, for `restore`. It must have been stopped for either."""
        shutil.copytree(self._folder / "data", self._folder / "backup")

    def restore(self) -> None:
        shutil.rmtree(self._folder / "data")
        (self._folder / "backup").rename(self._folder / "data")

    def _tls_flags(self) -> list[str]:
        if self._pki is None:
            return []
        pki = self._pki / "etcd"
        return [
            "--client-cert-auth", f"--trusted-ca-file={pki / 'ca.crt'}",
            f"--cert-file={pki / 'server.crt'}", f"--key-file={pki / 'server.key'}",
        ]  # fmt: skip

    def _wait_until_listening(self) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self._process is not None and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self._client), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        self.stop()
        raise RuntimeError(f"etcd does not start: {(self._folder / 'log').read_text()[-500:]}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
