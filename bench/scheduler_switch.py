"""`python -m bench.scheduler_switch off|on RUN_DIR`: a cluster without its scheduler for a while.

The load generator runs it, so that pods can wait for a scheduler that starts from cold.
"""

from __future__ import annotations

import sys
from pathlib import Path

from kubeadm import supervisor, units

NAME = "kube-scheduler"
PATIENCE = 10.0
"""Seconds that the scheduler has to end."""


def main() -> None:
    position, run_dir = sys.argv[1], Path(sys.argv[2])
    aside = run_dir / "without-scheduler"
    if position == "off":
        aside.mkdir(exist_ok=True)
        whole = units.load(run_dir)
        units.save(aside, whole)
        pid = int((run_dir / f"{NAME}.pid").read_text())
        _run(run_dir, [unit for unit in whole if unit.name != NAME])
        if not supervisor.wait_for_end(pid, PATIENCE):
            sys.exit(f"the scheduler did not end within {PATIENCE:g} s")
    else:
        _run(run_dir, units.load(aside))
        (aside / "components.json").unlink()
        aside.rmdir()


def _run(run_dir: Path, wanted: list[units.Unit]) -> None:
    units.save(run_dir, wanted)
    supervisor.reload(run_dir)


if __name__ == "__main__":
    main()
