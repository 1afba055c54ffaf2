"""The loop over claims and volumes. One worker: two claims are never after the same volume at once.

A key with a namespace is a claim, one without a volume.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterable, Sequence

from apimachinery import scheme, volumes
from apimachinery.errors import NotFoundError
from apimachinery.objects import (
    NamespacedName,
    Object,
    annotations_of,
    get_path,
    is_terminating,
    key_of,
    name_of,
    uid_of,
)
from apimachinery.pods import is_terminal
from client.controller import Watch
from client.events import NORMAL, WARNING
from controller_manager.context import ControllerContext
from controller_manager.persistent_volume.binder import Binder
from controller_manager.persistent_volume.claims import (
    AssignClass,
    Bind,
    ClaimPlan,
    ClaimView,
    Event,
    KeepPending,
    Lose,
    Provision,
    plan_claim,
)
from controller_manager.persistent_volume.metrics import VolumeCounts
from controller_manager.persistent_volume.volumes import (
    DeletePath,
    Fail,
    FinishClaim,
    Mismatch,
    Reclaim,
    SetPhase,
    Unbind,
    plan_reclaim,
    plan_volume,
)
from controller_manager.pods_by_claim import PODS_BY_CLAIM, pods_by_claim

_UNBOUND = "unbound claims by class"


def _unbound_class(claim: Object) -> Iterable[str]:
    return () if get_path(claim, "spec.volumeName") else (volumes.class_of(claim),)


class PersistentVolumeController:
    name = "persistentvolume-binder-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._events = context.recorder("persistentvolume-controller")
        self._binder = Binder(context.client)
        self._sync_period: float = context.options.pvclaimbinder_sync_period
        self._provisions: bool = context.options.enable_dynamic_provisioning
        informers = context.informers
        self._claims = informers.informer(scheme.PERSISTENT_VOLUME_CLAIMS)
        self._volumes = informers.informer(scheme.PERSISTENT_VOLUMES)
        self._classes = informers.informer(scheme.STORAGE_CLASSES)
        self._pods = informers.informer(scheme.PODS)
        self._claims.add_indexer(_UNBOUND, _unbound_class)
        self._volumes.add_indexer(volumes.OFFERS, volumes.offered_to)
        self._pods.add_indexer(PODS_BY_CLAIM, pods_by_claim)
        self.counts = VolumeCounts(self._volumes.list, self._claims.list)

    def watches(self) -> list[Watch]:
        return [
            Watch(self._claims, _claim_and_its_volume),
            Watch(self._volumes, self._volume_and_its_claims),
            Watch(self._classes, self._claims_of_class),
            Watch(self._pods, volumes.claims_of_pod, _is_scheduling_news),
        ]

    def _volume_and_its_claims(self, volume: Object) -> Iterable[NamespacedName]:
        yield key_of(volume)
        claim = volumes.claim_key(volume)
        if claim is not None:
            yield claim
        elif get_path(volume, "status.phase") == volumes.AVAILABLE:
            for each in self._claims.by_index(_UNBOUND, volumes.class_of(volume)):
                yield key_of(each)

    def _claims_of_class(self, storage_class: Object) -> Iterable[NamespacedName]:
        names = (name_of(storage_class), "")  # a new default is for those without a class
        return [key_of(claim) for name in names for claim in self._claims.by_index(_UNBOUND, name)]

    async def reconcile(self, key: NamespacedName) -> float | None:
        if not key.namespace:
            volume = self._volumes.get(key)
            return None if volume is None else await self._sync_volume(volume)
        claim = self._claims.get(key)
        return None if claim is None else await self._sync_claim(claim)

    # Claims.

    async def _sync_claim(self, claim: Object) -> float | None:
        """Why a claim waits is said again and again: Events do not last for ever."""
        plan = await self._plan(claim)
        match plan:
            case Bind(volume):
                await self._binder.bind(volume, claim)
            case KeepPending(event):
                self._say(claim, event)
                await self._binder.set_claim_status(claim, volumes.PENDING)
                return self._sync_period if event else None
            case Lose(event):
                if get_path(claim, "status.phase") != volumes.LOST:
                    await self._binder.set_claim_status(claim, volumes.LOST)
                    self._say(claim, event)
            case AssignClass(name):
                spec = {**claim["spec"], "storageClassName": name}
                await self._client.update(scheme.PERSISTENT_VOLUME_CLAIMS, {**claim, "spec": spec})
            case Provision(provisioner):
                await self._ask_for_volume(claim, provisioner)
                return self._sync_period
        return None

    async def _plan(self, claim: Object) -> ClaimPlan:
        view = self._view(claim)
        plan = plan_claim(view)
        if isinstance(plan, Lose) and view.volume is None and get_path(claim, "spec.volumeName"):
            # The cache of volumes may lag behind that of claims, and losing data is not said lightly.
            volume = await self._newest_volume(claim["spec"]["volumeName"])
            plan = plan_claim(ClaimView(claim, volume))
        return plan

    def _view(self, claim: Object) -> ClaimView:
        class_name, key = volumes.class_of(claim), key_of(claim)
        named = get_path(claim, "spec.volumeName")
        return ClaimView(
            claim,
            volume=self._volumes.get(NamespacedName("", named)) if named else None,
            candidates=[
                volume
                for value in volumes.offers_for(claim)
                for volume in self._volumes.by_index(volumes.OFFERS, value)
            ],
            storage_class=self._classes.get(NamespacedName("", class_name)) if class_name else None,
            default_class=name_of(volumes.default_class(self._classes.list()) or {}),
            waiting_pods=self._waiting_pods(key),
            provisions=self._provisions,
        )

    def _waiting_pods(self, claim: NamespacedName) -> Sequence[str]:
        pods = self._pods.by_index(PODS_BY_CLAIM, str(claim))
        return sorted(
            name_of(pod) for pod in pods if not pod["spec"].get("nodeName") and not is_terminal(pod)
        )

    async def _newest_volume(self, name: str) -> Object | None:
        try:
            return await self._client.get(scheme.PERSISTENT_VOLUMES, name)
        except NotFoundError:
            return None

    async def _ask_for_volume(self, claim: Object, provisioner: str) -> None:
        wanted = {volumes.STORAGE_PROVISIONER: provisioner, volumes.BETA_STORAGE_PROVISIONER: provisioner}
        annotations = annotations_of(claim)
        if {**annotations, **wanted} != annotations:
            metadata = {**claim["metadata"], "annotations": {**annotations, **wanted}}
            await self._client.update(scheme.PERSISTENT_VOLUME_CLAIMS, {**claim, "metadata": metadata})
        text = (
            f"Waiting for a volume to be created either by the external provisioner '{provisioner}' "
            "or manually by the system administrator. If volume creation is delayed, please verify that "
            "the provisioner is running and correctly registered."
        )
        self._events.event(claim, NORMAL, "ExternalProvisioning", text)

    # Volumes.

    async def _sync_volume(self, volume: Object) -> float | None:
        claim = await self._claim_of(volume)
        plan = plan_volume(volume, claim)
        match plan:
            case SetPhase(phase):
                await self._binder.set_volume_phase(volume, phase)
            case Reclaim():
                return await self._reclaim(volume)
            case Unbind():
                await self._binder.unbind(volume)
            case Mismatch(of_volume, of_claim):
                assert claim is not None
                self._say(volume, of_volume)
                self._say(claim, of_claim)
                return self._sync_period
            case FinishClaim():
                assert claim is not None
                return await self._sync_claim(claim)
        return None

    async def _claim_of(self, volume: Object) -> Object | None:
        """The claim of a volume's claimRef; asks the API before a volume is taken for abandoned."""
        key, uid = volumes.claim_key(volume), get_path(volume, "spec.claimRef.uid")
        if key is None or not uid:
            return None
        claim = self._claims.get(key)
        known = claim is not None and uid_of(claim) == uid
        if known or get_path(volume, "status.phase") in (volumes.RELEASED, volumes.FAILED):
            return claim
        try:
            return await self._client.get(scheme.PERSISTENT_VOLUME_CLAIMS, key.name, key.namespace)
        except NotFoundError:
            return None

    async def _reclaim(self, volume: Object) -> float | None:
        if get_path(volume, "status.phase") not in (volumes.RELEASED, volumes.FAILED):
            volume = await self._binder.set_volume_phase(volume, volumes.RELEASED)
        match plan_reclaim(volume):
            case DeletePath(path) if not is_terminating(volume):
                return await self._delete(volume, path)
            case Fail(event):
                return await self._fail(volume, event)
        return None

    async def _delete(self, volume: Object, path: str) -> float | None:
        try:
            await asyncio.to_thread(shutil.rmtree, path)
        except FileNotFoundError:
            pass
        except OSError as error:
            return await self._fail(volume, Event(WARNING, "VolumeFailedDelete", str(error)))
        await self._client.delete(
            scheme.PERSISTENT_VOLUMES, name_of(volume), options={"preconditions": {"uid": uid_of(volume)}}
        )
        return None

    async def _fail(self, volume: Object, event: Event) -> float:
        """It stays failed, for people to see, and is tried again."""
        if get_path(volume, "status.phase") != volumes.FAILED:
            await self._binder.set_volume_phase(volume, volumes.FAILED, event.message)
            self._say(volume, event)
        return self._sync_period

    def _say(self, obj: Object, event: Event | None) -> None:
        if event is not None:
            self._events.event(obj, event.type, event.reason, event.message)


def _claim_and_its_volume(claim: Object) -> Iterable[NamespacedName]:
    yield key_of(claim)
    volume = get_path(claim, "spec.volumeName")
    if volume:
        yield NamespacedName("", volume)


def _is_scheduling_news(old: Object | None, new: Object | None) -> bool:
    """Of pods it only matters which ones wait for a node."""
    nodes = [None if pod is None else pod["spec"].get("nodeName") or "" for pod in (old, new)]
    return nodes[0] != nodes[1]
