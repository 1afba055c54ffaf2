"""The smallest pods and nodes that are one, and a cache with some of each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from itertools import count
from random import Random
from typing import Any, cast

from apimachinery.objects import Object, key_of
from apimachinery.scheme import RESOURCE_CLAIMS, Resource
from apimachinery.volumes import OFFERS, offered_to
from client.rest import Client
from client.store import ObjectStore
from scheduler.cache import Cache
from scheduler.config import ProfileConfig
from scheduler.devices.claims import DeviceClaims
from scheduler.framework.own import Handle, OwnPlugin
from scheduler.framework.profile import Profile
from scheduler.framework.waiting import WaitingPods
from scheduler.node_info import parse_node
from scheduler.nominator import Nominator
from scheduler.plugins.pod_topology_spread import DefaultSelector
from scheduler.plugins.registry import build_profile
from scheduler.pod_info import PodInfo, parse_pod
from scheduler.selection import Selector
from scheduler.volumes.assume_cache import AssumeCache
from scheduler.volumes.binder import VolumeBinder
from scheduler.volumes.news import News
from scheduler.volumes.storage import (
    ATTACHMENTS_BY_NODE,
    CAPACITIES_BY_CLASS,
    Storage,
    class_of_capacity,
    node_of_attachment,
)
from tests.fakes.api_connection import FakeApi

HEAD = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration"}
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


class RecordedStorage:
    """Claims, volumes and classes, and an API that takes every update and shows it after `lag` seconds."""

    def __init__(self, lag: float = 0.0) -> None:
        self.claims, self.volumes = ObjectStore({}), ObjectStore({OFFERS: offered_to})
        self._others = {
            "StorageClass": ObjectStore({}),
            "CSIDriver": ObjectStore({}),
            "CSIStorageCapacity": ObjectStore({CAPACITIES_BY_CLASS: class_of_capacity}),
            "CSINode": ObjectStore({}),
            "VolumeAttachment": ObjectStore({ATTACHMENTS_BY_NODE: node_of_attachment}),
        }
        self.storage = Storage(AssumeCache(self.claims), AssumeCache(self.volumes), *self._others.values())
        self.news = News()
        self.updates: list[str] = []
        self.refusal: Exception | None = None
        self._lag = lag
        self._version = 100

    def put(self, *objects: Object) -> None:
        """As the API would show them, with a new resourceVersion each."""
        for obj in objects:
            self._version += 1
            versioned = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self._version)}}
            stores = {
                "PersistentVolumeClaim": self.claims, "PersistentVolume": self.volumes, **self._others,
            }  # fmt: skip
            stores[obj["kind"]].set(key_of(obj), versioned)
            self.news.tell(key_of(obj))

    def remove(self, obj: Object) -> None:
        store = self.claims if obj["kind"] == "PersistentVolumeClaim" else self.volumes
        store.set(key_of(obj), None)
        self.news.tell(key_of(obj))

    async def update(self, resource: Resource, obj: Object) -> Object:
        if self.refusal is not None:
            raise self.refusal
        self.updates.append(f"{resource.plural} {key_of(obj)}")
        version = str(self._version + 1)
        asyncio.get_running_loop().call_later(self._lag, self.put, obj)
        return {**obj, "metadata": {**obj["metadata"], "resourceVersion": version}}


def make_binder(cache: Cache, recorded: RecordedStorage | None = None) -> VolumeBinder:
    recorded = recorded or RecordedStorage()
    return VolumeBinder(
        recorded.storage, recorded, recorded.news, cache.labels_of_node, cache.pods.__contains__
    )


def make_devices(
    *, claims: Iterable[Object] = (), classes: Iterable[Object] = (), slices: Iterable[Object] = ()
) -> DeviceClaims:
    """These, and an API that knows nothing else."""
    api = FakeApi()
    stores = []
    for objects in (claims, classes, slices):
        stores.append(ObjectStore({}))
        for obj in objects:
            stores[-1].set(key_of(obj), obj)
            if obj["kind"] == "ResourceClaim":
                api.put(RESOURCE_CLAIMS, obj)
    return DeviceClaims(*stores, cast(Client, api))


def make_profile(
    cache: Cache,
    config: ProfileConfig | None = None,
    selector: DefaultSelector = no_selector,
    recorded: RecordedStorage | None = None,
    devices: DeviceClaims | None = None,
    own: Iterable[type[OwnPlugin]] = (),
    waiting: WaitingPods | None = None,
) -> Profile:
    """`own` plugins are there to be enabled by the configuration."""
    binder = make_binder(cache, recorded)
    handle = Handle(cache, waiting or WaitingPods(), cast(Client, FakeApi()))
    makers = {kind: partial(kind, handle=handle) for kind in own}
    return build_profile(
        config or ProfileConfig(), selector, cache.namespaces, binder, devices or make_devices(), own=makers
    )


def make_selector(
    cache: Cache, *, many_nodes: int = 50, seed: int = 0, nominator: Nominator | None = None
) -> Selector:
    return Selector(cache, nominator or Nominator(), Random(seed), many_nodes=many_nodes)
