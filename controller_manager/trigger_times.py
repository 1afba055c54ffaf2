"""Since when endpoints are due to change: an annotation by which a proxy tells how long a change took.

Source: staging/src/k8s.io/endpointslice/util/trigger_time_tracker.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from apimachinery.conditions import condition_of
from apimachinery.objects import NamespacedName, Object, annotations_of, key_of, name_of

ANNOTATION = "endpoints.kubernetes.io/last-change-trigger-time"
_SERVICE = ""
"""Stands among the names of pods for the Service itself."""


class TriggerTimes:
    """Remembers from which times each Service's endpoints were last worked out."""

    def __init__(self) -> None:
        self._known: dict[NamespacedName, Mapping[str, str]] = {}

    def changed(self, service: Object, pods: Iterable[Object]) -> str:
        """The earliest time that is new since the last call, of the Service or its pods; "" if none is.

        Of a Service that is new it is when that was made.
        """
        made: str = service["metadata"].get("creationTimestamp") or ""
        times = {name_of(pod): time for pod in pods if (time := _ready_since(pod))} | {_SERVICE: made}
        known = self._known.get(key_of(service))
        self._known[key_of(service)] = times
        if known is None:
            return made
        return min((time for name, time in times.items() if time > known.get(name, "")), default="")

    def forget(self, key: NamespacedName) -> None:
        """The Service is gone."""
        self._known.pop(key, None)


def triggered(obj: Object, time: str) -> Object:
    """The object with that annotation, or without it where no time is new."""
    annotations = {name: value for name, value in annotations_of(obj).items() if name != ANNOTATION}
    if time:
        annotations[ANNOTATION] = time
    return {**obj, "metadata": {**obj["metadata"], "annotations": annotations}}


def _ready_since(pod: Object) -> str:
    return (condition_of(pod, "Ready") or {}).get("lastTransitionTime") or ""
