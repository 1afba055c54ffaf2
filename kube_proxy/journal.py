"""When each Service's rules were programmed, and for which revisions: for people who ask why, and how fast.

The last few times of the latest Services only; nothing is decided from it. Served at /debug/services.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from apimachinery.objects import NamespacedName, Object
from apimachinery.times import format_micro_time
from component_base.http_server import Request, Response

MAX_SERVICES, KEPT = 2000, 5


@dataclass(frozen=True, slots=True)
class Revisions:
    """What rules were made from. No service: its rules were taken away."""

    service: str = ""
    slices: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Programming:
    moment: datetime
    milliseconds: float
    revisions: Revisions

    def to_object(self) -> Object:
        return {
            "time": format_micro_time(self.moment),
            "milliseconds": round(self.milliseconds, 3),
            "service": self.revisions.service,
            "endpointSlices": dict(self.revisions.slices),
        }


class Journal:
    def __init__(self) -> None:
        self._services: OrderedDict[NamespacedName, deque[_Programming]] = OrderedDict()
        self._error = ""

    def programmed(
        self, services: Mapping[NamespacedName, Revisions], moment: datetime, milliseconds: float
    ) -> None:
        """A sync that succeeded; `services`: those whose rules were planned anew."""
        self._error = ""
        for key, revisions in services.items():
            kept = self._services.setdefault(key, deque(maxlen=KEPT))
            self._services.move_to_end(key)
            if not kept or kept[-1].revisions != revisions:
                kept.append(_Programming(moment, milliseconds, revisions))
        while len(self._services) > MAX_SERVICES:
            self._services.popitem(last=False)

    def failed(self, error: str) -> None:
        self._error = error

    async def serve(self, request: Request) -> Response:
        """?namespace= and ?name= choose."""
        namespace, name = request.parameter("namespace"), request.parameter("name")
        services = [
            {"namespace": key.namespace, "name": key.name, "programmed": [each.to_object() for each in kept]}
            for key, kept in self._services.items()
            if namespace in ("", key.namespace) and name in ("", key.name)
        ]
        body = orjson.dumps({"error": self._error, "services": services})
        return Response(body, content_type="application/json")
