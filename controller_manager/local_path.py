"""The provisioner of local-path volumes: a directory on the node that the scheduler has chosen for a pod.

It speaks with the persistent volume controller as any external provisioner does, by annotations on claims.
The directories are their nodes' business.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from posixpath import isabs, join, normpath

from apimachinery import scheme, volumes
from apimachinery.errors import AlreadyExistsError, NotFoundError, StatusError
from apimachinery.local_path import (
    DEFAULT_PATH,
    FINALIZER,
    NODE_LABEL,
    PATH_PARAMETER,
    PROVISIONER,
    directory_name,
)
from apimachinery.objects import (
    NamespacedName,
    Object,
    annotations_of,
    get_path,
    is_terminating,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from apimachinery.well_known import HOSTNAME
from client.controller import Watch, by_name
from client.events import NORMAL, WARNING
from controller_manager.context import ControllerContext
from controller_manager.volume_protection import finalizers_of, remove_finalizer

MODES = {"ReadWriteOnce", "ReadWriteOncePod"}
_BY_NODE = "local-path volumes by node"


@dataclass(frozen=True, slots=True)
class Refuse:
    """The claim can't have a volume of ours, as it is or where it is wanted."""

    why: str
    elsewhere: bool = False
    """Another node may do."""


def is_ours(claim: Object, storage_class: Object | None) -> bool:
    """Whether it's our turn: asked by the controller, and told a node where the class waits for one."""
    annotations = annotations_of(claim)
    if storage_class is None or storage_class["provisioner"] != PROVISIONER:
        return False
    if annotations.get(volumes.STORAGE_PROVISIONER) != PROVISIONER or is_terminating(claim):
        return False
    is_told = volumes.SELECTED_NODE in annotations or not volumes.delays_binding(storage_class)
    return is_told and not get_path(claim, "spec.volumeName")


def plan_volume(claim: Object, storage_class: Object, node: Object | None) -> Object | Refuse:
    """The volume for a claim; `node` is the selected one, if it is there."""
    base = (storage_class.get("parameters") or {}).get(PATH_PARAMETER, DEFAULT_PATH)
    why = _why_not(claim, storage_class, base)
    if why:
        return Refuse(why)
    if node is None:
        selected = annotations_of(claim).get(volumes.SELECTED_NODE)
        return Refuse(f'failed to get target node: nodes "{selected}" not found', elsewhere=True)
    return volume_for(claim, storage_class, node, normpath(base))


def _why_not(claim: Object, storage_class: Object, base: str) -> str:
    spec = claim["spec"]
    reasons = {
        "claim Selector is not supported": spec.get("selector") is not None,
        "claim DataSource is not supported": spec.get("dataSourceRef") is not None,
        "only ReadWriteOnce and ReadWriteOncePod access modes are supported": (
            not set(volumes.access_modes_of(claim)) <= MODES
        ),
        "block volume provisioning is not supported": volumes.mode_of(claim) != volumes.FILESYSTEM,
        "mount options are not supported": bool(storage_class.get("mountOptions")),
        f"parameter {PATH_PARAMETER} must be an absolute path": not isabs(base) or ".." in base.split("/"),
        "no node was selected: volumeBindingMode of the class must be WaitForFirstConsumer": (
            volumes.SELECTED_NODE not in annotations_of(claim)
        ),
    }
    return next((reason for reason, applies in reasons.items() if applies), "")


def volume_for(claim: Object, storage_class: Object, node: Object, base: str) -> Object:
    name = f"pvc-{uid_of(claim)}"
    host = labels_of(node).get(HOSTNAME, name_of(node))
    expression = {"key": HOSTNAME, "operator": "In", "values": [host]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": name,
            "labels": {NODE_LABEL: name_of(node)},
            "finalizers": [FINALIZER],
            "annotations": {volumes.PROVISIONED_BY: PROVISIONER},
        },
        "spec": {
            "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
            "accessModes": volumes.access_modes_of(claim),
            "volumeMode": volumes.FILESYSTEM,
            "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy", "Delete"),
            "storageClassName": name_of(storage_class),
            "claimRef": volumes.claim_reference(claim),
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}},
            "local": {"path": join(base, directory_name(name, namespace_of(claim), name_of(claim)))},
        },
    }


def is_to_be_deleted(volume: Object) -> bool:
    """Whether its claim is gone and its policy says that so must it be."""
    return (
        get_path(volume, "status.phase") == volumes.RELEASED
        and get_path(volume, "spec.persistentVolumeReclaimPolicy") == "Delete"
        and not is_terminating(volume)
    )


def _node_of(volume: Object) -> Iterable[str]:
    node = labels_of(volume).get(NODE_LABEL)
    return () if node is None else (node,)


class LocalPathProvisioner:
    """A key with a namespace is a claim, one without a volume."""

    name = "local-path-provisioner-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._events = context.recorder(PROVISIONER)
        informers = context.informers
        self._claims = informers.informer(scheme.PERSISTENT_VOLUME_CLAIMS)
        self._volumes = informers.informer(scheme.PERSISTENT_VOLUMES)
        self._classes = informers.informer(scheme.STORAGE_CLASSES)
        self._nodes = informers.informer(scheme.NODES)
        self._volumes.add_indexer(_BY_NODE, _node_of)

    def watches(self) -> list[Watch]:
        return [
            Watch(self._claims, by_name),
            Watch(self._volumes, by_name),
            Watch(self._nodes, self._volumes_on, lambda old, new: new is None),
        ]

    def _volumes_on(self, node: Object) -> Iterable[NamespacedName]:
        return map(key_of, self._volumes.by_index(_BY_NODE, name_of(node)))

    async def reconcile(self, key: NamespacedName) -> float | None:
        if key.namespace:
            claim = self._claims.get(key)
            if claim is not None:
                await self._sync_claim(claim)
        else:
            volume = self._volumes.get(key)
            if volume is not None and annotations_of(volume).get(volumes.PROVISIONED_BY) == PROVISIONER:
                await self._sync_volume(volume)
        return None

    async def _sync_claim(self, claim: Object) -> None:
        storage_class = self._classes.get(NamespacedName("", volumes.class_of(claim)))
        if storage_class is None or not is_ours(claim, storage_class):
            return
        node = self._nodes.get(NamespacedName("", annotations_of(claim).get(volumes.SELECTED_NODE, "")))
        plan = plan_volume(claim, storage_class, node)
        if isinstance(plan, Refuse):
            await self._refuse(claim, plan)
        else:
            await self._create(claim, plan)

    async def _create(self, claim: Object, volume: Object) -> None:
        try:
            await self._client.create(scheme.PERSISTENT_VOLUMES, volume)
        except AlreadyExistsError:  # an earlier pass made it, and the claim is about to be bound
            return
        except StatusError as error:
            self._say_failed(claim, str(error))
            raise
        text = f"Successfully provisioned volume {name_of(volume)}"
        self._events.event(claim, NORMAL, "ProvisioningSucceeded", text)

    async def _refuse(self, claim: Object, refusal: Refuse) -> None:
        """What the scheduler has chosen it chooses anew when its choice is taken away."""
        self._say_failed(claim, refusal.why)
        if refusal.elsewhere:
            annotations = {k: v for k, v in annotations_of(claim).items() if k != volumes.SELECTED_NODE}
            metadata = {**claim["metadata"], "annotations": annotations}
            await self._client.update(scheme.PERSISTENT_VOLUME_CLAIMS, {**claim, "metadata": metadata})

    def _say_failed(self, claim: Object, why: str) -> None:
        text = f'failed to provision volume with StorageClass "{volumes.class_of(claim)}": {why}'
        self._events.event(claim, WARNING, "ProvisioningFailed", text)

    async def _sync_volume(self, volume: Object) -> None:
        if is_to_be_deleted(volume):
            options = {"preconditions": {"uid": uid_of(volume)}}
            await self._client.delete(scheme.PERSISTENT_VOLUMES, name_of(volume), options=options)
        elif (
            is_terminating(volume)
            and finalizers_of(volume) == [FINALIZER]
            and await self._is_abandoned(volume)
        ):
            await remove_finalizer(self._client, scheme.PERSISTENT_VOLUMES, volume, FINALIZER)

    async def _is_abandoned(self, volume: Object) -> bool:
        """Whether the node that should delete the directory is no longer one of the cluster's."""
        name = labels_of(volume).get(NODE_LABEL, "")
        if self._nodes.get(NamespacedName("", name)) is not None:
            return False
        try:
            await self._client.get(scheme.NODES, name)
        except NotFoundError:
            return True
        return False
