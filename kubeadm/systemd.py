"""The Launcher over systemd: unit files as they lie in deploy/systemd, their flags in /etc/sampan.

A unit reads `/etc/sampan/NAME.env`, which is written here, and `/etc/default/sampan-NAME`, which is its
owner's.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from kubeadm import host, ports, units
from kubeadm.config import ClusterConfig
from kubeadm.launcher import Process
from kubeadm.units import Unit

ETC, DEFAULTS = Path("/etc/sampan"), Path("/etc/default")
UNIT_FOLDER = Path("/etc/systemd/system")
TARGET = "sampan.target"


def service_of(name: str) -> str:
    """kube-apiserver is sampan-apiserver.service, kubelet-2 is sampan-kubelet@2.service."""
    base, _, number = name.removeprefix("kube-").rpartition("-")
    if number.isdigit():
        return f"sampan-{base}@{number}.service"
    return f"sampan-{name.removeprefix('kube-')}.service"


def file_of(service: str) -> str:
    """The file that defines a service: a template for all instances."""
    name, at, _ = service.partition("@")
    return f"{name}@.service" if at else service


def environment(unit: Unit) -> str:
    """What the unit's environment file says. systemd parts the flags at spaces."""
    return f"# Written by sampan; your own flags belong into {DEFAULTS}/{service_of(unit.name)[:-8]}.\n" + (
        f'SAMPAN_ARGS="{" ".join(unit.flags)}"\n'
    )


class Systemd:
    name = "systemd"

    def __init__(self, config: ClusterConfig) -> None:
        self._run_dir = config.run_dir

    def units(self) -> list[Unit]:
        return units.load(self._run_dir)

    def is_running(self) -> bool:
        return any(process.pid for process in self.processes())

    def apply(self, wanted: Sequence[Unit], *, afresh: bool = False) -> list[str]:
        before = self.units()
        running = {process.name for process in self.processes() if process.pid}
        ports.require_free([unit for unit in wanted if unit.name not in running])
        gone = [unit.name for unit in before if unit.name not in {each.name for each in wanted}]
        _disable(map(service_of, gone))
        changed = [unit for unit in wanted if afresh or unit not in before]
        self._install(wanted)
        units.save(self._run_dir, wanted)
        services = [service_of(unit.name) for unit in wanted]
        _systemctl("enable", "--quiet", TARGET, *services)
        _systemctl("restart", "--no-block", *(service_of(unit.name) for unit in changed))
        _systemctl("start", "--no-block", TARGET)
        return [unit.name for unit in wanted if unit in changed or unit.name not in running]

    def stop(self) -> bool:
        services = [service_of(unit.name) for unit in self.units()]
        was_running = self.is_running()
        _systemctl("stop", TARGET)
        _disable([*services, TARGET])
        for name in {TARGET, *map(file_of, services)}:
            (UNIT_FOLDER / name).unlink(missing_ok=True)
        _systemctl("daemon-reload")
        return was_running

    def processes(self) -> list[Process]:
        return [
            Process(unit.name, _main_pid(service_of(unit.name)), f"journalctl -u {service_of(unit.name)}")
            for unit in self.units()
        ]

    def _install(self, wanted: Sequence[Unit]) -> None:
        ETC.mkdir(exist_ok=True)
        path = ":".join([str(Path(sys.executable).parent), host.SYSTEM_PATH])
        (ETC / "sampan.env").write_text(f"PATH={path}\n")
        for unit in wanted:
            (ETC / f"{unit.name}.env").write_text(environment(unit))
        for name in {TARGET, *(file_of(service_of(unit.name)) for unit in wanted)}:
            shutil.copy(unit_files() / name, UNIT_FOLDER / name)
        _systemctl("daemon-reload")


def unit_files() -> Path:
    """Where the unit files lie: in the package, or in the checkout."""
    packaged = Path(__file__).with_name("systemd_units")
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "deploy" / "systemd"


def _disable(services: Iterable[str]) -> None:
    if names := list(services):
        _systemctl("disable", "--quiet", "--now", *names)


def _main_pid(service: str) -> int:
    done = subprocess.run(
        ["systemctl", "show", "--property=MainPID", "--value", service], capture_output=True, text=True
    )
    return int(done.stdout.strip() or 0)


def _systemctl(verb: str, *arguments: str) -> None:
    if verb != "daemon-reload" and not [each for each in arguments if not each.startswith("-")]:
        return
    done = subprocess.run(["systemctl", verb, *arguments], capture_output=True, text=True)
    if done.returncode != 0 and verb not in ("stop", "disable"):
        raise host.HostError(f"systemctl {verb} failed:\n{done.stderr[-2000:]}")
