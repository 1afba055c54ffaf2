"""Where a pod's volume is on the node."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MountedVolume:
    path: str
    read_only: bool = False
    """For every container, whatever its mount says."""
    is_image: bool = False
    """Whether nothing may be added to it, not even a folder for a subPath."""
