"""What Deployments, ReplicaSets, DaemonSets and StatefulSets have in common: replicas, selector, template."""

from __future__ import annotations

import re
from typing import Any

from apimachinery import names
from apimachinery.field import Errors, Path, forbidden, invalid, not_supported, required
from apimachinery.labels import selector_from_label_selector
from apimachinery.metadata import validate_label_selector
from apimachinery.objects import Object, get_path
from apiserver.registry.strategies.checks import immutable, matches, non_negative, non_negative_fields
from apiserver.registry.strategies.podspec.spec import validate_template

SPEC, STATUS = Path("spec"), Path("status")
MISMATCH = "`selector` does not match template `labels`"
TOO_MANY = "cannot be greater than status.replicas"


def validate_selector(spec: Object, what: str) -> Errors:
    """The selector itself: there, legal, and not of everything."""
    selector, at = spec.get("selector"), SPEC.child("selector")
    if selector is None:
        yield required(at)
        return
    yield from validate_label_selector(selector, at)
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield invalid(at, selector, f"empty selector is invalid for {what}")


def keeps_selector(new: Object, old: Object) -> Errors:
    """Of an update: pods that were selected stay so."""
    now, before = (obj["spec"].get("selector") for obj in (new, old))
    return immutable(now, before, SPEC.child("selector"))


def is_usable(selector: Object | None) -> bool:
    """Whether a selector can be evaluated at all; no selector selects nothing, which is something else."""
    return selector is None or not validate_label_selector(selector, SPEC)


def matches_template(spec: Object) -> Errors:
    """The selector must select what the template makes."""
    selector, template = spec.get("selector"), spec.get("template") or {}
    if selector is not None and not selector.get("matchLabels") and not selector.get("matchExpressions"):
        return
    labels = get_path(template, "metadata.labels")
    if not selector_from_label_selector(selector).matches(labels or {}):
        yield invalid(SPEC.child("template", "metadata", "labels"), labels, MISMATCH)


def validate_selected_template(spec: Object, kind: str) -> Errors:
    """Template and selector; with a selector that can't be read, nothing is said of the template."""
    if not is_usable(spec.get("selector")):
        yield invalid(SPEC.child("selector"), spec.get("selector"), "invalid label selector")
        return
    yield from matches_template(spec)
    yield from validate_running_template(spec.get("template") or {}, kind)


def validate_running_template(template: Object, kind: str) -> Errors:
    """A template of pods that are to run for ever."""
    at = SPEC.child("template")
    yield from validate_template(template, at)
    yield from runs_for_ever(template, kind)


def runs_for_ever(template: Object, kind: str) -> Errors:
    at, spec = SPEC.child("template", "spec"), template.get("spec") or {}
    if spec.get("restartPolicy") != "Always":
        yield not_supported(at.child("restartPolicy"), spec.get("restartPolicy") or "", ["Always"])
    if spec.get("activeDeadlineSeconds") is not None:
        detail = f"activeDeadlineSeconds in {kind} is not Supported"
        yield forbidden(at.child("activeDeadlineSeconds"), detail)


def int_or_percent(value: Any, path: Path) -> Errors:
    """A count, or a share of the replicas."""
    if isinstance(value, str):
        yield from matches(value, path, names.is_valid_percent)
    else:
        yield from non_negative(value, path)


def at_most_all(value: Any, path: Path) -> Errors:
    if isinstance(value, str) and re.fullmatch(r"\d+%", value) and int(value[:-1]) > 100:
        yield invalid(path, value, "must not be greater than 100%")


def is_zero(value: Any) -> bool:
    return value is None or value in (0, "0%")


def validate_counts(status: Object, *fields: str) -> Errors:
    """Counts in a status that are no more than its replicas."""
    yield from non_negative_fields(status, STATUS, "observedGeneration", "replicas", *fields)
    total = status.get("replicas") or 0
    for field in fields:
        count = status.get(field) or 0
        if count > total:
            yield invalid(STATUS.child(field), count, TOO_MANY)
    available = status.get("availableReplicas") or 0
    if available > (status.get("readyReplicas") or 0):
        detail = "cannot be greater than readyReplicas"
        yield invalid(STATUS.child("availableReplicas"), available, detail)


def collisions_only_grow(status: Object, before: Object) -> Errors:
    """collisionCount makes names unique; going back would make them collide again."""
    count, old = status.get("collisionCount"), before.get("collisionCount")
    yield from non_negative(count, STATUS.child("collisionCount"))
    if old is not None and (count is None or count < old):
        yield invalid(STATUS.child("collisionCount"), count, "cannot be decremented")
