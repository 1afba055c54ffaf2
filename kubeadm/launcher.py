"""What runs a cluster's processes on a machine: systemd where it is there, else our small supervisor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from kubeadm import host
from kubeadm.config import ClusterConfig
from kubeadm.units import Unit


@dataclass(frozen=True, slots=True)
class Process:
    """A unit as it runs now: pid 0 when it is down."""

    name: str
    pid: int
    log: str
    """Where its log is to be read: a file, or a command."""


class Launcher(Protocol):
    """Twins: `Supervised` and `Systemd`."""

    name: str

    def units(self) -> list[Unit]:
        """What it was last told to run."""

    def is_running(self) -> bool:
        """Whether it keeps anything running."""

    def apply(self, wanted: Sequence[Unit], *, afresh: bool = False) -> list[str]:
        """Runs exactly these, and returns the names of those that were started.

        What runs already is left alone, unless it was told to run in another way or `afresh`.
        """

    def stop(self) -> bool:
        """Ends everything and forgets it; whether there was anything to end."""

    def processes(self) -> list[Process]:
        """Every unit it was told to run."""


def launcher_of(config: ClusterConfig) -> Launcher:
    if host.has_systemd():
        from kubeadm.systemd import Systemd

        return Systemd(config)
    from kubeadm.supervised import Supervised

    return Supervised(config)
