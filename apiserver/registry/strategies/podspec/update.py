"""What may change in a pod that exists; its resources and debug containers have doors of their own."""

from __future__ import annotations

from collections.abc import Sequence

from apimachinery.field import Errors, Path, forbidden, invalid, required
from apimachinery.names import range_message
from apimachinery.objects import Object, annotations_of, deep_copy
from apimachinery.schema import checker_for
from apimachinery.well_known import MIRROR_POD
from apiserver.registry.strategies.checks import MAX_INT32, exactly, same
from apiserver.registry.strategies.podspec.containers import validate_image_text
from apiserver.registry.strategies.podspec.scheduling import validate_tolerations

_SPEC = Path("spec")
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_UPDATABLE = ",".join(
    (
        "`spec.containers[*].image`",
        "`spec.initContainers[*].image`",
        "`spec.activeDeadlineSeconds`",
        "`spec.tolerations` (only additions to existing tolerations)",
        "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
    )
)


def validate_spec_update(new: Object, old: Object) -> Errors:
    """The difference between two specs of one pod."""
    for field in ("containers", "initContainers"):
        now, before, at = new.get(field) or [], old.get(field) or [], _SPEC.child(field)
        if len(now) != len(before):
            yield forbidden(at, "pod updates may not add or remove containers")
            return
        for index, container in enumerate(now):
            if not container.get("image"):
                yield required(at.index(index).child("image"))
            yield from validate_image_text(container, at.index(index))
    wrong = list(_deadline(new, old))
    yield from wrong
    if wrong and new.get("activeDeadlineSeconds") is not None:
        return
    yield from _tolerations(new.get("tolerations") or [], old.get("tolerations") or [])
    yield from _gates(new.get("schedulingGates") or [], old.get("schedulingGates") or [])
    yield from _anything_else(new, old)


def _deadline(new: Object, old: Object) -> Errors:
    now, before = new.get("activeDeadlineSeconds"), old.get("activeDeadlineSeconds")
    at = _SPEC.child("activeDeadlineSeconds")
    if now is None:
        if before is not None:
            yield invalid(at, None, "must not update from a positive integer to nil value")
    elif not 0 <= now <= MAX_INT32:
        yield invalid(at, now, range_message(0, MAX_INT32))
    elif before is not None and before < now:
        yield invalid(at, now, "must be less than or equal to previous value")


def _tolerations(new: Sequence[Object], old: Sequence[Object]) -> Errors:
    at = _SPEC.child("tolerations")
    for before in old:
        if not any(same({**before, "tolerationSeconds": t.get("tolerationSeconds")}, t) for t in new):
            yield forbidden(at, "existing toleration can not be modified except its tolerationSeconds")
            return
    yield from validate_tolerations(new, at)


def _gates(new: Sequence[Object], old: Sequence[Object]) -> Errors:
    known = {gate.get("name") for gate in old}
    for index, gate in enumerate(new):
        if gate.get("name") not in known:
            detail = f"only deletion is allowed, but found new scheduling gate '{gate.get('name') or ''}'"
            yield forbidden(_SPEC.child("schedulingGates").index(index).child("name"), detail)


def _anything_else(new: Object, old: Object) -> Errors:
    """Undoes in a copy what may change; what still differs then may not."""
    if new == old:
        return
    kept: Object = deep_copy(new)
    for field in ("containers", "initContainers"):
        for container, before in zip(kept.get(field) or (), old.get(field) or (), strict=True):
            container["image"] = before.get("image")
    for field in ("activeDeadlineSeconds", "schedulingGates", "tolerations"):
        kept[field] = old.get(field)
    grace = old.get("terminationGracePeriodSeconds")
    if grace is not None and grace < 0 and kept.get("terminationGracePeriodSeconds") == 1:
        kept["terminationGracePeriodSeconds"] = grace
    if old.get("schedulingGates"):
        yield from _while_gated(kept, old)
    if not exactly(_as_written(kept), _as_written(old)):
        yield forbidden(_SPEC, f"pod updates may not change fields other than {_UPDATABLE}\n")


def _as_written(spec: Object) -> Object:
    """A copy without the zeros that older servers stored: those that are left say something."""
    checker = checker_for("v1", "Pod")
    assert checker is not None
    pod = {"metadata": {}, "spec": deep_copy(spec)}
    checker.check(pod)
    written: Object = pod["spec"]
    return written


def _while_gated(kept: Object, old: Object) -> Errors:
    """A gated pod's choice of nodes may still become narrower."""
    now, before = kept.get("nodeSelector") or {}, old.get("nodeSelector") or {}
    if any(now.get(key) != value for key, value in before.items()):
        detail = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
        yield invalid(_SPEC.child("nodeSelector"), now, detail)
    kept["nodeSelector"] = old.get("nodeSelector")
    affinity, affinity_before = kept.get("affinity") or {}, old.get("affinity") or {}
    if not same(affinity.get("nodeAffinity"), affinity_before.get("nodeAffinity")):
        yield from _node_affinity(affinity.get("nodeAffinity"), affinity_before.get("nodeAffinity"))
        kept["affinity"] = {**affinity, "nodeAffinity": affinity_before.get("nodeAffinity")}


def _node_affinity(new: Object | None, old: Object | None) -> Errors:
    before = ((old or {}).get(_REQUIRED) or {}).get("nodeSelectorTerms") or []
    now = ((new or {}).get(_REQUIRED) or {}).get("nodeSelectorTerms") or []
    at = _SPEC.child("affinity", "nodeAffinity", _REQUIRED, "nodeSelectorTerms")
    if before and len(now) != len(before):
        yield invalid(
            at, now or None, "no additions/deletions to non-empty NodeSelectorTerms list are allowed"
        )
        return
    for index, (term, term_before) in enumerate(zip(now, before, strict=False)):
        if not _only_additions(term, term_before):
            yield invalid(at.index(index), term, "only additions are allowed (no mutations or deletions)")


def _only_additions(new: Object, old: Object) -> bool:
    fields = ("matchExpressions", "matchFields")
    if not any(old.get(field) for field in fields):
        return not any(new.get(field) for field in fields)
    return all(
        same((new.get(field) or [])[: len(old.get(field) or [])], old.get(field) or []) for field in fields
    )


def validate_ephemeral_update(new: Object, old: Object) -> Errors:
    """Debug containers are only ever added."""
    at = _SPEC.child("ephemeralContainers")
    if MIRROR_POD in annotations_of(old):
        yield forbidden(Path(""), "static pods do not support ephemeral containers")
        return
    now = {c.get("name"): c for c in (new.get("spec") or {}).get("ephemeralContainers") or ()}
    for before in (old.get("spec") or {}).get("ephemeralContainers") or ():
        name = before.get("name")
        if name not in now:
            yield forbidden(at, f'existing ephemeral containers "{name}" may not be removed\n')
        elif not same(now[name], before):
            yield forbidden(at, f'existing ephemeral containers "{name}" may not be changed\n')
