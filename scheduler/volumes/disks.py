"""Disks that pods name themselves, not through claims, and which pods can't have one together. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from apimachinery.objects import Object

KINDS = ("gcePersistentDisk", "awsElasticBlockStore", "iscsi", "rbd")


class Disk(NamedTuple):
    kind: str
    identity: str
    only_read: bool


def disks_of(volume: Object) -> Iterator[Disk]:
    """The disks of a pod's volume; an rbd image is known by each of its monitors."""
    for kind in KINDS:
        source: Object = volume.get(kind) or {}
        for identity in _identities(kind, source) if source else ():
            yield Disk(kind, identity, bool(source.get("readOnly")))


def _identities(kind: str, source: Object) -> list[str]:
    match kind:
        case "gcePersistentDisk":
            return [source["pdName"]]
        case "awsElasticBlockStore":
            return [source["volumeID"]]
        case "iscsi":
            return [source["iqn"]]
    return [f"{monitor}/{source.get('pool') or 'rbd'}/{source['image']}" for monitor in source["monitors"]]


def clash(one: Disk, other: Disk) -> bool:
    """The same disk, and not both only read it; one of AWS is never shared."""
    if one[:2] != other[:2]:
        return False
    return one.kind == "awsElasticBlockStore" or not (one.only_read and other.only_read)
