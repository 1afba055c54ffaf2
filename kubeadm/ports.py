"""The ports a cluster listens on, and who holds one of them already. Asked before anything is started."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Sequence

from kubeadm import host
from kubeadm.units import Unit

HOLDER = re.compile(r'users:\(\("([^"]+)",pid=(\d+)')


def require_free(units: Sequence[Unit]) -> None:
    """Raises HostError with a line for each port that another program holds."""
    lines = [
        f"  {port} ({unit.name}): {holder(port) or 'held by an unknown process'}"
        for unit in units
        for address, port in unit.listens
        if not is_free(address, port)
    ]
    if lines:
        raise host.HostError(
            "\n".join(["These ports are taken; stop what listens there and try again:", *lines])
        )


def is_free(address: str, port: int) -> bool:
    """Whether a server may listen there; connections that linger after their end are no hindrance."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
        return True


def holder(port: int) -> str:
    """The program that listens on a port and its pid, as far as `ss` knows."""
    ss = host.find("ss")
    if ss is None:
        return ""
    done = subprocess.run([ss, "-Hltnp", f"sport = :{port}"], capture_output=True, text=True)
    found = HOLDER.search(done.stdout)
    return f"{found[1]}, process {found[2]}" if found else ""
