"""StatefulSets, and the ControllerRevisions in which they and DaemonSets keep their history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from apimachinery import names
from apimachinery.field import ErrorList, Errors, Path, forbidden, invalid, required
from apimachinery.metadata import validate_annotations, validate_labels
from apimachinery.objects import Object, controller_of, get_path, name_of
from apiserver.registry.strategies.checks import (
    dns_label,
    immutable,
    non_negative,
    non_negative_fields,
    one_of,
    same,
)
from apiserver.registry.strategies.podspec.annotations import validate_pod_annotations
from apiserver.registry.strategies.podspec.claims import default_claim_spec, validate_claim_spec
from apiserver.registry.strategies.podspec.defaults import (
    canonical_amounts,
    default_template,
    fill,
    fill_absent,
)
from apiserver.registry.strategies.podspec.spec import validate_template
from apiserver.registry.strategies.tables import NONE, WIDE_CONTAINERS, age, columns, container_cells
from apiserver.registry.strategies.warnings.claims import claim_spec_warnings
from apiserver.registry.strategies.warnings.pods import is_new_generation, template_warnings
from apiserver.registry.strategies.workloads import (
    SPEC,
    at_most_all,
    collisions_only_grow,
    int_or_percent,
    is_usable,
    is_zero,
    matches_template,
    runs_for_ever,
    validate_counts,
    validate_selector,
)
from apiserver.registry.strategy import Column, Strategy

_MUTABLE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
_FIXED = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)


class StatefulSetStrategy(Strategy):
    name_check = staticmethod(names.is_dns1123_label)
    columns: Sequence[Column] = columns("Ready", wide=WIDE_CONTAINERS)

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        fill(spec, {"podManagementPolicy": "OrderedReady"})
        fill_absent(spec, {"replicas": 1, "revisionHistoryLimit": 10, "updateStrategy": {}})
        fill_absent(spec, {"persistentVolumeClaimRetentionPolicy": {}})
        policy = spec["persistentVolumeClaimRetentionPolicy"]
        fill(policy, {"whenDeleted": "Retain", "whenScaled": "Retain"})
        fill(spec["updateStrategy"], {"type": "RollingUpdate"})
        if spec["updateStrategy"]["type"] == "RollingUpdate":
            fill_absent(spec["updateStrategy"], {"rollingUpdate": {}})
            fill_absent(spec["updateStrategy"]["rollingUpdate"], {"partition": 0})
        default_template(spec.setdefault("template", {}))
        for claim in spec.get("volumeClaimTemplates") or ():
            _default_claim(claim)

    def prepare_for_create(self, obj: Object) -> None:
        obj["status"] = {"replicas": 0, "availableReplicas": 0}

    def validate(self, obj: Object) -> ErrorList:
        return list(_validate_spec(obj["spec"], before=None))

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        errors = list(_validate_spec(new["spec"], before=old["spec"]))
        kept = {**new["spec"], **{field: old["spec"].get(field) for field in _MUTABLE}}
        if not same(kept, old["spec"]):
            errors.append(forbidden(SPEC, _FIXED))
        return errors

    def validate_status_update(self, new: Object, old: Object) -> ErrorList:
        status, before = new.get("status") or {}, old.get("status") or {}
        counts = ("readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas")
        return [*validate_counts(status, *counts), *collisions_only_grow(status, before)]

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        return [*_warnings(obj, old)]

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        ready = get_path(obj, "status.readyReplicas", 0)
        return [
            obj["metadata"]["name"],
            f"{ready}/{obj['spec'].get('replicas') or 0}",
            age(obj, now),
            *container_cells(obj["spec"].get("template")),
        ]


def _warnings(obj: Object, old: Object | None) -> Iterator[str]:
    spec = obj["spec"]
    if is_new_generation(obj, old):
        yield from template_warnings("spec.template", spec.get("template"))
    for index, claim in enumerate(spec.get("volumeClaimTemplates") or ()):
        # Of a change upstream tells the path so.
        at = f"spec.volumeClaimTemplates[{index}]" + ("" if old is None else ".Spec")
        yield from claim_spec_warnings(at, claim.get("spec") or {})
    if (spec.get("revisionHistoryLimit") or 0) < 0:
        text = "a negative value retains all historical revisions; a value >= 0 is recommended"
        yield f"spec.revisionHistoryLimit: {text}"


def _default_claim(claim: Object) -> None:
    fill(claim, {"apiVersion": "v1", "kind": "PersistentVolumeClaim"})
    claim.setdefault("metadata", {})
    default_claim_spec(claim.setdefault("spec", {}))
    canonical_amounts(claim["spec"].get("resources"), "limits", "requests")
    fill_absent(claim, {"status": {}})
    fill(claim["status"], {"phase": "Pending"})


def _validate_spec(spec: Object, *, before: Object | None) -> Errors:
    """`before` is the spec that is changed: what cannot be changed about it is not judged again."""
    yield from _validate_policies(spec)
    if before is None:
        yield from _validate_claims(spec)
    yield from non_negative_fields(spec, SPEC, "replicas", "minReadySeconds")
    yield from non_negative(get_path(spec, "ordinals.start"), SPEC.child("ordinals.start"))
    if before is None and spec.get("serviceName"):
        yield from dns_label(spec["serviceName"], SPEC.child("serviceName"))
    yield from validate_selector(spec, "statefulset")
    if is_usable(spec.get("selector")):
        yield from matches_template(spec)
        yield from _validate_template(spec, whole=before is None or _was_right(before))
    else:
        yield invalid(SPEC.child("selector"), spec.get("selector"), "")
    yield from runs_for_ever(spec.get("template") or {}, "StatefulSet")


def _was_right(spec: Object) -> bool:
    """Older servers did not look into templates: what one of them let through may be changed, and stay so."""
    return not any(_validate_spec({**spec, "serviceName": ""}, before=None))


def _validate_policies(spec: Object) -> Errors:
    policy, at = spec.get("podManagementPolicy"), SPEC.child("podManagementPolicy")
    if not policy:
        yield required(at)
    elif policy not in ("OrderedReady", "Parallel"):
        yield invalid(at, policy, "must be 'OrderedReady' or 'Parallel'")
    strategy, at = spec.get("updateStrategy") or {}, SPEC.child("updateStrategy")
    rolling = strategy.get("rollingUpdate")
    if not strategy.get("type"):
        yield required(at)
    elif strategy["type"] == "OnDelete":
        if rolling is not None:
            detail = "only allowed for updateStrategy 'RollingUpdate'"
            yield invalid(at.child("rollingUpdate"), rolling, detail)
    elif strategy["type"] == "RollingUpdate":
        yield from _validate_rolling_update(rolling or {}, at.child("rollingUpdate"))
    else:
        yield invalid(at, strategy, "must be 'RollingUpdate' or 'OnDelete'")
    retention = spec.get("persistentVolumeClaimRetentionPolicy")
    for field in ("whenDeleted", "whenScaled"):
        where = SPEC.child("persistentVolumeClaimRetentionPolicy", field)
        yield from one_of((retention or {}).get(field), where, ("Retain", "Delete"))


def _validate_rolling_update(rolling: Object, at: Path) -> Errors:
    yield from non_negative(rolling.get("partition"), at.child("partition"))
    unavailable, where = rolling.get("maxUnavailable"), at.child("maxUnavailable")
    yield from int_or_percent(unavailable, where)
    yield from at_most_all(unavailable, where)
    if unavailable is not None and is_zero(unavailable):
        yield invalid(where, unavailable, "cannot be 0")


def _validate_claims(spec: Object) -> Errors:
    for index, claim in enumerate(spec.get("volumeClaimTemplates") or ()):
        at = SPEC.child("volumeClaimTemplates").index(index).child("spec")
        yield from validate_claim_spec(claim.get("spec") or {}, at)


def _validate_template(spec: Object, *, whole: bool) -> Errors:
    """What is wrong with the metadata of a template is told twice, as upstream does."""
    template, at = spec.get("template") or {}, SPEC.child("template")
    metadata, pods = template.get("metadata") or {}, _pod_spec(spec)
    annotations = metadata.get("annotations") or {}
    if whole:
        yield from validate_template({**template, "spec": pods}, at)
    yield from validate_labels(metadata.get("labels") or {}, at.child("labels"))
    yield from validate_annotations(annotations, at.child("annotations"))
    yield from validate_pod_annotations(annotations, pods, at.child("annotations"))


def _pod_spec(spec: Object) -> Object:
    """A pod's as the controller makes it: it gives it its names, and a volume for each claim template."""
    pods = {**get_path(spec, "template.spec", {}), "hostname": "", "subdomain": ""}
    names_of_claims = map(name_of, spec.get("volumeClaimTemplates") or ())
    claims = {name: _claim_volume(name) for name in names_of_claims}
    own = [each for each in pods.get("volumes") or () if each.get("name") not in claims]
    return {**pods, "volumes": [*claims.values(), *own]}


def _claim_volume(name: str) -> Object:
    return {"name": name, "persistentVolumeClaim": {"claimName": name}}


class ControllerRevisionStrategy(Strategy):
    has_status = False
    tracks_generation = False
    columns: Sequence[Column] = columns("Controller", "Revision")

    def validate(self, obj: Object) -> ErrorList:
        errors = list(non_negative(obj.get("revision"), Path("revision")))
        if obj.get("data") is None:
            errors.append(required(Path("data"), "data is mandatory"))
        return errors

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return [*self.validate(new), *immutable(new.get("data"), old.get("data"), Path("data"))]

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        owner = controller_of(obj)
        shown = _owner_text(owner) if owner else NONE
        return [obj["metadata"]["name"], shown, obj.get("revision") or 0, age(obj, now)]


def _owner_text(owner: Object) -> str:
    group, slash, _ = (owner.get("apiVersion") or "").rpartition("/")
    kind = (owner.get("kind") or "").lower()
    return f"{kind}.{group}/{owner.get('name')}" if slash else f"{kind}/{owner.get('name')}"
