"""What a cluster needs of its machine: programs and the packages that bring them. One table, read by all.

Installs with apt on Debian and Ubuntu when it may; otherwise names each missing thing with the command
that installs it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", ""), SYSTEM_PATH])
"""The PATH of an ordinary user leaves out the folders that nft and dockerd are in."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program the cluster runs, why, and the Debian package that has it."""

    name: str
    package: str
    purpose: str


PROGRAMS = (
    Program("etcd", "etcd-server", "stores the cluster's state"),
    Program("dockerd", "docker.io", "runs the containers"),
    Program("nft", "nftables", "routes Service traffic"),
    Program("iptables", "iptables", "lets pod traffic through Docker's firewall rules"),
    Program("ip", "iproute2", "network set-up"),
    Program("conntrack", "conntrack", "forgets UDP flows to endpoints that are gone"),
    Program("busybox", "busybox-static", "the images made locally when no registry answers"),
)

NODE_PROGRAMS = PROGRAMS[1:]
"""What a node needs that has no part in the control plane."""


class HostError(Exception):
    """The machine lacks something; the message says what and how to get it."""


def find(name: str) -> str | None:
    """The path of a program, looked for in the administrator's folders too."""
    return shutil.which(name, path=SEARCH_PATH)


def missing(programs: Sequence[Program] = PROGRAMS, present: Callable[[str], object] = find) -> list[Program]:
    """The programs that are not on this machine."""
    return [program for program in programs if not present(program.name)]


def ensure_programs(say: Callable[[str], None], programs: Sequence[Program] = PROGRAMS) -> None:
    """Installs what is missing, or raises HostError naming each thing and its command."""
    lacking = missing(programs)
    if not lacking:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise HostError(explain(lacking))
    packages = [program.package for program in lacking]
    say(f"installing {', '.join(packages)}")
    _apt("update", "-qq")
    _apt("install", "-y", "-qq", "--no-install-recommends", *packages)
    _stop_packaged_etcd()
    if still := missing(programs):
        raise HostError(explain(still))


def explain(lacking: Sequence[Program]) -> str:
    """One line a program: what it is for and how to install it."""
    lines = [f"  {p.name}: {p.purpose}; install it with: apt-get install {p.package}" for p in lacking]
    return "This machine lacks:\n" + "\n".join(lines)


def require_root() -> None:
    """Networking and Docker need root; says how to become it, and what root would have to install."""
    if os.geteuid() != 0:
        needs = "This needs root: run it with sudo, as `sudo make up` or `sudo sampan up`."
        raise HostError("\n".join([needs, *([explain(lacking)] if (lacking := missing()) else [])]))


def has_systemd() -> bool:
    """Whether systemd is PID 1 here."""
    return os.path.isdir("/run/systemd/system")


def _stop_packaged_etcd() -> None:
    """Debian's package starts an etcd of its own under systemd, on the port that ours uses."""
    if has_systemd():
        subprocess.run(["systemctl", "disable", "--now", "etcd"], check=False, capture_output=True)


def _apt(*arguments: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(["apt-get", *arguments], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise HostError(f"apt-get {' '.join(arguments)} failed:\n{done.stdout[-500:]}{done.stderr[-2000:]}")
