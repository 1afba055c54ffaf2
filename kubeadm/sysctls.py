"""The machine's settings that kube-proxy changes: as they were before `up`, for `down` to put back."""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

NET = Path("/proc/sys/net")
_NAMES = (
    "netfilter/nf_conntrack_tcp_timeout_established",
    "netfilter/nf_conntrack_tcp_timeout_close_wait",
    "ipv4/conf/all/route_localnet",
)
_FILE = "sysctls.json"


def note(state_dir: Path, net: Path = NET) -> None:
    """Before anything is changed; what was noted once stays noted."""
    file = state_dir / _FILE
    if file.exists():
        return
    found = {}
    for name in _NAMES:
        with suppress(OSError):  # the module is not loaded, or the machine is a container
            found[name] = (net / name).read_text().strip()
    unfinished = file.with_suffix(".new")
    unfinished.write_text(json.dumps(found))
    unfinished.replace(file)


def put_back(state_dir: Path, net: Path = NET) -> list[str]:
    """The names of those that had been changed, each as sysctl(8) calls it. Twice is harmless."""
    file = state_dir / _FILE
    if not file.exists():
        return []
    changed = []
    for name, value in json.loads(file.read_text()).items():
        try:
            if (net / name).read_text().strip() != value:
                (net / name).write_text(value)
                changed.append(f"net.{name.replace('/', '.')}")
        except OSError as error:
            log.warning("Sysctl was not put back: entry=net/%s value=%s err=%s", name, value, error)
    file.unlink()
    return changed
