"""`sampan down`: ends the processes, takes what the cluster left on the machine, and its data unless kept."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from kubeadm import engine, host, supervisor
from kubeadm.config import ClusterConfig
from kubeadm.progress import Progress

CLEAN_UP_LIMIT = 120.0


def down(config: ClusterConfig, *, keep: bool = False) -> None:
    """Takes the cluster away; with `keep` its data, certificates and kubeconfigs stay. Twice is harmless."""
    host.require_root()
    progress = Progress()
    if not config.state_dir.exists():
        progress.say(f"nothing to do: {config.state_dir} is not there")
        return
    with progress.step("processes") as notes:
        notes.append("stopped" if supervisor.stop(config.run_dir) else "no supervisor ran")
    if engine.answers():
        with progress.step("containers") as notes:
            notes.append(_clean_up("kubelet", config))
    with progress.step("Service rules") as notes:
        notes.append(_clean_up("kube_proxy", config))
    _unmount_below(config.state_dir)
    if engine.stop_if_ours(config.state_dir):
        progress.say("docker: stopped, since sampan up had started it")
    if keep:
        progress.say(f"kept: {config.state_dir}")
        return
    shutil.rmtree(config.state_dir)
    progress.say(f"removed: {config.state_dir}")


def _clean_up(package: str, config: ClusterConfig) -> str:
    """Lets the daemon that made them take its containers, links and rules away."""
    flags = ["--cleanup", f"--hostname-override={config.node_name}"]
    if package == "kubelet":
        flags.append(f"--root-dir={config.state_dir / 'kubelet'}")
    done = subprocess.run(
        [sys.executable, "-P", "-m", package, *flags], capture_output=True, text=True, timeout=CLEAN_UP_LIMIT
    )
    if done.returncode != 0:
        raise host.HostError(f"{package} --cleanup failed:\n{done.stderr[-2000:]}")
    return "removed"


def _unmount_below(state_dir: Path) -> None:
    """Volumes of a kubelet that was killed may still be mounted (tmpfs); the innermost goes first."""
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for mount in sorted((m for m in mounts if m.startswith(f"{state_dir}/")), reverse=True):
        subprocess.run(["umount", "-l", mount], check=False, capture_output=True)
