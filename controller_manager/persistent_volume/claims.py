"""What to do about a claim. Pure: the controller shows what it knows and carries out the answer.

Source: syncUnboundClaim and syncBoundClaim in pkg/controller/volume/persistentvolume/pv_controller.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from apimachinery import volumes
from apimachinery.objects import Object, annotations_of, get_path, is_terminating, name_of, uid_of
from client.events import NORMAL, WARNING

IN_TREE = "kubernetes.io/"


class Event(NamedTuple):
    """What is said to the user about a claim or volume."""

    type: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A claim and all that its fate hangs on."""

    claim: Object
    volume: Object | None = None
    """The one that the claim names."""
    candidates: Sequence[Object] = ()
    """Volumes of its class, or reserved for it."""
    storage_class: Object | None = None
    default_class: str = ""
    waiting_pods: Sequence[str] = ()
    """Pods that want the claim and have no node yet."""
    provisions: bool = True
    """Whether volumes may be made for claims."""


@dataclass(frozen=True, slots=True)
class Bind:
    """Claim and volume are to point at each other and to say so."""

    volume: Object


@dataclass(frozen=True, slots=True)
class KeepPending:
    """Nothing can be done now; `event` says why."""

    event: Event | None = None


@dataclass(frozen=True, slots=True)
class Lose:
    """The claim had a volume and has it no more."""

    event: Event


@dataclass(frozen=True, slots=True)
class AssignClass:
    """A default class has come up since the claim was made."""

    name: str


@dataclass(frozen=True, slots=True)
class Provision:
    """Somebody outside is asked to make a volume."""

    provisioner: str


ClaimPlan = Bind | KeepPending | Lose | AssignClass | Provision


def plan_claim(view: ClaimView) -> ClaimPlan:
    if volumes.BIND_COMPLETED in annotations_of(view.claim):
        return _plan_bound(view)
    if get_path(view.claim, "spec.volumeName"):
        return _plan_named(view)
    return _plan_unbound(view)


def _plan_bound(view: ClaimView) -> ClaimPlan:
    """It was bound before, so its data is in a volume or nowhere."""
    if not get_path(view.claim, "spec.volumeName"):
        return _lost("Bound claim has lost reference to PersistentVolume. Data on the volume is lost!")
    if view.volume is None:
        return _lost("Bound claim has lost its PersistentVolume. Data on the volume is lost!")
    reference = get_path(view.volume, "spec.claimRef")
    if reference is None or reference.get("uid") == uid_of(view.claim):
        return Bind(view.volume)
    text = "Two claims are bound to the same volume, this one is bound incorrectly"
    return Lose(Event(WARNING, "ClaimMisbound", text))


def _lost(text: str) -> Lose:
    return Lose(Event(WARNING, "ClaimLost", text))


def _plan_named(view: ClaimView) -> ClaimPlan:
    """The user has chosen the volume."""
    volume = view.volume
    if volume is None:
        return KeepPending()
    if volumes.claim_key(volume) is None:
        why = _why_not(volume, view.claim)
        text = f'Cannot bind to requested volume "{name_of(volume)}": {why}'
        return KeepPending(Event(WARNING, "VolumeMismatch", text)) if why else Bind(volume)
    if volumes.is_bound_to(volume, view.claim):
        return Bind(volume)
    text = f'volume "{name_of(volume)}" already bound to a different claim.'
    return KeepPending(Event(WARNING, "FailedBinding", text))


def _why_not(volume: Object, claim: Object) -> str:
    """What makes a free volume unfit for a claim; the first reason, or ""."""
    reasons = {
        f'the volume is marked for deletion "{name_of(volume)}"': is_terminating(volume),
        "requested PV is too small": volumes.capacity_of(volume) < volumes.request_of(claim),
        "storageClassName does not match": volumes.class_of(volume) != volumes.class_of(claim),
        "volumeAttributesClassName does not match": (
            volumes.attributes_class_of(volume) != volumes.attributes_class_of(claim)
        ),
        "incompatible volumeMode": volumes.mode_of(volume) != volumes.mode_of(claim),
        "incompatible accessMode": not volumes.offers_modes(volume, claim),
    }
    return next((reason for reason, applies in reasons.items() if applies), "")


def _plan_unbound(view: ClaimView) -> ClaimPlan:
    """Any volume that fits will do."""
    claim, delayed = view.claim, volumes.delays_binding(view.storage_class)
    volume = best_match(claim, view.candidates, delayed=delayed)
    if volume is not None:
        return Bind(volume)
    if volumes.has_no_class(claim) and view.default_class:
        return AssignClass(view.default_class)
    if delayed and volumes.SELECTED_NODE not in annotations_of(claim):
        return KeepPending(_waiting(view.waiting_pods))
    if volumes.class_of(claim):
        return _plan_provisioning(view) if view.provisions else KeepPending()
    text = "no persistent volumes available for this claim and no storage class is set"
    return KeepPending(Event(NORMAL, "FailedBinding", text))


def best_match(claim: Object, candidates: Iterable[Object], *, delayed: bool) -> Object | None:
    """Volumes that offer the least beyond what is asked come first, whatever their size."""
    by_modes: dict[frozenset[str], list[Object]] = {}
    for volume in candidates:
        if volumes.offers_modes(volume, claim):
            by_modes.setdefault(frozenset(volumes.access_modes_of(volume)), []).append(volume)
    matches = (
        volumes.find_match(claim, by_modes[modes], delayed=delayed) for modes in sorted(by_modes, key=len)
    )
    return next((match for match in matches if match is not None), None)


def _waiting(pods: Sequence[str]) -> Event:
    if not pods:
        text = "waiting for first consumer to be created before binding"
        return Event(NORMAL, "WaitForFirstConsumer", text)
    text = f"waiting for pod{'s' if len(pods) > 1 else ''} {','.join(pods)} to be scheduled"
    return Event(NORMAL, "WaitForPodScheduled", text)


def _plan_provisioning(view: ClaimView) -> ClaimPlan:
    if view.storage_class is None:
        return _not_provisioned(f'storageclass.storage.k8s.io "{volumes.class_of(view.claim)}" not found')
    provisioner = view.storage_class["provisioner"]
    if provisioner.startswith(IN_TREE):
        return _not_provisioned(f"no volume plugin matched name: {provisioner}")
    return Provision(provisioner)


def _not_provisioned(text: str) -> KeepPending:
    return KeepPending(Event(WARNING, "ProvisioningFailed", text))
