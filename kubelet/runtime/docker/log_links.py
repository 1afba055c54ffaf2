"""Containers' logs where log collectors look for them: links in /var/log to the engine's own files.

/var/log/pods/NAMESPACE_POD_UID/CONTAINER/ATTEMPT.log leads to the engine's file, and
/var/log/containers/POD_NAMESPACE_CONTAINER-ID.log to the former, as dockershim had it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from kubelet.runtime.docker.labels import ATTEMPT, CONTAINER_NAME, POD_NAME, POD_NAMESPACE, POD_UID

log = logging.getLogger(__name__)

POD_LOGS, CONTAINER_LOGS = Path("/var/log/pods"), Path("/var/log/containers")


class LogLinks:
    """Blocks, but only for a moment. A log that cannot be linked is no reason not to run the container.

    The link by which a container's others are found is the first to be made and the last to go: whoever is
    killed in between has a successor that finds them.
    """

    def __init__(self, pods: Path = POD_LOGS, containers: Path = CONTAINER_LOGS) -> None:
        self._pods = pods
        self._containers = containers

    def add(self, labels: Mapping[str, str], docker_id: str, file: Path) -> None:
        """`labels` are those of the container."""
        pod = "_".join(labels[key] for key in (POD_NAMESPACE, POD_NAME, POD_UID))
        of_pod = self._pods / pod / labels[CONTAINER_NAME] / f"{labels[ATTEMPT]}.log"
        name = "_".join(labels[key] for key in (POD_NAME, POD_NAMESPACE, CONTAINER_NAME))
        try:
            _link(self._containers / f"{name}-{docker_id}.log", of_pod)
            _link(of_pod, file)
        except OSError as error:
            log.warning("Log not linked: container=%s error=%s", docker_id, error)

    def remove(self, docker_id: str) -> None:
        """With the folders that become empty."""
        for link in self._containers.glob(f"*-{docker_id}.log"):
            with suppress(OSError):
                of_pod = link.readlink()
                of_pod.unlink(missing_ok=True)
                for folder in (of_pod.parent, of_pod.parent.parent):
                    with suppress(OSError):
                        folder.rmdir()
                link.unlink()


def _link(path: Path, target: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)
