"""What the kubelet holds of a pod between two syncs.

Owned by the pod's worker; a restart loses nothing that matters.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from apimachinery.objects import Object, annotations_of, get_path, is_terminating, labels_of, uid_of
from kubelet.pods.allocation import PendingResize
from kubelet.pods.container_status import StartFailure
from kubelet.pods.status import OWNED_CONDITIONS, Verdict
from kubelet.volumes.mounted import MountedVolume

MINIMUM_GRACE = 1.0
DEFAULT_GRACE = 30.0


@dataclass(slots=True)
class PodRecord:
    pod: Object
    """With the resources that the node has granted it."""
    first_seen: float
    """Unix seconds."""
    pending: PendingResize | None = None
    """Why it does not have the resources that it asks for now."""
    resizing: int | None = None
    """The pod's generation with the resources that it was granted last, until its containers have them."""
    resize_error: str = ""
    ended: Verdict | None = None
    """Why the node ends it: refused, past its deadline."""
    grace_limit: float | None = None
    """With `ended`: its containers get no more than these seconds."""
    rejected: bool = False
    """Refused at the door: nothing of it was ever made."""
    finished: bool = False
    """All its containers have ended for good."""
    removed: bool = False
    """Gone from the API."""
    found: bool = False
    """Nobody told of it: only its containers were there."""
    stopped: bool = False
    """Everything of it has been stopped, and that is reported."""
    begun: bool = False
    """Its worker has looked at it."""
    started: bool = False
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    """Set with each wake, for a pass that goes on for long."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set with `stopped` or `gone`, for those who wait for it."""
    gone: bool = False
    """Nothing of it is left on the node."""
    failures: dict[str, StartFailure] = field(default_factory=dict)
    volumes: dict[str, MountedVolume] | None = None
    """By name, once all of them were set up."""
    mount_failures: int = 0
    messages: dict[str, str] = field(default_factory=dict)
    """Last words by container id."""

    @property
    def uid(self) -> str:
        return uid_of(self.pod)

    @property
    def terminating(self) -> bool:
        return self.removed or self.finished or self.ended is not None or is_terminating(self.pod)

    @property
    def grace(self) -> float:
        """Seconds its containers get between SIGTERM and SIGKILL."""
        if self.grace_limit is None:
            return grace_of(self.pod)
        return max(min(grace_of(self.pod), self.grace_limit), MINIMUM_GRACE)


def grace_of(pod: Object) -> float:
    asked = get_path(pod, "metadata.deletionGracePeriodSeconds")
    if asked is None:
        asked = get_path(pod, "spec.terminationGracePeriodSeconds")
    return max(float(DEFAULT_GRACE if asked is None else asked), MINIMUM_GRACE)


def needs_sync(old: Object, new: Object) -> bool:
    """Whether an update is news to the pod's worker; its own status coming back is not."""
    return _substance(old) != _substance(new)


def _substance(pod: Object) -> tuple[object, ...]:
    conditions = get_path(pod, "status.conditions") or ()
    return (
        pod.get("spec"),
        labels_of(pod),
        annotations_of(pod),
        get_path(pod, "metadata.deletionTimestamp"),
        get_path(pod, "metadata.deletionGracePeriodSeconds"),
        [(each["type"], each["status"]) for each in conditions if each["type"] not in OWNED_CONDITIONS],
    )
