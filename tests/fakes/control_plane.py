"""A control plane in a folder of the test's."""

from __future__ import annotations

import sys
from pathlib import Path

from pytest_sampan import control_plane


class ControlPlane(control_plane.ControlPlane):
    """`python` has the daemons installed."""

    def __init__(self, folder: Path, node_name: str = "here", python: Path = Path(sys.executable)) -> None:
        super().__init__(control_plane.on_free_ports(folder, node_name), python)
