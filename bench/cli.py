"""How long a command takes beside kubectl's, asked in turns against the same server."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from kubeadm.config import ClusterConfig

SAMPAN = Path(sys.executable).with_name("sampan")
WORDS = ("get", "pods", "--all-namespaces")


def ratio(config: ClusterConfig, times: int) -> float | None:
    """The median of `sampan get pods` over that of kubectl; None where there is no kubectl."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        return None
    seconds: dict[str, list[float]] = {kubectl: [], str(SAMPAN): []}
    for _ in range(times):
        for program, taken in seconds.items():
            began = time.perf_counter()
            command = [program, f"--kubeconfig={config.admin_kubeconfig}", *WORDS]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            taken.append(time.perf_counter() - began)
    theirs, ours = (statistics.median(taken) for taken in seconds.values())
    print(f"  kubectl {theirs * 1000:.0f} ms  sampan {ours * 1000:.0f} ms")
    return ours / theirs
