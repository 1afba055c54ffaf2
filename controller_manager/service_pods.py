"""The pods behind each Service, worked out anew only where they changed: of thousands it is mostly one.

Also since when its endpoints are due to change: an annotation by which a proxy tells how long a change took.
Source: staging/src/k8s.io/endpointslice/util/trigger_time_tracker.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from apimachinery.conditions import condition_of
from apimachinery.objects import NamespacedName, Object, annotations_of, key_of, name_of
from controller_manager.endpoints_plan import PodEndpoint, pod_endpoint, selects

ANNOTATION = "endpoints.kubernetes.io/last-change-trigger-time"


@dataclass(frozen=True, slots=True)
class _Member:
    """A pod that a Service selects, as it was when its endpoint was worked out; None: it has none."""

    pod: Object
    zone: str
    endpoint: PodEndpoint | None

    @property
    def ready_since(self) -> str:
        return (condition_of(self.pod, "Ready") or {}).get("lastTransitionTime") or ""


@dataclass(frozen=True, slots=True)
class _Known:
    service: Object
    members: Mapping[str, _Member]

    @property
    def made(self) -> str:
        return self.service["metadata"].get("creationTimestamp") or ""


class ServicePods:
    """What was seen of each Service last. What has not changed is the same object, as informers have it."""

    def __init__(self) -> None:
        self._known: dict[NamespacedName, _Known] = {}

    def look(
        self, service: Object, pods: Iterable[Object], zones: Mapping[str, str], *, terminating: bool
    ) -> tuple[list[PodEndpoint], str]:
        """The addresses of its pods, in order, and the earliest time that is new since the last look.

        The time is the Service's or one of its pods', "" if none is new; of a Service that is new it is when
        that was made. `zones` maps nodes to their zone; with `terminating` pods on their way out are listed.
        """
        before = self._known.get(key_of(service))
        is_same = before is not None and before.service is service
        members: dict[str, _Member] = {}
        times = []
        for pod in pods:
            known = before.members.get(name_of(pod)) if before else None
            zone = zones.get(pod["spec"].get("nodeName", ""), "")
            if is_same and known is not None and known.pod is pod and known.zone == zone:
                members[name_of(pod)] = known
            elif selects(service, pod):
                endpoint = pod_endpoint(service, pod, zone, terminating=terminating)
                members[name_of(pod)] = member = _Member(pod, zone, endpoint)
                if member.ready_since > (known.ready_since if known else ""):
                    times.append(member.ready_since)
        self._known[key_of(service)] = now = _Known(service, members)
        if before is None:
            times = [now.made]
        elif now.made > before.made:
            times.append(now.made)
        found = [each.endpoint for each in members.values() if each.endpoint is not None]
        return sorted(found, key=lambda each: (each.ip, each.uid)), min(times, default="")

    def forget(self, key: NamespacedName) -> None:
        """The Service is gone, or has no pods of its own."""
        self._known.pop(key, None)


def triggered(obj: Object, time: str) -> Object:
    """The object with that annotation, or without it where no time is new."""
    annotations = {name: value for name, value in annotations_of(obj).items() if name != ANNOTATION}
    if time:
        annotations[ANNOTATION] = time
    return {**obj, "metadata": {**obj["metadata"], "annotations": annotations}}
