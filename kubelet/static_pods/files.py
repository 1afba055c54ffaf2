"""The manifests of a node: a folder of files, or one file, each with one pod.

As upstream: files whose name begins with a dot and subfolders are not looked at, a file that is no
manifest is left out with a line in the log.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from apimachinery.objects import NamespacedName, Object, key_of
from component_base.folder_watch import FolderWatch
from kubelet.static_pods.manifest import ManifestError, static_pod

log = logging.getLogger(__name__)

StaticPods = dict[NamespacedName, Object]


class Manifests(Protocol):
    """The seam: files, or (hollow nodes) none."""

    def read(self) -> StaticPods: ...
    async def changed(self) -> None:
        """Returns when it is time to read again."""

    def close(self) -> None: ...


class ManifestFiles:
    """`path` is a folder or a file; looked at whenever it changes, and every `period` seconds."""

    def __init__(self, path: Path, node: str, *, period: float, now: Callable[[], datetime]) -> None:
        self._path = path
        self._node = node
        self._period = period
        self._now = now
        self._watch = FolderWatch()
        self._last: StaticPods = {}

    def read(self) -> StaticPods:
        self._watch.arm(self._path if self._path.is_dir() else self._path.parent)
        try:
            paths = list(_manifests_of(self._path))
        except OSError as error:
            log.error("Can't read manifests, keeping those known: path=%s error=%s", self._path, error)
            return self._last
        self._last = self._parse(paths)
        return self._last

    def _parse(self, paths: Sequence[Path]) -> StaticPods:
        pods: StaticPods = {}
        for path in paths:
            try:
                pod = static_pod(path.read_bytes(), source=str(path), node=self._node, now=self._now())
            except (ManifestError, OSError) as error:
                log.error("Can't process manifest file: path=%s error=%s", path, error)
                continue
            if key_of(pod) in pods:
                log.error("Two manifests have the same pod: path=%s pod=%s", path, key_of(pod))
            pods.setdefault(key_of(pod), pod)
        return pods

    async def changed(self) -> None:
        await self._watch.changed(self._period)

    def close(self) -> None:
        self._watch.close()


def _manifests_of(path: Path) -> Iterator[Path]:
    if path.is_dir():
        for each in sorted(path.iterdir()):
            if not each.name.startswith(".") and each.is_file():
                yield each
    elif path.exists():
        yield path
    else:
        log.info("Path does not exist, ignoring: path=%s", path)


class NoManifests:
    def read(self) -> StaticPods:
        return {}

    async def changed(self) -> None:
        await asyncio.Event().wait()

    def close(self) -> None:
        return None
