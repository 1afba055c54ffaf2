"""What the cgroups of the tree are called, as directories and as slices of systemd. Pure.

A name is the way from the top: ("kubepods", "burstable", "pod<uid>"). Guaranteed pods have no class above
them.
"""

from __future__ import annotations

from apimachinery.pods import GUARANTEED

Name = tuple[str, ...]
ALL_PODS, POD_PREFIX = "kubepods", "pod"


def all_pods(cgroup_root: str) -> Name:
    """Below the `cgroupRoot` of the configuration."""
    return (*parse_path(cgroup_root), ALL_PODS)


def parse_path(path: str) -> Name:
    return tuple(part for part in path.split("/") if part)


def of_class(top: Name, quality: str) -> Name:
    return top if quality == GUARANTEED else (*top, quality.lower())


def of_pod(top: Name, quality: str, uid: str) -> Name:
    return (*of_class(top, quality), f"{POD_PREFIX}{uid}")


def directory(name: Name) -> str:
    """As driver cgroupfs has it."""
    return "/".join(name)


def slice_of(name: Name) -> str:
    """systemd's unit. A dash there means a level, so that those within a part become underscores."""
    return "-".join(part.replace("-", "_") for part in name) + ".slice"


def slice_directory(name: Name) -> str:
    """Each slice lies in the one that its name begins with."""
    return "/".join(slice_of(name[:length]) for length in range(1, len(name) + 1))


def uid_in(directory: str) -> str:
    """The pod's uid, of the last part of either kind of path; '' if it is no pod's."""
    last = directory.rpartition("/")[2]
    if last.endswith(".slice"):
        last = last.removesuffix(".slice").rpartition("-")[2].replace("_", "-")
    return last.removeprefix(POD_PREFIX) if last.startswith(POD_PREFIX) else ""
