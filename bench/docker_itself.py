"""What Docker itself needs for a pod's two containers, asked as a kubelet asks and with nothing around it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import docker

from kubeadm.config import PAUSE_IMAGE
from kubelet.settings import PodSettings

AT_ONCE = PodSettings().concurrent_starts
"""As many as a kubelet lets Docker work on."""


def start_pairs(count: int) -> list[float]:
    """Seconds from the beginning until each pair runs, the quickest first; none is left."""
    client = docker.APIClient()
    began = time.monotonic()

    def start(index: int) -> tuple[list[str], float]:
        return _start_pair(client), time.monotonic() - began

    with ThreadPoolExecutor(AT_ONCE) as pool:
        pairs = list(pool.map(start, range(count)))
        made = (each for ids, _ in pairs for each in ids)
        list(pool.map(lambda each: client.remove_container(each, v=True, force=True), made))
    client.close()
    return sorted(seconds for _, seconds in pairs)


def _start_pair(client: Any) -> list[str]:
    pause = _start(
        client, {"Image": PAUSE_IMAGE, "NetworkDisabled": True, "HostConfig": {"IpcMode": "shareable"}}
    )
    joined = f"container:{pause}"
    body = {"Image": "busybox:local", "Cmd": ["sleep", "100000"]}
    return [pause, _start(client, {**body, "HostConfig": {"NetworkMode": joined, "IpcMode": joined}})]


def _start(client: Any, body: dict[str, Any]) -> str:
    made = str(cast(Any, client).create_container_from_config(body)["Id"])
    client.start(made)
    return made
