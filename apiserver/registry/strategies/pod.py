"""Pods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from apimachinery.field import ErrorList, Errors, Path, forbidden, not_supported, required
from apimachinery.objects import Object, annotations_of, get_path, name_of
from apimachinery.pods import qos_class
from apiserver.registry.strategies.pod_status import keep_observed_generations, share_pod_ip, validate_status
from apiserver.registry.strategies.pod_table import COLUMNS, completion_condition, pod_cells
from apiserver.registry.strategies.podspec.annotations import (
    validate_annotation_changes,
    validate_pod_annotations,
    validate_profile_annotations,
)
from apiserver.registry.strategies.podspec.app_armor import app_armor_warnings, fill_in_app_armor
from apiserver.registry.strategies.podspec.containers import validate_image_text
from apiserver.registry.strategies.podspec.defaults import (
    default_only_pods,
    default_pod_spec,
    mirror_service_account,
)
from apiserver.registry.strategies.podspec.label_keys import merge_label_keys
from apiserver.registry.strategies.podspec.resize import (
    RESIZABLE,
    RESIZED,
    resized_spec,
    validate_resize,
    why_not_resized,
)
from apiserver.registry.strategies.podspec.spec import containers_with_paths, validate_pod_spec
from apiserver.registry.strategies.podspec.update import validate_ephemeral_update, validate_spec_update
from apiserver.registry.strategies.warnings.addresses import ip_warnings
from apiserver.registry.strategies.warnings.pods import pod_warnings
from apiserver.registry.strategy import Column, Strategy

_SPEC = Path("spec")
_ANNOTATIONS = Path("metadata", "annotations")
_GATED = "Scheduling is blocked due to non-empty scheduling gates"


class PodStrategy(Strategy):
    status_resets = ("spec", "metadata.deletionTimestamp", "metadata.ownerReferences")
    columns: Sequence[Column] = COLUMNS

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        default_pod_spec(spec)
        default_only_pods(spec)
        share_pod_ip(obj.get("status") or {})

    def prepare_for_create(self, obj: Object) -> None:
        obj["status"] = {"phase": "Pending", "qosClass": qos_class(obj)}
        mirror_service_account(obj["spec"])
        merge_label_keys(obj)
        fill_in_app_armor(obj)
        if obj["spec"].get("schedulingGates"):
            since = {"lastProbeTime": None, "lastTransitionTime": obj["metadata"]["creationTimestamp"]}
            condition = {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}
            obj["status"]["conditions"] = [{**since, **condition, "message": _GATED}]

    def prepare_for_update(self, new: Object, old: Object) -> None:
        new["status"] = old.get("status") or {}

    def prepare_for_status_update(self, new: Object, old: Object) -> None:
        """Quality of service is for life; who knows of no generation takes none away."""
        status = new.setdefault("status", {})
        if not status.get("qosClass"):
            status["qosClass"] = get_path(old, "status.qosClass") or qos_class(new)
        keep_observed_generations(status, old.get("status") or {})

    def validate(self, obj: Object) -> ErrorList:
        spec, annotations = obj["spec"], annotations_of(obj)
        errors = list(_validate_pod(obj))
        if spec.get("ephemeralContainers"):
            errors.append(forbidden(_SPEC.child("ephemeralContainers"), "cannot be set on create"))
        if spec.get("nodeName") and spec.get("schedulingGates"):
            detail = "cannot be set until all schedulingGates have been cleared"
            errors.append(forbidden(_SPEC.child("nodeName"), detail))
        containers = list(containers_with_paths(spec, _SPEC))
        errors += validate_profile_annotations(annotations, spec, containers, _SPEC)
        return errors

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        """A spec that stays as it is was good enough before; most writes are about something else."""
        annotations, spec = annotations_of(new), new["spec"]
        changes = spec != old["spec"]
        return [
            *validate_pod_annotations(annotations, spec, _ANNOTATIONS),
            *(_validate_spec(new) if changes else ()),
            *validate_annotation_changes(annotations, annotations_of(old), _ANNOTATIONS),
            *(validate_spec_update(spec, old["spec"]) if changes else ()),
        ]

    def validate_status_update(self, new: Object, old: Object) -> ErrorList:
        return [
            *validate_annotation_changes(annotations_of(new), annotations_of(old), _ANNOTATIONS),
            *validate_status(new, old),
        ]

    def warnings_as_sent(self, obj: Object) -> list[str]:
        return app_armor_warnings(obj)

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        return pod_warnings(obj) if old is None else []

    def status_warnings(self, obj: Object, old: Object) -> list[str]:
        return [
            text
            for field in ("podIPs", "hostIPs")
            for index, each in enumerate(get_path(obj, f"status.{field}") or ())
            for text in ip_warnings(f"status.{field}[{index}].ip", each.get("ip") or "")
        ]

    def grace_period(self, obj: Object, requested: int | None) -> int | None:
        """A pod that no kubelet runs goes at once; any other at least a second after being told."""
        period = get_path(obj, "spec.terminationGracePeriodSeconds", 30) if requested is None else requested
        if not get_path(obj, "spec.nodeName") or get_path(obj, "status.phase") in ("Failed", "Succeeded"):
            return 0
        return 1 if period < 0 else int(period)

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        spec, status = obj.get("spec") or {}, obj.get("status") or {}
        return {
            "spec.nodeName": spec.get("nodeName") or "",
            "spec.restartPolicy": spec.get("restartPolicy") or "",
            "spec.schedulerName": spec.get("schedulerName") or "",
            "spec.serviceAccountName": spec.get("serviceAccountName") or "",
            "spec.hostNetwork": "true" if spec.get("hostNetwork") else "false",
            "status.phase": status.get("phase") or "",
            "status.podIP": status.get("podIP") or "",
            "status.podIPs": "",  # may be named, as upstream, but is always empty
            "status.nominatedNodeName": status.get("nominatedNodeName") or "",
        }

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        return pod_cells(obj, now)

    def row_conditions(self, obj: Object) -> list[Object]:
        return completion_condition(obj)

    def for_subresource(self, subresource: str) -> Strategy:
        return _SUBRESOURCES.get(subresource, self)

    def writable_fields(self, subresource: str) -> tuple[str, ...]:
        return _WRITABLE.get(subresource, ())


class EphemeralContainersStrategy(PodStrategy):
    """PUT and PATCH of pods/ephemeralcontainers: everything else stays as it is."""

    def prepare_for_update(self, new: Object, old: Object) -> None:
        containers = (new.get("spec") or {}).get("ephemeralContainers") or []
        _keep_all(new, old)
        new["spec"] = {**old["spec"], "ephemeralContainers": containers}
        if not containers:
            del new["spec"]["ephemeralContainers"]

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return [*_validate_pod(new), *validate_ephemeral_update(new, old)]


class ResizeStrategy(PodStrategy):
    """PUT and PATCH of pods/resize: resources and resize policies of containers that are there already."""

    def prepare_for_update(self, new: Object, old: Object) -> None:
        wanted = new.get("spec") or {}
        _keep_all(new, old)
        new["spec"] = resized_spec(wanted, old["spec"])

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        refused = why_not_resized(new, old)
        if refused:
            return [forbidden(Path(""), refused)]
        return [*_validate_pod(new), *validate_resize(new, old)]


def _keep_all(new: Object, old: Object) -> None:
    """All but what optimistic concurrency needs comes from the old pod."""
    version = get_path(new, "metadata.resourceVersion")
    managed = get_path(new, "metadata.managedFields")
    new.update({key: value for key, value in old.items() if key != "metadata"})
    new["metadata"] = dict(old["metadata"])
    for field, value in (("resourceVersion", version), ("managedFields", managed)):
        if value:
            new["metadata"][field] = value


_WRITABLE = {
    "ephemeralcontainers": ("spec.ephemeralContainers",),
    "resize": tuple(f"spec.{containers}.*.{field}" for containers in RESIZED for field in RESIZABLE),
}
_SUBRESOURCES = {"ephemeralcontainers": EphemeralContainersStrategy(), "resize": ResizeStrategy()}


def _validate_pod(pod: Object) -> Errors:
    """What holds whenever a pod is written."""
    yield from validate_pod_annotations(annotations_of(pod), pod["spec"], _ANNOTATIONS)
    yield from _validate_spec(pod)


def _validate_spec(pod: Object) -> Errors:
    """What holds of every pod; a little more than of a template."""
    spec = pod["spec"]
    yield from validate_pod_spec(spec, _SPEC, pod_name=name_of(pod), is_pod=True)
    if not spec.get("serviceAccountName"):
        yield from _tokens_without_account(spec)
    for field in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(field) or ()):
            yield from validate_image_text(container, _SPEC.child(field).index(index))


def _tokens_without_account(spec: Object) -> Errors:
    for index, volume in enumerate(spec.get("volumes") or ()):
        at = _SPEC.child("volumes").index(index).child("projected", "sources")
        for place, source in enumerate((volume.get("projected") or {}).get("sources") or ()):
            if source.get("serviceAccountToken") is not None:
                detail = "must not be specified when serviceAccountName is not set"
                yield forbidden(at.index(place).child("serviceAccountToken"), detail)


def validate_binding(binding: Object) -> ErrorList:
    """POST of bindings and pods/binding."""
    target, at = binding.get("target") or {}, Path("target")
    errors: ErrorList = []
    if target.get("kind") not in (None, "", "Node"):
        errors.append(not_supported(at.child("kind"), target["kind"], ("Node", "<empty>")))
    if not target.get("name"):
        errors.append(required(at.child("name")))
    return errors
