"""Where the node's certificates are: one file each with key and certificate, and a link to the current one.

The layout is upstream's: `kubelet-client-2026-01-02-03-04-05.pem`, `kubelet-client-current.pem`.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

_KEPT = 3


class CertificateStore:
    """`name` is kubelet-client or kubelet-server."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name

    @property
    def current(self) -> Path:
        return self._folder / f"{self._name}-current.pem"

    @property
    def _pending_key(self) -> Path:
        return self._folder / f"{self._name}.key.tmp"

    def read(self) -> str:
        """Key and certificate in PEM; nothing if there are none."""
        return _text(self.current)

    def adopt(self, key: str, certificate: str, now: datetime) -> None:
        """What the node was given otherwise, in a kubeconfig, is where it begins."""
        if not self.read():
            self.save(key, certificate, now)

    def pending_key(self) -> str:
        """The key of a request under way, which a restart takes up again; nothing if there is none."""
        return _text(self._pending_key)

    def keep_pending_key(self, key: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        _write(self._pending_key, key)

    def forget_pending_key(self) -> None:
        self._pending_key.unlink(missing_ok=True)

    def save(self, key: str, certificate: str, now: datetime) -> None:
        """They become the current ones in one step; older files go but for a few."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{self._name}-{now:%Y-%m-%d-%H-%M-%S}.pem"
        _write(path, joined(key, certificate))
        link = self.current.with_suffix(".new")
        link.unlink(missing_ok=True)
        link.symlink_to(path.name)
        link.replace(self.current)
        self.forget_pending_key()
        for old in sorted(self._folder.glob(f"{self._name}-2*.pem"))[:-_KEPT]:
            old.unlink(missing_ok=True)


def joined(key: str, certificate: str) -> str:
    """As one file."""
    return certificate.rstrip() + "\n" + key


def _write(path: Path, text: str) -> None:
    """Only root reads it, and it is whole or not there."""
    temporary = path.with_suffix(".part")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""
