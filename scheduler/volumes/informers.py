"""What keeps Storage up to date: an informer for each of its kinds, and the events that changes are."""

from __future__ import annotations

from collections.abc import Iterator

from apimachinery.scheme import (
    CSI_DRIVERS,
    CSI_NODES,
    CSI_STORAGE_CAPACITIES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    STORAGE_CLASSES,
    VOLUME_ATTACHMENTS,
)
from apimachinery.volumes import OFFERS, offered_to
from client.informer import Informer
from client.rest import Client
from scheduler.framework.interface import EventKind
from scheduler.volumes.assume_cache import AssumeCache
from scheduler.volumes.storage import (
    ATTACHMENTS_BY_NODE,
    CAPACITIES_BY_CLASS,
    Storage,
    class_of_capacity,
    node_of_attachment,
)


class StorageInformers:
    def __init__(self, client: Client) -> None:
        indexes = {CAPACITIES_BY_CLASS: class_of_capacity}
        self._by_kind = {
            EventKind.CLAIM: Informer(client, PERSISTENT_VOLUME_CLAIMS),
            EventKind.VOLUME: Informer(client, PERSISTENT_VOLUMES, indexers={OFFERS: offered_to}),
            EventKind.STORAGE_CLASS: Informer(client, STORAGE_CLASSES),
            EventKind.CSI_DRIVER: Informer(client, CSI_DRIVERS),
            EventKind.CSI_CAPACITY: Informer(client, CSI_STORAGE_CAPACITIES, indexers=indexes),
            EventKind.CSI_NODE: Informer(client, CSI_NODES),
            EventKind.DETACHED: Informer(
                client, VOLUME_ATTACHMENTS, indexers={ATTACHMENTS_BY_NODE: node_of_attachment}
            ),
        }

    def __iter__(self) -> Iterator[tuple[EventKind, Informer]]:
        return iter(self._by_kind.items())

    def storage(self) -> Storage:
        claims, volumes, *others = self._by_kind.values()
        return Storage(AssumeCache(claims), AssumeCache(volumes), *others)
