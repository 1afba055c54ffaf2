"""The wheel: built, installed into a virtual environment of its own, and run where there is no checkout.

What it depends on is borrowed; that it names all of that shows in the images of test_machines.py.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import sysconfig
import tomllib
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.plane import Plane, plane_in

CHECKOUT = Path(__file__).parents[2]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
UNITS = sorted(path.name for path in (CHECKOUT / "deploy" / "systemd").iterdir())
POD = """
apiVersion: v1
kind: Pod
metadata: {name: first}
spec: {containers: [{name: c, image: 'busybox:1.36'}]}
"""


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """What it printed; nothing of the checkout's environment is there to help."""
    clean = {"PATH": os.environ["PATH"], "HOME": str(cwd), **environment}
    done = subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of the virtual environment."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    subprocess.run([*pip, "wheel", "--no-deps", "-w", folder, CHECKOUT], check=True)
    [wheel] = folder.glob("*.whl")
    venv.create(folder / "venv")
    programs = folder / "venv" / "bin"
    subprocess.run([*pip, f"--python={programs / 'python'}", "install", "--no-deps", wheel], check=True)
    [packages] = (folder / "venv" / "lib").glob("python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    return programs


@pytest.fixture(scope="module")
def plane(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    with plane_in(tmp_path_factory.mktemp("plane"), installed / "python") as plane:
        asyncio.run(plane.run_all())
        yield plane


@pytest.mark.parametrize("program", PROJECT["scripts"])
def test_every_program_starts_from_an_empty_folder(installed: Path, program: str, tmp_path: Path) -> None:
    assert "usage" in run(installed / program, "--help", cwd=tmp_path).lower()


def test_the_unit_files_for_systemd_are_in_it(installed: Path, tmp_path: Path) -> None:
    look = "from kubeadm.systemd import unit_files; print(unit_files())"
    folder = Path(run(installed / "python", "-P", "-c", look, cwd=tmp_path).strip())
    assert folder.is_relative_to(installed.parent)
    assert sorted(path.name for path in folder.iterdir()) == UNITS


def test_the_control_plane_runs_from_it(installed: Path, plane: Plane, tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(POD)

    def sampan(*words: str) -> str:
        kubeconfig = str(plane.config.admin_kubeconfig)
        return run(installed / "sampan", *words, cwd=tmp_path, KUBECONFIG=kubeconfig)

    sampan("apply", "-f", "pod.yaml")
    sampan("wait", "--for=condition=Ready", "pod/first", "--timeout=180s")
    assert "hollow-" in sampan("get", "pod", "first", "-o", "wide")
