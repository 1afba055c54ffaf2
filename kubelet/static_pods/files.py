"""The manifests of a node: a folder of files, or one file, each with one pod.

As upstream: files whose name begins with a dot and subfolders are not looked at, a file that is no
manifest is left out with a line in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

from apimachinery.objects import Object
from component_base.folder_watch import FolderWatch
from kubelet.static_pods.manifest import ManifestError, Origin, UnreadableManifest, static_pod
from kubelet.static_pods.sources import StaticPods, by_key

log = logging.getLogger(__name__)


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
        self._last = by_key(self._pods_of(paths))
        return self._last

    def _pods_of(self, paths: Iterable[Path]) -> Iterator[Object]:
        for path in paths:
            try:
                yield static_pod(path.read_bytes(), Origin("file", str(path), self._node), self._now())
            except UnreadableManifest as error:
                words = f"{path}: couldn't parse as pod({error}), please check config file"
                log.error("Can't process manifest file: path=%s error=%s", path, words)
            except (ManifestError, OSError) as error:
                log.error("Can't process manifest file: path=%s error=%s", path, error)

    async def changed(self) -> None:
        await self._watch.changed(self._period)

    async def wait_known(self) -> None:
        """They are as soon as they are read."""

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
