"""What of a node's volumes is to be attached, detached and reported. Pure.

Source: pkg/controller/volume/attachdetach and pkg/volume/csi of Kubernetes 1.34.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from apimachinery import taints, volumes
from apimachinery.conditions import is_condition_true
from apimachinery.objects import (
    Object,
    annotations_of,
    get_path,
    is_terminating,
    name_of,
    namespace_of,
    uid_of,
)
from apimachinery.pods import is_terminal

KEEPS_VOLUMES = "volumes.kubernetes.io/keep-terminated-pod-volumes"
MAX_WAIT_FOR_UNMOUNT = 360.0
_SHARED_MODES = {"ReadOnlyMany", "ReadWriteMany"}


class Want(NamedTuple):
    """A volume that pods on a node need to have attached."""

    volume: Object
    pods: tuple[Object, ...]


@dataclass(frozen=True, slots=True)
class NodePlan:
    """`wait`: seconds until something may be detached by force."""

    attach: tuple[Want, ...] = ()
    blocked: tuple[Want, ...] = ()
    """Others have them, and they can't be shared."""
    detach: tuple[Object, ...] = ()
    """VolumeAttachments to be deleted."""
    attached: tuple[str, ...] = ()
    """What the node's status is to show."""
    wait: float | None = None


def unique_name(volume: Object) -> str:
    """What a volume is called in the status of nodes."""
    source = volume["spec"]["csi"]
    return volumes.unique_csi_name(source["driver"], source["volumeHandle"])


def attachment_name(volume: Object, node: str) -> str:
    source = volume["spec"]["csi"]
    text = f"{source['volumeHandle']}{source['driver']}{node}"
    return f"csi-{hashlib.sha256(text.encode()).hexdigest()}"


def needs_attaching(volume: Object, driver: Object | None) -> bool:
    """A driver says so if it can do without; one that says nothing can't."""
    return "csi" in volume["spec"] and get_path(driver, "spec.attachRequired") is not False


def uses_volumes(pod: Object, node: Object) -> bool:
    """Whether a pod of the node still needs what it has."""
    if annotations_of(node).get(KEEPS_VOLUMES) == "true":
        return True
    if not is_terminating(pod):
        return not is_terminal(pod)
    states = [each.get("state") or {} for each in get_path(pod, "status.containerStatuses", [])]
    is_running = any("terminated" not in state and "waiting" not in state for state in states)
    return not is_terminal(pod) and is_running


def is_exclusive(volume: Object) -> bool:
    modes = set(volumes.access_modes_of(volume))
    return bool(modes) and not modes & _SHARED_MODES


def attachment_for(volume: Object, node: str) -> Object:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "VolumeAttachment",
        "metadata": {"name": attachment_name(volume, node)},
        "spec": {
            "attacher": volume["spec"]["csi"]["driver"],
            "nodeName": node,
            "source": {"persistentVolumeName": name_of(volume)},
        },
    }


def plan_node(
    node: Object | None,
    wants: Sequence[Want],
    attachments: Sequence[tuple[Object, Object | None]],
    held: Collection[str],
    unused: Mapping[str, float],
    max_wait: float = MAX_WAIT_FOR_UNMOUNT,
    begun: Collection[str] = (),
) -> NodePlan:
    """`attachments` of the node, each with its volume if that is known; `held`: volumes of other nodes.

    `unused`: for how many seconds an attachment has not been needed, by its name. A node that is gone can
    neither be asked nor told. `max_wait` is how long a node that is not well is waited for, in seconds.
    `begun`: the uids of those that have been asked to go; though the cache may not show it yet, they do.
    """
    wanted = {name_of(each.volume): each for each in wants}
    existing = {_volume_name(attachment) for attachment, _ in attachments}

    def wait(attachment: Object, volume: Object | None) -> float:
        if uid_of(attachment) in begun:
            return 0.0
        if _volume_name(attachment) in wanted:
            return inf
        return _wait(node, volume, max_wait - unused.get(name_of(attachment), 0.0))

    staying = [(each, volume) for each, volume in attachments if not is_terminating(each)]
    waits = [wait(*each) for each in staying]
    kept = [each for each, seconds in zip(staying, waits, strict=True) if seconds > 0]
    missing = [each for name, each in wanted.items() if name not in existing]
    blocked = [each for each in missing if is_exclusive(each.volume) and name_of(each.volume) in held]
    return NodePlan(
        attach=tuple(each for each in missing if each not in blocked),
        blocked=tuple(blocked),
        detach=tuple(each for (each, _), seconds in zip(staying, waits, strict=True) if seconds <= 0),
        attached=tuple(sorted(unique_name(volume) for each, volume in kept if volume and _is_attached(each))),
        wait=min((seconds for seconds in waits if 0 < seconds < inf), default=None),
    )


def _volume_name(attachment: Object) -> str:
    name: str = attachment["spec"]["source"]["persistentVolumeName"]
    return name


def _is_attached(attachment: Object) -> bool:
    return bool(get_path(attachment, "status.attached"))


def _wait(node: Object | None, volume: Object | None, rest: float) -> float:
    """Seconds until a volume that nobody needs may be detached.

    While it is mounted, never from a node that is well; from one that is not, or is gone, after `rest`.
    """
    if volume is None:
        return 0.0
    if node is None:
        return rest
    if unique_name(volume) not in get_path(node, "status.volumesInUse", []) or _is_out_of_service(node):
        return 0.0
    return MAX_WAIT_FOR_UNMOUNT if is_condition_true(node, "Ready") else rest


def _is_out_of_service(node: Object) -> bool:
    return any(each["key"] == taints.NODE_OUT_OF_SERVICE for each in get_path(node, "spec.taints", []))


def why_blocked(pod: Object, others: Sequence[Object]) -> str:
    """For the pod that waits; names of pods in other namespaces are none of its users' business."""
    local = sorted(name_of(each) for each in others if namespace_of(each) == namespace_of(pod))
    elsewhere = len(others) - len(local)
    if not others:
        return "Volume is already exclusively attached to one node and can't be attached to another"
    if not local:
        return f"Volume is already used by {elsewhere} pod(s) in different namespaces"
    text = f"Volume is already used by pod(s) {', '.join(local)}"
    return f"{text} and {elsewhere} pod(s) in different namespaces" if elsewhere else text
