"""What is left in the persistent volumes that pods of the node use, by their claims."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from apimachinery.objects import NamespacedName, Object
from apimachinery.volumes import claim_of_volume
from kubelet.metrics import VOLUME_STATS_SECONDS
from kubelet.stats.disk import Filesystem, filesystem_of
from kubelet.stats.families import Family
from kubelet.volumes.mounted import MountedVolume


@dataclass(frozen=True, slots=True)
class ClaimStats:
    volume: str
    """Its name in the pod."""
    claim: NamespacedName
    filesystem: Filesystem


def inspect_claims(pod: Object, mounted: Mapping[str, MountedVolume]) -> Iterator[ClaimStats]:
    """Blocks. A volume that is a bare device has no file system to tell of."""
    for volume in (pod.get("spec") or {}).get("volumes") or ():
        claim, found = claim_of_volume(pod, volume), mounted.get(volume["name"])
        if claim is not None and found is not None and Path(found.path).is_dir():
            with VOLUME_STATS_SECONDS.labels("statfs").time():
                filesystem = filesystem_of(Path(found.path))
            yield ClaimStats(volume["name"], claim, filesystem)


def volume_metrics(claims: Iterable[ClaimStats]) -> list[Family]:
    """The families of /metrics that tell of persistent volumes."""
    families = {
        name: Family(f"kubelet_volume_stats_{name}", "gauge", help) for name, help in _FAMILIES.items()
    }
    for each in {each.claim: each for each in claims}.values():
        labels = {"namespace": each.claim.namespace, "persistentvolumeclaim": each.claim.name}
        for name, value in _amounts(each.filesystem).items():
            families[name].add(labels, value)
    return list(families.values())


_FAMILIES = {
    "available_bytes": "[ALPHA] Number of available bytes in the volume",
    "capacity_bytes": "[ALPHA] Capacity in bytes of the volume",
    "used_bytes": "[ALPHA] Number of used bytes in the volume",
    "inodes": "[ALPHA] Maximum number of inodes in the volume",
    "inodes_free": "[ALPHA] Number of free inodes in the volume",
    "inodes_used": "[ALPHA] Number of used inodes in the volume",
}


def _amounts(disk: Filesystem) -> dict[str, int]:
    return {
        "available_bytes": disk.available,
        "capacity_bytes": disk.capacity,
        "used_bytes": disk.used.bytes,
        "inodes": disk.inodes,
        "inodes_free": disk.inodes_free,
        "inodes_used": disk.used.inodes,
    }
