"""How much containers have written to their logs: a part of /metrics. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from apimachinery.objects import Object, name_of, namespace_of, uid_of
from kubelet.runtime.usage import ContainerDisk
from kubelet.stats.families import Family


def log_metrics(pods: Iterable[tuple[Object, Mapping[str, ContainerDisk]]]) -> Family:
    family = Family(
        "kubelet_container_log_filesystem_used_bytes",
        "gauge",
        "[ALPHA] Bytes used by the container's logs on the filesystem.",
    )
    for pod, disks in pods:
        labels = {"uid": uid_of(pod), "namespace": namespace_of(pod), "pod": name_of(pod)}
        for container, disk in disks.items():
            family.add({**labels, "container": container}, disk.logs.bytes)
    return family
