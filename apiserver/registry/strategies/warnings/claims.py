"""Warnings about claims of storage and volumes.

Sources: upstream's pkg/api/persistentvolumeclaim/util.go and pkg/api/persistentvolume/util.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from apimachinery.objects import Object, annotations_of, get_path
from apimachinery.quantity import Quantity
from apimachinery.volumes import BETA_STORAGE_CLASS
from apiserver.registry.strategies.warnings.nodes import term_warnings

_OLD_CLASS = (
    f"metadata.annotations[{BETA_STORAGE_CLASS}]: "
    'deprecated since v1.8; use "storageClassName" attribute instead'
)
_RECYCLE = (
    "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. "
    "Instead, the recommended approach is to use dynamic provisioning."
)
_WHOLE = re.compile("[0-9]+([kMGTPE]|[KMGTPE]i)?")
"""What nobody has to look at closer: most of it."""
OLD_VOLUMES = {
    "photonPersistentDisk": ("photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    "scaleIO": ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    "storageos": ("storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    "glusterfs": ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    "cephfs": ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    "rbd": ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
}
"""By field: what messages call it, and what is told."""


def claim_warnings(claim: Object) -> Iterator[str]:
    if BETA_STORAGE_CLASS in annotations_of(claim):
        yield _OLD_CLASS
    yield from claim_spec_warnings("spec", claim.get("spec") or {})


def claim_spec_warnings(path: str, spec: Object) -> Iterator[str]:
    resources = spec.get("resources") or {}
    for side in ("requests", "limits"):
        yield from fraction_warnings(f"{path}.resources.{side}", resources.get(side), ("storage",))


def fraction_warnings(
    path: str, amounts: Mapping[str, Any] | None, resources: tuple[str, ...]
) -> Iterator[str]:
    """Of parts of a byte."""
    for name in resources:
        value = (amounts or {}).get(name)
        if value is None or _WHOLE.fullmatch(str(value)):
            continue
        if Quantity.parse(value).milli_value() % 1000:
            text = f'fractional byte value "{Quantity.parse(value)}" is invalid, must be an integer'
            yield f"{path}[{name}]: {text}"


def volume_warnings(volume: Object) -> Iterator[str]:
    """Of a PersistentVolume."""
    spec = volume.get("spec") or {}
    if BETA_STORAGE_CLASS in annotations_of(volume):
        yield _OLD_CLASS
    if spec.get("persistentVolumeReclaimPolicy") == "Recycle":
        yield _RECYCLE
    terms = get_path(spec, "nodeAffinity.required.nodeSelectorTerms") or ()
    for index, term in enumerate(terms):
        yield from term_warnings(f"spec.nodeAffinity.required.nodeSelectorTerms[{index}]", term)
    for field, (name, text) in OLD_VOLUMES.items():
        if spec.get(field) is not None:
            yield f"spec.{name}: {text}"
