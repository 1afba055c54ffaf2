"""`plugin`: which programs are verbs."""

from __future__ import annotations

import os
from typing import Annotated

from kubectl import plugins
from kubectl.arguments import Flag
from kubectl.commands import Group
from kubectl.failures import CommandError


def list_(
    name_only: Annotated[bool, Flag("--name-only", help="Their names, without their folders.")] = False,
) -> None:
    """List all visible plugin executables on a user's PATH."""
    found = plugins.installed(os.environ.get("PATH", ""))
    if not found:
        raise CommandError("unable to find any kubectl plugins in your PATH")
    print("The following compatible plugins are available:\n")
    for path in found:
        print(path.name if name_only else path)


plugin = Group("Provides utilities for interacting with plugins.", {"list": list_})
