"""Which volumes a pod would get on a node: the ones it has, free ones that fit, and ones to be made there.

Pure. Source: pkg/scheduler/framework/plugins/volumebinding/binder.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from apimachinery import volumes
from apimachinery.objects import Object, annotations_of, get_path, is_terminating, name_of
from scheduler.node_info import NodeInfo
from scheduler.pod_info import PodInfo
from scheduler.volumes.capacity import has_space
from scheduler.volumes.storage import Storage

NODE_CONFLICT = "node(s) didn't match PersistentVolume's node affinity"
BIND_CONFLICT = "node(s) didn't find available persistent volumes to bind"
NO_SPACE = "node(s) did not have enough free storage"
VOLUME_MISSING = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"

_ORDER = (NODE_CONFLICT, BIND_CONFLICT, NO_SPACE, VOLUME_MISSING)


@dataclass(frozen=True, slots=True)
class PodClaims:
    """The claims of a pod by how far they are."""

    bound: tuple[Object, ...] = ()
    delayed: tuple[Object, ...] = ()
    """They wait for us."""
    immediate: tuple[Object, ...] = ()
    """They wait for somebody else."""


@dataclass(frozen=True, slots=True)
class PodVolumes:
    """What has to be done for a pod's claims before it can start on a node."""

    bindings: tuple[tuple[Object, Object], ...] = ()
    """(volume, claim): free volumes to be bound."""
    provisions: tuple[Object, ...] = ()
    """Claims whose volumes are to be made on the node."""


def claims_of(pod: PodInfo, storage: Storage) -> PodClaims | str:
    """Or why the pod can't be scheduled whatever the node."""
    found: dict[str, list[Object]] = {"bound": [], "delayed": [], "immediate": []}
    for reference in pod.claims:
        claim = storage.claims.get(reference.key)
        if why := _why_unusable(pod, reference.key.name, claim, is_ephemeral=reference.is_ephemeral):
            return why
        assert claim is not None
        found[_progress(claim, storage)].append(claim)
    return PodClaims(*(tuple(found[name]) for name in ("bound", "delayed", "immediate")))


def _why_unusable(pod: PodInfo, name: str, claim: Object | None, *, is_ephemeral: bool) -> str:
    if claim is None:
        if is_ephemeral:  # normal right after a pod was created
            return f'waiting for ephemeral volume controller to create the persistentvolumeclaim "{name}"'
        return f'persistentvolumeclaim "{name}" not found'
    if get_path(claim, "status.phase") == volumes.LOST:
        volume = get_path(claim, "spec.volumeName", "")
        return f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{volume}"'
    if is_terminating(claim):
        return f'persistentvolumeclaim "{name}" is being deleted'
    return volumes.why_not_for_pod(pod.pod, claim) if is_ephemeral else ""


def _progress(claim: Object, storage: Storage) -> str:
    if volumes.is_fully_bound(claim):
        return "bound"
    if volumes.delays_binding(storage.class_of(claim)) and not get_path(claim, "spec.volumeName"):
        return "delayed"
    return "immediate"


def find_volumes(claims: PodClaims, node: NodeInfo, storage: Storage) -> PodVolumes | tuple[str, ...]:
    """Or the reasons against the node."""
    found = _find_for(claims.delayed, node, storage)
    why_not = {_why_not_bound(claims.bound, node, storage), found if isinstance(found, str) else ""}
    reasons = tuple(each for each in _ORDER if each in why_not)
    return reasons if reasons or isinstance(found, str) else found


def _why_not_bound(claims: Iterable[Object], node: NodeInfo, storage: Storage) -> str:
    """The first reason why the pod's volumes can't be had on the node; "" if they can."""
    for claim in claims:
        volume = storage.volume_of(claim)
        if volume is None:
            return VOLUME_MISSING
        if not volumes.is_usable_on(volume, node.name, node.labels):
            return NODE_CONFLICT
    return ""


def _find_for(claims: Sequence[Object], node: NodeInfo, storage: Storage) -> PodVolumes | str:
    """Or why not."""
    provisions = [claim for claim in claims if _selected_node(claim) is not None]
    if any(_selected_node(claim) != node.name for claim in provisions):
        return BIND_CONFLICT
    others = [claim for claim in claims if _selected_node(claim) is None]
    bindings: list[tuple[Object, Object]] = []
    taken: set[str] = set()
    # The smallest first, so that it doesn't take what only suits a larger one.
    for claim in sorted(others, key=volumes.request_of):
        volume = _match(claim, node, storage, taken)
        if volume is None:
            provisions.append(claim)
        else:
            taken.add(name_of(volume))
            bindings.append((volume, claim))
    why_not = (_why_not_provisioned(claim, node.labels, storage) for claim in provisions)
    return next(filter(None, why_not), "") or PodVolumes(tuple(bindings), tuple(provisions))


def _selected_node(claim: Object) -> str | None:
    """Where an earlier attempt wanted its volume to be made."""
    return annotations_of(claim).get(volumes.SELECTED_NODE)


def _match(claim: Object, node: NodeInfo, storage: Storage, taken: set[str]) -> Object | None:
    offered = storage.offers_for(claim)
    return volumes.find_match(claim, offered, delayed=True, node=(node.name, node.labels), taken=taken)


def _why_not_provisioned(claim: Object, labels: Mapping[str, str], storage: Storage) -> str:
    """Why nobody makes a volume of the class for a node with these labels; "" if somebody does."""
    storage_class = storage.class_of(claim)
    if storage_class is None or storage_class["provisioner"] in ("", volumes.NO_PROVISIONER):
        return BIND_CONFLICT
    terms = storage_class.get("allowedTopologies")
    if terms and not any(_allows(term, labels) for term in terms):
        return BIND_CONFLICT
    return "" if has_space(claim, storage_class, labels, storage) else NO_SPACE


def _allows(term: Object, labels: Mapping[str, str]) -> bool:
    """A term without expressions allows nothing."""
    expressions = term.get("matchLabelExpressions") or ()
    return bool(expressions) and all(labels.get(each["key"]) in each["values"] for each in expressions)
