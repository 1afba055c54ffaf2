"""What may change through pods/resize: cpu and memory of containers and sidecars, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from apimachinery.field import Errors, Path, forbidden, invalid
from apimachinery.objects import Object, annotations_of
from apimachinery.pods import is_sidecar, qos_class
from apimachinery.well_known import MIRROR_POD
from apiserver.registry.strategies.checks import same

RESIZABLE = ("resources", "resizePolicy")
RESIZED = ("containers", "initContainers")
_SPEC = Path("spec")
_AMOUNTS = ("cpu", "memory")


def resized_spec(wanted: Object, old: Object) -> Object:
    """The old spec with the resources that are wanted; other containers stay, to be refused."""
    if any(len(wanted.get(field) or ()) != len(old.get(field) or ()) for field in RESIZED):
        return wanted
    return {**old, **{field: _resized(wanted[field], old[field]) for field in RESIZED if old.get(field)}}


def _resized(wanted: Sequence[Object], old: Sequence[Object]) -> Sequence[Object]:
    pairs = list(zip(wanted, old, strict=True))
    if any(container.get("name") != before.get("name") for container, before in pairs):
        return wanted
    return [
        {
            **{field: value for field, value in before.items() if field not in RESIZABLE},
            **{field: container[field] for field in RESIZABLE if field in container},
        }
        for container, before in pairs
    ]


def why_not_resized(new: Object, old: Object) -> str:
    """Why this pod is never resized, whatever is asked for, or ''."""
    for pod in (old, new):
        resources = pod["spec"].get("resources") or {}
        if resources.get("requests") or resources.get("limits"):
            return "pods with pod-level resources cannot be resized"
    if MIRROR_POD in annotations_of(old):
        return "static pods cannot be resized"
    if (old["spec"].get("os") or {}).get("name") == "windows":
        return "windows pods cannot be resized"
    return ""


def validate_resize(new: Object, old: Object) -> Errors:
    if qos_class(new) != qos_class(old):
        detail = "Pod QOS Class may not change as a result of resizing"
        yield invalid(_SPEC, (new.get("status") or {}).get("qosClass") or "", detail)
    if not _node_resizes(old):
        yield forbidden(_SPEC, "Pod running on node without support for resize")
    misplaced = [error for field in RESIZED for error in _misplaced(new, old, field)]
    yield from misplaced
    if not misplaced:
        yield from _removed(new, old)
        yield from _other_changes(new, old)


def _node_resizes(pod: Object) -> bool:
    """A node that can tells which resources its containers have."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    running = next((each for each in statuses if (each.get("state") or {}).get("running") is not None), None)
    return running is None or running.get("resources") is not None


def _misplaced(new: Object, old: Object, field: str) -> Errors:
    now, before, at = new["spec"].get(field) or (), old["spec"].get(field) or (), _SPEC.child(field)
    if len(now) != len(before):
        yield forbidden(at, f"{field} may not be added or removed on resize")
        return
    for index, (container, former) in enumerate(zip(now, before, strict=True)):
        if container.get("name") != former.get("name"):
            detail = f"{field} may not be renamed or reordered on resize"
            yield forbidden(at.index(index).child("name"), detail)


def _removed(new: Object, old: Object) -> Errors:
    for field in reversed(RESIZED):
        for index, (container, before) in enumerate(_pairs(new, old, field)):
            if field == "initContainers" and not is_sidecar(before):
                continue
            for side in ("requests", "limits"):
                now, then = ((each.get("resources") or {}).get(side) or {} for each in (container, before))
                if then.keys() - now.keys():
                    at = _SPEC.child(field).index(index).child("resources", side)
                    yield forbidden(at, f"resource {side} cannot be removed")


def _other_changes(new: Object, old: Object) -> Errors:
    for container, before in _pairs(new, old, "containers"):
        if not same(_with_amounts_of(before, container), before):
            yield forbidden(_SPEC, "only cpu and memory resources are mutable")
    for container, before in _pairs(new, old, "initContainers"):
        if not is_sidecar(container):
            if not same(container, before):
                yield forbidden(_SPEC, "resources for non-sidecar init containers are immutable")
        elif not same(_with_amounts_of(before, container), before):
            yield forbidden(_SPEC, "only cpu and memory resources for sidecar containers are mutable")


def _pairs(new: Object, old: Object, field: str) -> Iterator[tuple[Object, Object]]:
    return zip(new["spec"].get(field) or (), old["spec"].get(field) or (), strict=True)


def _with_amounts_of(before: Object, container: Object) -> Object:
    """The container, but for cpu and memory. As upstream has it, claims of devices are left out, too."""
    now, then = container.get("resources") or {}, before.get("resources") or {}
    kept = {
        side: _with_amounts(now.get(side) or {}, then[side])
        for side in ("limits", "requests")
        if then.get(side)
    }
    return {**container, "resources": kept}


def _with_amounts(now: Object, then: Object) -> Object:
    others = {name: amount for name, amount in now.items() if name not in _AMOUNTS}
    return {**others, **{name: then[name] for name in _AMOUNTS if name in then}}
