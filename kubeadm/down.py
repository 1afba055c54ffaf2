"""`sampan down`: ends the processes, takes what the cluster left on the machine, and its data unless kept."""

from __future__ import annotations

import errno
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from kubeadm import engine, host, sysctls
from kubeadm.components import kubelets
from kubeadm.config import ClusterConfig
from kubeadm.launcher import launcher_of
from kubeadm.progress import Progress

CLEAN_UP_LIMIT = 120.0


def down(config: ClusterConfig, *, keep: bool = False) -> None:
    """Takes the cluster away; with `keep` its data, certificates and kubeconfigs stay. Twice is harmless."""
    host.require_root()
    progress = Progress()
    if not config.state_dir.exists():
        progress.say(f"nothing to do: {config.state_dir} is not there")
        return
    launcher = launcher_of(config)
    former = kubelets(launcher.units())
    with progress.step("processes") as notes:
        notes.append("stopped" if launcher.stop() else "none ran")
    if engine.answers():
        with progress.step("containers") as notes:
            for unit in former:
                clean_up("kubelet", unit.flags)
                notes.append(unit.name)
    with progress.step("Service rules"):
        clean_up("kube_proxy", [f"--hostname-override={config.node_name}"])
    if changed := sysctls.put_back(config.state_dir):
        progress.say(f"put back: {', '.join(changed)}")
    _unmount_below(config.state_dir)
    if engine.stop_if_ours(config.state_dir):
        progress.say("docker: stopped, since sampan up had started it")
    if keep:
        progress.say(f"kept: {config.state_dir}")
        return
    remove(config.state_dir)
    remove(config.config_dir)
    progress.say(f"removed: {config.state_dir}")


def remove(folder: Path) -> None:
    """A folder on which something is mounted, a container's volume say, is only emptied."""
    if not folder.exists():
        return
    for each in folder.iterdir():
        shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()
    try:
        folder.rmdir()
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise


def clean_up(package: str, flags: Iterable[str]) -> None:
    """Lets the daemon that made them take its containers, links and rules away."""
    command = [sys.executable, "-P", "-m", package, *flags, "--cleanup"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=CLEAN_UP_LIMIT)
    if done.returncode != 0:
        raise host.HostError(f"{package} --cleanup failed:\n{done.stderr[-2000:]}")


def _unmount_below(state_dir: Path) -> None:
    """Volumes of a kubelet that was killed may still be mounted (tmpfs); the innermost goes first."""
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for mount in sorted((m for m in mounts if m.startswith(f"{state_dir}/")), reverse=True):
        subprocess.run(["umount", "-l", mount], check=False, capture_output=True)
