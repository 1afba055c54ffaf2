"""The smallest pods and nodes that are one, and a cache with some of each."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from random import Random
from typing import Any

from apimachinery.objects import Object
from scheduler.cache import Cache
from scheduler.config import ProfileConfig
from scheduler.framework.profile import Profile
from scheduler.node_info import parse_node
from scheduler.nominator import Nominator
from scheduler.plugins.pod_topology_spread import DefaultSelector
from scheduler.plugins.registry import build_profile
from scheduler.pod_info import PodInfo, parse_pod
from scheduler.selection import Selector

_numbers = count()


def make_pod(
    name: str,
    *,
    node: str = "",
    namespace: str = "default",
    cpu: str = "",
    memory: str = "",
    labels: dict[str, str] | None = None,
    priority: int = 0,
    image: str = "busybox:1.36",
    host_port: int = 0,
    started: str = "2026-01-01T00:00:00Z",
    metadata: Object | None = None,
    **spec: Any,
) -> Object:
    container: Object = {"name": "c", "image": image}
    requests = {key: value for key, value in (("cpu", cpu), ("memory", memory)) if value}
    if requests:
        container["resources"] = {"requests": requests}
    if host_port:
        container["ports"] = [{"containerPort": 80, "hostPort": host_port}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name, "namespace": namespace, "uid": f"{name}-{next(_numbers)}", "labels": labels or {},
            "generation": 1, **(metadata or {}),
        },
        "spec": {
            "containers": [container], "priority": priority, "schedulerName": "default-scheduler",
            **({"nodeName": node} if node else {}), **spec,
        },
        "status": {"phase": "Pending", "startTime": started},
    }  # fmt: skip


def make_node(
    name: str,
    *,
    cpu: str = "4",
    memory: str = "8Gi",
    pods: str = "110",
    labels: dict[str, str] | None = None,
    taints: Iterable[Object] = (),
    unschedulable: bool = False,
    images: dict[str, int] | None = None,
) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **(labels or {})}},
        "spec": {"taints": list(taints), "unschedulable": unschedulable},
        "status": {
            "allocatable": {"cpu": cpu, "memory": memory, "pods": pods},
            "images": [{"names": [key], "sizeBytes": size} for key, size in (images or {}).items()],
        },
    }


def make_cache(nodes: Iterable[Object] = (), pods: Iterable[Object] = ()) -> Cache:
    cache = Cache()
    for node in nodes:
        cache.set_node(parse_node(node))
    for pod in pods:
        cache.set_pod(parse_pod(pod))
    return cache


def no_selector(pod: PodInfo) -> None:
    """Pods belong to no Service or controller."""


def make_profile(
    cache: Cache, config: ProfileConfig | None = None, selector: DefaultSelector = no_selector
) -> Profile:
    return build_profile(config or ProfileConfig(), selector, cache.namespaces)


def make_selector(
    cache: Cache, *, many_nodes: int = 50, seed: int = 0, nominator: Nominator | None = None
) -> Selector:
    return Selector(cache, nominator or Nominator(), Random(seed), many_nodes=many_nodes)
