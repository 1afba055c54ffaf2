"""For people who ask why: what this kubelet knows of a pod beyond its status."""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.responses import Response

from apimachinery.objects import NamespacedName, Object
from kubelet.kubelet import Kubelet
from kubelet.probes.history import ProbeHistory
from kubelet.runtime.interface import ContainerRuntimeError, Runtime


class PodDebug:
    """/debug/pods/NAMESPACE/NAME, for `sampan why`: steps, probes, sockets of each pod that had the name."""

    def __init__(self, kubelet: Kubelet, probes: ProbeHistory) -> None:
        self._journal, self._runtime, self._probes = kubelet.journal, kubelet.runtime, probes

    async def __call__(self, request: Request) -> Response:
        key = NamespacedName(request.path_params["namespace"], request.path_params["pod"])
        pods = [
            {
                "uid": uid,
                "steps": steps,
                "probes": self._probes.of(uid),
                "listeners": await _listeners(self._runtime, uid),
            }
            for uid, steps in self._journal.of(key).items()
        ]
        return Response(orjson.dumps({"pods": pods}), media_type="application/json")


async def _listeners(runtime: Runtime, uid: str) -> list[Object]:
    try:
        return [each._asdict() for each in await runtime.listeners(uid)]
    except ContainerRuntimeError:
        return []
