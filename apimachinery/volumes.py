"""PersistentVolumes and claims: which belong together, and what the annotations between their keepers mean.

Pure. The persistent volume controller, the scheduler and provisioners must agree on every word of it.
Source: staging/src/k8s.io/component-helpers/storage/volume/pv_helpers.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import cast

from apimachinery.labels import EVERYTHING, NOTHING, Selector, SelectorError, selector_from_label_selector
from apimachinery.node_selector import parse_terms
from apimachinery.objects import (
    NamespacedName,
    Object,
    annotations_of,
    controller_of,
    get_path,
    is_terminating,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    resource_version_of,
    uid_of,
)
from apimachinery.quantity import Quantity

BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
"""On a claim: it has been bound once; without its volume it is lost."""
BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
"""On a volume or claim: the reference to the other was not the user's idea."""
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
"""On a volume: who made it for a claim, and will delete it."""
STORAGE_PROVISIONER = "volume.kubernetes.io/storage-provisioner"
BETA_STORAGE_PROVISIONER = "volume.beta.kubernetes.io/storage-provisioner"
"""On a claim: who is to make a volume for it."""
SELECTED_NODE = "volume.kubernetes.io/selected-node"
"""On a claim: where the scheduler wants its volume to be made."""
BETA_STORAGE_CLASS = "volume.beta.kubernetes.io/storage-class"

DEFAULT_CLASS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)
"""On a StorageClass, "true": it is for claims that name none."""

CLAIM_PROTECTION = "kubernetes.io/pvc-protection"
VOLUME_PROTECTION = "kubernetes.io/pv-protection"
CLASS_PROTECTION = "kubernetes.io/vac-protection"
"""Finalizers of claims, volumes and VolumeAttributesClasses: they stay while they are used."""

NO_PROVISIONER = "kubernetes.io/no-provisioner"
AVAILABLE, BOUND, RELEASED, FAILED, PENDING, LOST = (
    "Available", "Bound", "Released", "Failed", "Pending", "Lost"
)  # fmt: skip
FILESYSTEM, BLOCK = "Filesystem", "Block"
_SHORT_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}


def modes_text(modes: Iterable[str] | None) -> str:
    """Access modes as tables show them."""
    known = {*(modes or ())}
    return ",".join(short for mode, short in _SHORT_MODES.items() if mode in known)


def class_of(obj: Object) -> str:
    """The storage class of a claim or volume; "" is none."""
    beta = annotations_of(obj).get(BETA_STORAGE_CLASS)
    return cast(str, get_path(obj, "spec.storageClassName", "") if beta is None else beta)


def has_no_class(claim: Object) -> bool:
    """Whether the claim leaves its class to the default, which is not the same as asking for none."""
    return get_path(claim, "spec.storageClassName") is None and BETA_STORAGE_CLASS not in annotations_of(
        claim
    )


def is_default_class(storage_class: Object) -> bool:
    return any(annotations_of(storage_class).get(key) == "true" for key in DEFAULT_CLASS)


def default_class(classes: Iterable[Object]) -> Object | None:
    """The newest of the classes marked as the default, of equally old ones the first by name."""
    marked = sorted(filter(is_default_class, classes), key=name_of)
    return max(marked, key=lambda each: str(each["metadata"]["creationTimestamp"]), default=None)


def delays_binding(storage_class: Object | None) -> bool:
    return storage_class is not None and storage_class.get("volumeBindingMode") == "WaitForFirstConsumer"


def capacity_of(volume: Object) -> Quantity:
    return Quantity.parse(get_path(volume, "spec.capacity.storage", "0"))


def request_of(claim: Object) -> Quantity:
    return Quantity.parse(get_path(claim, "spec.resources.requests.storage", "0"))


def mode_of(obj: Object) -> str:
    return cast(str, get_path(obj, "spec.volumeMode", FILESYSTEM))


def access_modes_of(obj: Object) -> list[str]:
    return cast(list[str], get_path(obj, "spec.accessModes", []))


def attributes_class_of(obj: Object) -> str:
    return cast(str, get_path(obj, "spec.volumeAttributesClassName", ""))


def attributes_classes_of(claim: Object) -> list[str]:
    """The VolumeAttributesClasses that a claim has to do with: the one asked for, the old, and the next."""
    names = (
        get_path(claim, "spec.volumeAttributesClassName"),
        get_path(claim, "status.currentVolumeAttributesClassName"),
        get_path(claim, "status.modifyVolumeStatus.targetVolumeAttributesClassName"),
    )
    return sorted({name for name in names if name})


def offers_modes(volume: Object, claim: Object) -> bool:
    return set(access_modes_of(claim)) <= set(access_modes_of(volume))


# The two references.


def claim_reference(claim: Object) -> Object:
    """What a volume's claimRef says of its claim."""
    return {
        "kind": "PersistentVolumeClaim",
        "namespace": namespace_of(claim),
        "name": name_of(claim),
        "uid": uid_of(claim),
        "apiVersion": "v1",
        "resourceVersion": resource_version_of(claim),
    }


def claim_key(volume: Object) -> NamespacedName | None:
    """The claim that a volume is reserved for or bound to."""
    reference = get_path(volume, "spec.claimRef")
    if reference is None:
        return None
    return NamespacedName(reference.get("namespace") or "", reference.get("name") or "")


def is_bound_to(volume: Object, claim: Object) -> bool:
    """Whether the volume says so, or is reserved for a claim of that name."""
    if claim_key(volume) != key_of(claim):
        return False
    return volume["spec"]["claimRef"].get("uid") in (None, "", uid_of(claim))


def is_fully_bound(claim: Object) -> bool:
    return bool(get_path(claim, "spec.volumeName")) and BIND_COMPLETED in annotations_of(claim)


def bound_to(volume: Object, claim: Object) -> Object:
    """The volume with its reference to the claim; the volume itself if there is nothing to change."""
    reference = get_path(volume, "spec.claimRef") or {}
    wanted = claim_reference(claim)
    if all(reference.get(field) == wanted[field] for field in ("namespace", "name", "uid")):
        return volume
    metadata = volume["metadata"]
    if not is_bound_to(volume, claim):
        metadata = {**metadata, "annotations": {**annotations_of(volume), BOUND_BY_CONTROLLER: "yes"}}
    return {**volume, "metadata": metadata, "spec": {**volume["spec"], "claimRef": wanted}}


# Nodes.


def unique_csi_name(driver: str, handle: str) -> str:
    """What a CSI volume is called in the status of nodes."""
    return f"kubernetes.io/csi/{driver}^{handle}"


def is_usable_on(volume: Object, node: str, labels: Mapping[str, str]) -> bool:
    """Whether the volume's node affinity allows a node."""
    required = get_path(volume, "spec.nodeAffinity.required")
    return required is None or any(term.matches(node, labels) for term in parse_terms(required))


# Matching.

OFFERS = "offers"
"""The index of volumes by `offered_to`, which `offers_for` asks."""


def offered_to(volume: Object) -> tuple[str, ...]:
    """Whom a volume may serve: claims of its class, or the one it is reserved for, whatever its class."""
    claim = claim_key(volume)
    return (f"class {class_of(volume)}",) if claim is None else (f"claim {claim}",)


def offers_for(claim: Object) -> tuple[str, ...]:
    return f"claim {key_of(claim)}", f"class {class_of(claim)}"


def find_match(
    claim: Object,
    volumes: Iterable[Object],
    *,
    delayed: bool,
    node: tuple[str, Mapping[str, str]] | None = None,
    taken: Collection[str] = (),
) -> Object | None:
    """The volume that is reserved for the claim, or the smallest that satisfies it.

    Without a `node` (its name and labels) a claim whose binding is delayed gets reserved volumes only.
    """
    suiting = [each for each in volumes if name_of(each) not in taken and _could_hold(each, claim)]
    reserved = next((each for each in suiting if claim_key(each) is not None), None)
    if reserved is not None:
        return reserved if node is None or is_usable_on(reserved, *node) else None
    if node is None and delayed:
        return None
    selector = _selector(claim)
    fitting = [
        each
        for each in suiting
        if get_path(each, "status.phase") == AVAILABLE
        and selector.matches(labels_of(each))
        and class_of(each) == class_of(claim)
        and (node is None or (is_usable_on(each, *node) and offers_modes(each, claim)))
    ]
    return min(fitting, key=capacity_of, default=None)


def _could_hold(volume: Object, claim: Object) -> bool:
    """What must be so even of a volume that was reserved for the claim."""
    return (
        (claim_key(volume) is None or is_bound_to(volume, claim))
        and capacity_of(volume) >= request_of(claim)
        and mode_of(volume) == mode_of(claim)
        and attributes_class_of(volume) == attributes_class_of(claim)
        and not is_terminating(volume)
    )


def _selector(claim: Object) -> Selector:
    selector = get_path(claim, "spec.selector")
    try:
        return EVERYTHING if selector is None else selector_from_label_selector(selector)
    except SelectorError:  # refused by validation; an old object may still carry one
        return NOTHING


# The claims of pods.


def ephemeral_claim_name(pod: Object, volume: Object) -> str:
    """The claim that is made for a generic ephemeral volume of a pod."""
    return f"{name_of(pod)}-{volume['name']}"


def claim_of_volume(pod: Object, volume: Object) -> NamespacedName | None:
    """The claim behind a volume of a pod, if there is one."""
    if "persistentVolumeClaim" in volume:
        return NamespacedName(namespace_of(pod), volume["persistentVolumeClaim"]["claimName"])
    if "ephemeral" in volume:
        return NamespacedName(namespace_of(pod), ephemeral_claim_name(pod, volume))
    return None


def claims_of_pod(pod: Object) -> list[NamespacedName]:
    keys = (claim_of_volume(pod, volume) for volume in get_path(pod, "spec.volumes", []))
    return [key for key in keys if key is not None]


def why_not_for_pod(pod: Object, claim: Object) -> str:
    """Why a claim is not the one made for the pod's ephemeral volume; "" if it is."""
    owner = controller_of(claim)
    if owner is not None and owner.get("uid") == uid_of(pod):
        return ""
    return f"PVC {key_of(claim)} was not created for pod {key_of(pod)} (pod is not owner)"
