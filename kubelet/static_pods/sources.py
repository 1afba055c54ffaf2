"""Where a node's static pods come from: files and a URL, or (hollow nodes) nowhere."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Protocol

from apimachinery.objects import NamespacedName, Object, key_of

log = logging.getLogger(__name__)

StaticPods = dict[NamespacedName, Object]


class Manifests(Protocol):
    """The seam: one source of static pods."""

    def read(self) -> StaticPods:
        """Those that are wanted now."""

    async def changed(self) -> None:
        """Returns when it is time to read again."""

    async def wait_known(self) -> None:
        """Before, nobody can tell what runs here from what is wanted."""

    def close(self) -> None: ...


def by_key(pods: Iterable[Object]) -> StaticPods:
    """The first of each name."""
    found: StaticPods = {}
    for pod in pods:
        if found.setdefault(key_of(pod), pod) is not pod:
            log.error("Two manifests have the same pod: pod=%s", key_of(pod))
    return found
