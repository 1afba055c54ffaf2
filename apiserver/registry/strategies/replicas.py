"""ReplicaSets and ReplicationControllers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from apimachinery.field import ErrorList, Errors, forbidden, invalid, not_supported, required
from apimachinery.labels import selector_from_map
from apimachinery.objects import Object, get_path
from apiserver.registry.strategies.checks import non_negative_fields
from apiserver.registry.strategies.podspec.defaults import default_template, fill_absent
from apiserver.registry.strategies.podspec.spec import validate_template
from apiserver.registry.strategies.tables import (
    WIDE_TEMPLATE,
    age,
    columns,
    container_cells,
    integers,
    labels_text,
    template_cells,
)
from apiserver.registry.strategies.warnings.pods import workload_warnings
from apiserver.registry.strategies.workloads import (
    MISMATCH,
    SPEC,
    keeps_selector,
    validate_counts,
    validate_selected_template,
    validate_selector,
)
from apiserver.registry.strategy import Column, Strategy

_COUNTS = ("fullyLabeledReplicas", "readyReplicas", "availableReplicas")


class ReplicaSetStrategy(Strategy):
    columns: Sequence[Column] = columns(*integers("Desired", "Current", "Ready"), wide=WIDE_TEMPLATE)

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        fill_absent(spec, {"replicas": 1})
        self._default_template(spec)

    def _default_template(self, spec: Object) -> None:
        default_template(spec.setdefault("template", {}))

    def prepare_for_create(self, obj: Object) -> None:
        obj["status"] = {"replicas": 0}

    def validate(self, obj: Object) -> ErrorList:
        return list(_validate_replica_set(obj["spec"]))

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return [*self.validate(new), *keeps_selector(new, old)]

    def validate_status_update(self, new: Object, old: Object) -> ErrorList:
        return list(validate_counts(new.get("status") or {}, *_COUNTS))

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        return [*workload_warnings(obj, old)]

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        return [*_counts(obj, now), *template_cells(obj["spec"])]


class ReplicationControllerStrategy(ReplicaSetStrategy):
    default_delete_propagation = "Orphan"

    def default(self, obj: Object) -> None:
        super().default(obj)
        labels = get_path(obj, "spec.template.metadata.labels")
        if labels:
            if not obj["spec"].get("selector"):
                obj["spec"]["selector"] = dict(labels)
            if not get_path(obj, "metadata.labels"):
                obj["metadata"]["labels"] = dict(labels)

    def _default_template(self, spec: Object) -> None:
        if spec.get("template") is not None:  # a pointer here, and nowhere else
            default_template(spec["template"])

    def validate(self, obj: Object) -> ErrorList:
        return list(_validate_controller(obj["spec"]))

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return self.validate(new)

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        return {"status.replicas": str(get_path(obj, "status.replicas", 0))}

    def scale_selector(self, obj: Object) -> str:
        return str(selector_from_map(obj["spec"].get("selector")))

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        spec = obj["spec"]
        return [
            *_counts(obj, now),
            *container_cells(spec.get("template")),
            labels_text(spec.get("selector")),
        ]


def _counts(obj: Object, now: datetime) -> list[Any]:
    status = obj.get("status") or {}
    return [
        obj["metadata"]["name"],
        obj["spec"].get("replicas") or 0,
        status.get("replicas") or 0,
        status.get("readyReplicas") or 0,
        age(obj, now),
    ]


def _validate_replica_set(spec: Object) -> Errors:
    yield from non_negative_fields(spec, SPEC, "replicas", "minReadySeconds")
    # Upstream speaks of deployments here too.
    yield from validate_selector(spec, "deployment")
    yield from validate_selected_template(spec, "ReplicaSet")


def _validate_controller(spec: Object) -> Errors:
    yield from non_negative_fields(spec, SPEC, "minReadySeconds")
    selector, at = spec.get("selector") or {}, SPEC.child("template")
    if not selector:
        yield required(SPEC.child("selector"))
    yield from non_negative_fields(spec, SPEC, "replicas")
    template = spec.get("template")
    if template is None:
        yield required(at)
        return
    labels = get_path(template, "metadata.labels")
    if any((labels or {}).get(key) != value for key, value in selector.items()):
        yield invalid(at.child("metadata", "labels"), labels, MISMATCH)
    yield from validate_template(template, at)
    inner = template.get("spec") or {}
    if inner.get("restartPolicy") != "Always":
        where = at.child("spec", "restartPolicy")
        yield not_supported(where, inner.get("restartPolicy") or "", ["Always"])
    if inner.get("activeDeadlineSeconds") is not None:
        detail = "activeDeadlineSeconds in ReplicationController is not Supported"
        yield forbidden(at.child("spec", "activeDeadlineSeconds"), detail)
