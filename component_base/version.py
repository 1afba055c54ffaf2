"""Which Kubernetes we are: the version of the API that all daemons speak, as /version tells it."""

from __future__ import annotations

import platform

from apimachinery.objects import Object

MAJOR, MINOR = "1", "34"
GIT_VERSION = "v1.34.0"
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


def version_info() -> Object:
    machine = platform.machine()
    return {
        "major": MAJOR,
        "minor": MINOR,
        "emulationMajor": MAJOR,
        "emulationMinor": MINOR,
        "minCompatibilityMajor": MAJOR,
        "minCompatibilityMinor": str(int(MINOR) - 1),
        "gitVersion": GIT_VERSION,
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "2025-08-27T10:17:46Z",
        "goVersion": f"python{platform.python_version()}",
        "compiler": platform.python_implementation().lower(),
        "platform": f"linux/{_MACHINES.get(machine, machine)}",
    }
