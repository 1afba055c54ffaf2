"""The small files a pod's containers get from the kubelet.

Hosts and termination messages. The only I/O of this package.
"""

from __future__ import annotations

import os
from pathlib import Path

MAX_MESSAGE_BYTES = 4096
FALLBACK_LINES, FALLBACK_BYTES = 80, 2048


class PodFiles:
    """Files under `root`/pods/<uid>."""

    def __init__(self, root: Path) -> None:
        self._pods = root / "pods"

    def write_hosts(self, uid: str, text: str) -> str:
        path = self._pods / uid / "etc-hosts"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)  # in place: running containers have this very file mounted
            path.chmod(0o644)
        return str(path)

    def new_message_file(self, uid: str, container: str) -> str:
        """An empty file that every user may write to."""
        directory = self._pods / uid / "containers" / container
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / os.urandom(4).hex()
        path.touch()
        path.chmod(0o666)
        return str(path)


def read_message(path: str) -> str:
    """What a container left behind, cut to upstream's size; empty if it left nothing."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(size - MAX_MESSAGE_BYTES, 0))
            return file.read(MAX_MESSAGE_BYTES).decode(errors="replace")
    except OSError:
        return ""
