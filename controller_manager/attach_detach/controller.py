"""The attach/detach controller: one key a node. What is attached is what VolumeAttachments say.

The driver's external attacher does the work: it sees a VolumeAttachment, and lets it go when that is undone.
Source: pkg/controller/volume/attachdetach of Kubernetes 1.34.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import suppress
from math import inf

from apimachinery import scheme
from apimachinery.errors import AlreadyExistsError, NotFoundError
from apimachinery.objects import (
    NamespacedName,
    Object,
    annotations_of,
    get_path,
    key_of,
    name_of,
    resource_version_of,
    uid_of,
)
from apimachinery.volumes import claim_key, claim_of_volume, is_bound_to, is_fully_bound
from apimachinery.well_known import MANAGED_ATTACH_DETACH
from client.controller import Watch, by_name
from client.events import NORMAL, WARNING
from client.own_writes import OwnWrites
from controller_manager.attach_detach.plan import (
    MAX_WAIT_FOR_UNMOUNT,
    NodePlan,
    Want,
    attachment_for,
    attachment_name,
    is_exclusive,
    needs_attaching,
    plan_node,
    unique_name,
    uses_volumes,
    why_blocked,
)
from controller_manager.context import ControllerContext
from controller_manager.pods_by_claim import PODS_BY_CLAIM, pods_by_claim
from controller_manager.pods_by_node import PODS_BY_NODE, pods_by_node

ATTACHMENTS_BY_NODE, ATTACHMENTS_BY_VOLUME = "attachments by node", "attachments by volume"
SOON = 1.0
"""Seconds until the next look at a volume of which another worker decides."""


class AttachDetachController:
    name = "persistentvolume-attach-detach-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._events = context.recorder("attachdetach-controller")
        self._max_wait = inf if context.options.disable_force_detach_on_timeout else MAX_WAIT_FOR_UNMOUNT
        informer = context.informers.informer
        self._nodes, self._pods = informer(scheme.NODES), informer(scheme.PODS)
        self._claims = informer(scheme.PERSISTENT_VOLUME_CLAIMS)
        self._volumes = informer(scheme.PERSISTENT_VOLUMES)
        self._drivers = informer(scheme.CSI_DRIVERS)
        self._attachments = informer(scheme.VOLUME_ATTACHMENTS)
        self._pods.add_indexer(PODS_BY_NODE, pods_by_node)
        self._pods.add_indexer(PODS_BY_CLAIM, pods_by_claim)
        self._attachments.add_indexer(ATTACHMENTS_BY_NODE, _node_of)
        self._attachments.add_indexer(ATTACHMENTS_BY_VOLUME, _volume_of)
        self._writes = OwnWrites(self._attachments)
        self._in_flight: dict[str, str] = {}
        """Volumes that are about to be attached, and where: workers for other nodes must not begin, too."""
        self._unused: dict[str, dict[str, float]] = {}
        """Since when attachments have not been needed, by node and name. A restart begins to count anew."""
        self._begun: dict[str, set[str]] = {}
        """The uids of attachments that have been asked to go, by node, as long as the cache shows them."""
        self._reports: dict[str, Object | None] = {}
        """Nodes as they were after the last report, until the cache shows it; None where no answer came."""
        self._told: dict[str, frozenset[str]] = {}
        """The volumes that pods of a node have been told they can't have."""

    def watches(self) -> list[Watch]:
        return [
            Watch(self._nodes, by_name, _matters),
            Watch(self._pods, _node_of_pod),
            Watch(self._claims, self._nodes_of_claim),
            Watch(self._volumes, self._nodes_of_volume),
            Watch(self._attachments, self._nodes_of_attachment),
            Watch(self._drivers, lambda _: map(key_of, self._nodes.list())),
        ]

    def _nodes_of_claim(self, claim: Object) -> Iterable[NamespacedName]:
        return self._nodes_that_use(key_of(claim))

    def _nodes_of_volume(self, volume: Object) -> Iterable[NamespacedName]:
        """Its cache may be behind that of claims, which say that they have it."""
        claim = claim_key(volume)
        return self._nodes_that_use(claim) if claim else ()

    def _nodes_that_use(self, claim: NamespacedName) -> set[NamespacedName]:
        pods = self._pods.by_index(PODS_BY_CLAIM, str(claim))
        return {key for pod in pods for key in _node_of_pod(pod)}

    def _nodes_of_attachment(self, attachment: Object) -> Iterable[NamespacedName]:
        """Its own, and those that may wait for the volume."""
        keys = {NamespacedName("", node) for node in _node_of(attachment)}
        for name in _volume_of(attachment):
            keys.update(self._nodes_of_volume(self._volumes.get(NamespacedName("", name)) or {}))
        return keys

    async def reconcile(self, key: NamespacedName) -> float | None:
        node = self._nodes.get(key)
        wants = self._wants(node) if node is not None else []
        here = self._attachments.by_index(ATTACHMENTS_BY_NODE, key.name)
        attachments = [(each, self._volume_behind(each)) for each in here]
        mine = [(each, volume) for each, volume in attachments if _is_ours(each, volume, key.name)]
        is_undecided = any(self._is_undecided(it.volume, key.name) for it in wants)
        held = {name_of(it.volume) for it in wants if self._holders(it.volume, key.name)}
        unused, begun = self._unused_for(key.name, mine, wants), self._begun_for(key.name, here)
        plan = plan_node(node, wants, mine, held, unused, self._max_wait, begun)
        await self._carry_out(key.name, node, wants, plan)
        self._complain(wants, [each for each, _ in mine])
        return SOON if is_undecided else plan.wait

    # Looking.

    def _wants(self, node: Object) -> list[Want]:
        if MANAGED_ATTACH_DETACH not in annotations_of(node):
            return []
        found: dict[str, Want] = {}
        for pod in self._pods.by_index(PODS_BY_NODE, name_of(node)):
            for volume in self._volumes_of(pod) if uses_volumes(pod, node) else ():
                known = found.get(name_of(volume), Want(volume, ()))
                found[name_of(volume)] = Want(volume, (*known.pods, pod))
        return list(found.values())

    def _volumes_of(self, pod: Object) -> Iterator[Object]:
        """Those that must be attached."""
        for entry in get_path(pod, "spec.volumes", []):
            key = claim_of_volume(pod, entry)
            claim = self._claims.get(key) if key is not None else None
            if claim is None or not is_fully_bound(claim):
                continue
            volume = self._volumes.get(NamespacedName("", claim["spec"]["volumeName"]))
            if volume is not None and is_bound_to(volume, claim) and self._needs_attaching(volume):
                yield volume

    def _needs_attaching(self, volume: Object) -> bool:
        driver = get_path(volume, "spec.csi.driver", "")
        return needs_attaching(volume, self._drivers.get(NamespacedName("", driver)))

    def _volume_behind(self, attachment: Object) -> Object | None:
        (name,) = _volume_of(attachment) or ("",)
        volume = self._volumes.get(NamespacedName("", name))
        return volume if volume is not None and "csi" in volume["spec"] else None

    def _holders(self, volume: Object, but: str) -> list[str]:
        """The other nodes that have a volume."""
        attachments = self._attachments.by_index(ATTACHMENTS_BY_VOLUME, name_of(volume))
        return [node for each in attachments for node in _node_of(each) if node != but]

    def _is_undecided(self, volume: Object, node: str) -> bool:
        """Whether it is being attached somewhere, and our cache does not show where."""
        name = name_of(volume)
        return self._in_flight.get(name, node) != node or not self._writes.are_seen(NamespacedName("", name))

    def _unused_for(
        self, node: str, attachments: Iterable[tuple[Object, Object | None]], wants: Iterable[Want]
    ) -> dict[str, float]:
        now, wanted = asyncio.get_running_loop().time(), {name_of(each.volume) for each in wants}
        names = {name_of(each) for each, _ in attachments if not wanted.intersection(_volume_of(each))}
        known = self._unused.get(node, {})
        since = {name: known.get(name, now) for name in names}
        if since:
            self._unused[node] = since
        else:
            self._unused.pop(node, None)
        return {name: now - at for name, at in since.items()}

    def _begun_for(self, node: str, attachments: Iterable[Object]) -> set[str]:
        left = self._begun.pop(node, set()).intersection(map(uid_of, attachments))
        if left:
            self._begun[node] = left
        return left

    # Acting.

    async def _carry_out(
        self, node_name: str, node: Object | None, wants: list[Want], plan: NodePlan
    ) -> None:
        """What goes is taken from the node's status first: nobody may begin to use it."""
        if node is not None:
            await self._report(node, wants, plan.attached)
        else:
            self._reports.pop(node_name, None)
        for attachment in plan.detach:
            self._begun.setdefault(node_name, set()).add(uid_of(attachment))
            options = {"preconditions": {"uid": uid_of(attachment)}}
            with suppress(NotFoundError):
                await self._client.delete(scheme.VOLUME_ATTACHMENTS, name_of(attachment), options=options)
        for want in plan.attach:
            await self._attach(node_name, want.volume)
        self._tell_blocked(node_name, plan.blocked)

    async def _attach(self, node: str, volume: Object) -> None:
        name = name_of(volume)
        if self._is_undecided(volume, node) or (is_exclusive(volume) and self._holders(volume, node)):
            return  # it was free when it was planned; who got it will let us know
        self._in_flight[name] = node
        try:
            made = await self._client.create(scheme.VOLUME_ATTACHMENTS, attachment_for(volume, node))
            self._writes.note(NamespacedName("", name), made)
        except AlreadyExistsError:
            return  # the cache will show it
        finally:
            del self._in_flight[name]

    async def _report(self, node: Object, wants: list[Want], attached: tuple[str, ...]) -> None:
        name, shown = name_of(node), self._shown(node)
        if shown == attached:
            return
        self._reports[name] = None
        listed = [{"name": each, "devicePath": ""} for each in attached]
        patch = {"metadata": {"uid": uid_of(node)}, "status": {"volumesAttached": listed or None}}
        self._reports[name] = await self._client.patch(scheme.NODES, name, patch, subresource="status")
        for volume, pods in wants:
            if unique_name(volume) in set(attached) - set(shown or ()):
                text = f'AttachVolume.Attach succeeded for volume "{name_of(volume)}" '
                for pod in pods:
                    self._events.event(pod, NORMAL, "SuccessfulAttachVolume", text)

    def _shown(self, node: Object) -> tuple[str, ...] | None:
        """What the node says is attached; None if that can't be known. The cache may be behind reports."""
        newest = self._reports.get(name_of(node), node)
        if newest is None:
            return None
        if self._nodes.has_seen(resource_version_of(newest)):
            self._reports.pop(name_of(node), None)
            newest = node
        return tuple(sorted(each["name"] for each in get_path(newest, "status.volumesAttached", [])))

    # Telling.

    def _tell_blocked(self, node: str, blocked: tuple[Want, ...]) -> None:
        """Once, until it is so no more."""
        told = self._told.pop(node, frozenset())
        for volume, pods in blocked:
            others = self._users_elsewhere(volume, node) if name_of(volume) not in told else []
            for pod in pods if name_of(volume) not in told else ():
                text = f'Multi-Attach error for volume "{name_of(volume)}" {why_blocked(pod, others)}'
                self._events.event(pod, WARNING, "FailedAttachVolume", text)
        if blocked:
            self._told[node] = frozenset(name_of(each.volume) for each in blocked)

    def _users_elsewhere(self, volume: Object, but: str) -> list[Object]:
        holders, claim = self._holders(volume, but), claim_key(volume)
        pods = self._pods.by_index(PODS_BY_CLAIM, str(claim)) if claim else []
        users = []
        for pod in pods:
            node = self._nodes.get(NamespacedName("", pod["spec"].get("nodeName") or ""))
            if node is not None and name_of(node) in holders and uses_volumes(pod, node):
                users.append(pod)
        return users

    def _complain(self, wants: Iterable[Want], attachments: Iterable[Object]) -> None:
        """Of what drivers fail to attach."""
        errors = {name: get_path(it, "status.attachError") for it in attachments for name in _volume_of(it)}
        for volume, pods in wants:
            error = errors.get(name_of(volume))
            if error is not None:
                why = error.get("message") or ""
                text = f'AttachVolume.Attach failed for volume "{name_of(volume)}" : {why}'
                for pod in pods:
                    self._events.event(pod, WARNING, "FailedAttachVolume", text)


def _is_ours(attachment: Object, volume: Object | None, node: str) -> bool:
    """Others may attach what they like under names of their own."""
    if not _volume_of(attachment):
        return False
    if volume is None:
        return name_of(attachment).startswith("csi-")
    return name_of(attachment) == attachment_name(volume, node)


def _node_of(attachment: Object) -> tuple[str, ...]:
    return (attachment["spec"]["nodeName"],)


def _volume_of(attachment: Object) -> tuple[str, ...]:
    name = get_path(attachment, "spec.source.persistentVolumeName")
    return (name,) if name else ()


def _node_of_pod(pod: Object) -> Iterable[NamespacedName]:
    """Of a pod with claims."""
    node = pod["spec"].get("nodeName")
    return [NamespacedName("", node)] if node and list(pods_by_claim(pod)) else []


def _matters(old: Object | None, new: Object | None) -> bool:
    """Heartbeats do not."""
    return old is None or new is None or _relevant(old) != _relevant(new)


def _relevant(node: Object) -> list[object]:
    paths = ("metadata.annotations", "spec.taints", "status.volumesInUse", "status.volumesAttached")
    ready = [each for each in get_path(node, "status.conditions", []) if each["type"] == "Ready"]
    return [*(get_path(node, path) for path in paths), [each["status"] for each in ready]]
