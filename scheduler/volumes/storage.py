"""The claims, volumes and what else of storage decisions are made on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from apimachinery import volumes
from apimachinery.objects import NamespacedName, Object, get_path
from scheduler.volumes.assume_cache import AssumeCache, Lister

CAPACITIES_BY_CLASS = "capacities by class"


def class_of_capacity(capacity: Object) -> tuple[str, ...]:
    """The index function of CAPACITIES_BY_CLASS."""
    return (capacity.get("storageClassName") or "",)


ATTACHMENTS_BY_NODE = "attachments by node"


def node_of_attachment(attachment: Object) -> tuple[str, ...]:
    """The index function of ATTACHMENTS_BY_NODE."""
    return (attachment["spec"]["nodeName"],)


@dataclass(frozen=True, slots=True)
class Storage:
    """`volumes` must have the index OFFERS, `capacities` and `attachments` theirs above."""

    claims: AssumeCache
    volumes: AssumeCache
    classes: Lister
    drivers: Lister
    capacities: Lister
    csi_nodes: Lister
    attachments: Lister

    def class_of(self, claim: Object) -> Object | None:
        name = volumes.class_of(claim)
        return self.classes.get(NamespacedName("", name)) if name else None

    def volume_of(self, claim: Object) -> Object | None:
        """The volume that the claim names."""
        name = get_path(claim, "spec.volumeName")
        return self.volumes.get(NamespacedName("", name)) if name else None

    def offers_for(self, claim: Object) -> Iterator[Object]:
        """The volumes that may serve a claim."""
        for value in volumes.offers_for(claim):
            yield from self.volumes.by_index(volumes.OFFERS, value)
