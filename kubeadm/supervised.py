"""The Launcher over our supervisor: a file of units, a process that reads it, pid files, logs."""

from __future__ import annotations

from collections.abc import Sequence

from kubeadm import ports, supervisor, units
from kubeadm.config import ClusterConfig
from kubeadm.launcher import Process
from kubeadm.units import Unit


class Supervised:
    name = "supervisor"

    def __init__(self, config: ClusterConfig) -> None:
        self._run_dir = config.run_dir
        self._log_dir = config.log_dir

    def units(self) -> list[Unit]:
        return units.load(self._run_dir)

    def is_running(self) -> bool:
        return supervisor.is_running(self._run_dir)

    def apply(self, wanted: Sequence[Unit], *, afresh: bool = False) -> list[str]:
        before = self.units()
        if self.is_running() and not afresh:
            changed = [unit.name for unit in wanted if unit not in before]
            if list(wanted) != before:
                self._reload(before, wanted)
            return changed
        # Strays too: a kill of the supervisor leaves them, and they would answer for the new processes.
        supervisor.stop(self._run_dir)
        ports.require_free(wanted)
        units.save(self._run_dir, wanted)
        supervisor.spawn(self._run_dir, self._log_dir)
        return [unit.name for unit in wanted]

    def _reload(self, before: Sequence[Unit], wanted: Sequence[Unit]) -> None:
        """Returns when what is not to run any more has ended: it would answer for its successor."""
        leaving = [self._pid(unit.name) for unit in before if unit not in wanted]
        units.save(self._run_dir, wanted)
        supervisor.reload(self._run_dir)
        for pid in filter(None, leaving):
            supervisor.wait_for_end(pid, supervisor.STOP_LIMIT)

    def stop(self) -> bool:
        return supervisor.stop(self._run_dir)

    def processes(self) -> list[Process]:
        return [
            Process(unit.name, self._pid(unit.name), f"{self._log_dir}/{unit.name}.log")
            for unit in self.units()
        ]

    def _pid(self, name: str) -> int:
        try:
            return int((self._run_dir / f"{name}.pid").read_text())
        except (OSError, ValueError):
            return 0
