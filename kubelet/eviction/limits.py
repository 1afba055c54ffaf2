"""Pods that take more of the node's disk than they may: no threshold has to be met for these to go. Pure."""

from __future__ import annotations

from typing import NamedTuple

from apimachinery.objects import Object
from apimachinery.pods import all_containers, limits_of, pod_limits
from apimachinery.quantity import Quantity
from kubelet.stats.disk import NO_DISK
from kubelet.stats.pods import PodStats

_STORAGE = "ephemeral-storage"


def has_limit(pod: Object) -> bool:
    """Whether there is anything to look after."""
    spec = pod.get("spec") or {}
    sized = any((each.get("emptyDir") or {}).get("sizeLimit") for each in spec.get("volumes") or ())
    return sized or any(_STORAGE in limits_of(each) for each in all_containers(spec))


class Exceeded(NamedTuple):
    signal: str
    """As metrics call it."""
    message: str


def exceeded_limit(pod: Object, stats: PodStats, *, images_apart: bool = False) -> Exceeded | None:
    """The first limit that is exceeded, in upstream's words.

    Where images have a file system of their own, what containers write into their layers does not count.
    """
    return _volume(pod, stats) or _pod(pod, stats, images_apart) or _container(pod, stats, images_apart)


def _volume(pod: Object, stats: PodStats) -> Exceeded | None:
    for volume in pod["spec"].get("volumes") or ():
        limit = (volume.get("emptyDir") or {}).get("sizeLimit")
        used = stats.volumes.get(volume["name"], NO_DISK).bytes
        if limit and 0 < Quantity.parse(limit).value() < used:
            message = f'Usage of EmptyDir volume "{volume["name"]}" exceeds the limit "{limit}". '
            return Exceeded("emptydirfs.limit", message)
    return None


def _pod(pod: Object, stats: PodStats, images_apart: bool) -> Exceeded | None:
    limit = pod_limits(pod).get(_STORAGE)
    disk = stats.logs_and_volumes if images_apart else stats.disk
    if limit is None or disk.bytes <= limit.value():
        return None
    message = f"Pod ephemeral local storage usage exceeds the total limit of containers {limit}. "
    return Exceeded("ephemeralpodfs.limit", message)


def _container(pod: Object, stats: PodStats, images_apart: bool) -> Exceeded | None:
    for container in pod["spec"]["containers"]:
        limit, disk = limits_of(container).get(_STORAGE), stats.disks.get(container["name"])
        if limit is None or disk is None:
            continue
        used = disk.logs if images_apart else disk.root + disk.logs
        if used.bytes > limit.value():
            name = container["name"]
            message = f'Container {name} exceeded its local ephemeral storage limit "{limit}". '
            return Exceeded("ephemeralcontainerfs.limit", message)
    return None
