"""Builds and runs the load generator (`apiload.go`) and reads its rows."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from kubeadm import host
from kubeadm.config import ClusterConfig

SOURCE = Path(__file__).with_name("apiload.go")


def build(folder: Path) -> Path:
    """The generator's binary, built with the machine's Go (Debian: golang-go)."""
    go = host.find("go")
    assert go is not None, "host.ensure_programs has found it"
    binary = folder / "apiload"
    subprocess.run([go, "build", "-o", str(binary), str(SOURCE)], check=True, cwd=folder)
    return binary


def run(binary: Path, config: ClusterConfig, test: str, *options: str) -> dict[str, float]:
    """Runs one test as the administrator; metric -> median."""
    rows = binary.with_name(f"{test}.jsonl")
    rows.unlink(missing_ok=True)
    pki = config.pki
    command = [
        *(str(binary), "-server", config.server, "-test", test, "-json", str(rows)),
        *("-ca", str(pki / "ca.crt"), "-cert", str(pki / "admin.crt"), "-key", str(pki / "admin.key")),
        *options,
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return {row["metric"]: row["median"] for row in map(json.loads, rows.read_text().splitlines())}
