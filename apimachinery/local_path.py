"""Volumes that are directories on a node's own disk: what provisioner and kubelet agree on.

The provisioner makes the PersistentVolume with NODE_LABEL and FINALIZER. That node's kubelet makes the
directory and says so in MADE: from then on it is looked for, never made again. When nothing but FINALIZER
holds the volume any more, the kubelet deletes the directory and takes FINALIZER away.
docs/decisions/0009-local-path-volumes.md says why.
"""

from __future__ import annotations

PROVISIONER = "sampan.io/local-path"
NODE_LABEL = "sampan.io/local-path-node"
FINALIZER = "sampan.io/local-path"
MADE = "sampan.io/local-path-made"
"""An annotation."""
PATH_PARAMETER = "path"
"""Of a StorageClass: below which directory its volumes are made, on every node."""
DEFAULT_PATH = "/var/lib/sampan/volumes"
MAX_NAME = 255
"""Longer names of files there are not."""


def directory_name(volume: str, namespace: str, claim: str) -> str:
    """Unique by the volume's name; the rest is for people who look at the disk."""
    return f"{volume}_{namespace}_{claim}"[:MAX_NAME]
