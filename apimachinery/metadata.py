"""Validation of metadata, labels and label selectors: the same for every kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from apimachinery import names
from apimachinery.field import ErrorList, Path, forbidden, invalid, required, too_long
from apimachinery.objects import Object

NameCheck = Callable[[str], list[str]]

IMMUTABLE = "field is immutable"
ORPHAN_FINALIZER = "orphan"
FOREGROUND_FINALIZER = "foregroundDeletion"
MAX_ANNOTATIONS_SIZE = 256 * 1024
_METADATA = Path("metadata")
_FIXED_ON_UPDATE = (
    "name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
)  # fmt: skip


def validate_metadata(
    metadata: Object, *, namespaced: bool, name_check: NameCheck, path: Path = _METADATA
) -> ErrorList:
    """The metadata of a new object whose name has been generated already."""
    errors = _validate_names(metadata, name_check, path)
    errors += _validate_namespace(metadata.get("namespace") or "", namespaced, path.child("namespace"))
    generation = metadata.get("generation") or 0
    if generation < 0:
        errors.append(invalid(path.child("generation"), generation, "must be greater than or equal to 0"))
    return errors + _validate_common(metadata, path)


def _validate_names(metadata: Object, name_check: NameCheck, path: Path) -> ErrorList:
    name, prefix = metadata.get("name") or "", metadata.get("generateName") or ""
    errors = [invalid(path.child("generateName"), prefix, text) for text in check_prefix(prefix, name_check)]
    if not name:
        return [*errors, required(path.child("name"), "name or generateName is required")]
    return errors + [invalid(path.child("name"), name, text) for text in name_check(name)]


def check_prefix(prefix: str, name_check: NameCheck) -> list[str]:
    """What is wrong with a generateName; a dash at its end is fine, for more will follow."""
    if not prefix:
        return []
    return name_check(f"{prefix[:-2]}a" if len(prefix) > 1 and prefix.endswith("-") else prefix)


def _validate_namespace(namespace: str, namespaced: bool, path: Path) -> ErrorList:
    if not namespaced:
        return [forbidden(path, "not allowed on this type")] if namespace else []
    if not namespace:
        return [required(path)]
    return [invalid(path, namespace, message) for message in names.is_dns1123_label(namespace)]


def _validate_common(metadata: Object, path: Path) -> ErrorList:
    """What both a new object and an update are checked for."""
    errors: ErrorList = []
    for name, validate in _COMMON:
        if value := metadata.get(name):
            errors += validate(value, path.child(name))
    return errors


def validate_labels(labels: Mapping[str, str] | None, path: Path) -> ErrorList:
    errors: ErrorList = []
    for key, value in (labels or {}).items():
        errors += [invalid(path, key, message) for message in names.is_qualified_name(key)]
        errors += [invalid(path, value, message) for message in names.is_label_value(value)]
    return errors


def validate_annotations(annotations: Mapping[str, str] | None, path: Path) -> ErrorList:
    errors: ErrorList = []
    for key in annotations or {}:
        errors += [invalid(path, key, message) for message in names.is_qualified_name(key.lower())]
    size = sum(len(key.encode()) + len(value.encode()) for key, value in (annotations or {}).items())
    if size > MAX_ANNOTATIONS_SIZE:
        errors.append(too_long(path, "", MAX_ANNOTATIONS_SIZE))
    return errors


def _validate_owners(owners: Sequence[Object], path: Path) -> ErrorList:
    errors: ErrorList = []
    for owner in owners:
        if not (owner.get("apiVersion") or "").rpartition("/")[2]:
            version = owner.get("apiVersion") or ""
            errors.append(invalid(path.child("apiVersion"), version, "version must not be empty"))
        errors += [
            invalid(path.child(name), "", "must not be empty")
            for name in ("kind", "name", "uid")
            if not owner.get(name)
        ]
        if (owner.get("apiVersion"), owner.get("kind")) == ("v1", "Event"):
            errors.append(invalid(path, owner, "/v1, Kind=Event is disallowed from being an owner"))
    controllers = [f"{each.get('kind')}/{each.get('name')}" for each in owners if each.get("controller")]
    message = 'Only one reference can have Controller set to true. Found "true" in references for {} and {}'
    errors += [invalid(path, list(owners), message.format(controllers[0], each)) for each in controllers[1:]]
    return errors


def _validate_finalizers(finalizers: Sequence[str], path: Path) -> ErrorList:
    errors = [invalid(path, each, text) for each in finalizers for text in names.is_qualified_name(each)]
    if ORPHAN_FINALIZER in finalizers and FOREGROUND_FINALIZER in finalizers:
        message = f"finalizer {ORPHAN_FINALIZER} and {FOREGROUND_FINALIZER} cannot be both set"
        errors.append(invalid(path, list(finalizers), message))
    return errors


def _validate_managed_fields(entries: Sequence[Object], path: Path) -> ErrorList:
    errors: ErrorList = []
    for index, entry in enumerate(entries):
        here = path.index(index)
        if entry.get("operation") not in ("Apply", "Update"):
            operation = entry.get("operation") or ""
            errors.append(invalid(here.child("operation"), operation, "must be `Apply` or `Update`"))
        if entry.get("fieldsType") not in (None, "", "FieldsV1"):
            errors.append(invalid(here.child("fieldsType"), entry["fieldsType"], "must be `FieldsV1`"))
        errors += validate_field_manager(entry.get("manager") or "", here.child("manager"))
        if len(entry.get("subresource") or "") > 256:
            errors.append(too_long(here.child("subresource"), entry["subresource"], 256))
    return errors


_COMMON: tuple[tuple[str, Callable[[Any, Path], ErrorList]], ...] = (
    ("labels", validate_labels),
    ("annotations", validate_annotations),
    ("ownerReferences", _validate_owners),
    ("finalizers", _validate_finalizers),
    ("managedFields", _validate_managed_fields),
)


def validate_field_manager(manager: str, path: Path) -> ErrorList:
    errors = [too_long(path, manager, 128)] if len(manager.encode()) > 128 else []
    if manager.isprintable():
        return errors
    for position, character in enumerate(manager):
        if not character.isprintable():
            shown = f"U+{ord(character):04X}"
            errors.append(invalid(path, manager, f"invalid character {shown} (at position {position})"))
    return errors


def validate_metadata_update(new: Object, old: Object, path: Path = _METADATA) -> ErrorList:
    errors: ErrorList = []
    if old.get("deletionTimestamp"):
        errors += _validate_no_new_finalizers(new, old, path.child("finalizers"))
    if not new.get("resourceVersion"):
        errors.append(invalid(path.child("resourceVersion"), "", "must be specified for an update"))
    generation = new.get("generation") or 0
    if generation < (old.get("generation") or 0):
        errors.append(invalid(path.child("generation"), generation, "must not be decremented"))
    for name in _FIXED_ON_UPDATE:
        if new.get(name) != old.get(name):
            errors += validate_immutable(new.get(name), old.get(name), path.child(name))
    return errors + _validate_common(new, path)


def _validate_no_new_finalizers(new: Object, old: Object, path: Path) -> ErrorList:
    extra = sorted(set(new.get("finalizers") or ()) - set(old.get("finalizers") or ()))
    if not extra:
        return []
    listed = ", ".join(f'"{each}"' for each in extra)
    found = f"found new finalizers []string{{{listed}}}"
    return [forbidden(path, f"no new finalizers can be added if the object is being deleted, {found}")]


def validate_immutable(new: Any, old: Any, path: Path) -> ErrorList:
    """Absent and empty are the same, as in upstream's semantic equality."""
    return [] if (new or None) == (old or None) else [invalid(path, new, IMMUTABLE)]


def validate_label_selector(selector: Object | None, path: Path) -> ErrorList:
    if not selector:
        return []
    errors = validate_labels(selector.get("matchLabels"), path.child("matchLabels"))
    for index, expression in enumerate(selector.get("matchExpressions") or ()):
        errors += validate_label_selector_requirement(expression, path.child("matchExpressions").index(index))
    return errors


def validate_label_selector_requirement(expression: Object, path: Path) -> ErrorList:
    operator, values, key = expression.get("operator"), expression.get("values") or [], expression.get("key")
    errors: ErrorList = []
    if operator in ("In", "NotIn"):
        if not values:
            errors.append(
                required(path.child("values"), "must be specified when `operator` is 'In' or 'NotIn'")
            )
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            message = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            errors.append(forbidden(path.child("values"), message))
    else:
        errors.append(invalid(path.child("operator"), operator or "", "not a valid selector operator"))
    errors += [invalid(path.child("key"), key or "", text) for text in names.is_qualified_name(key or "")]
    for index, value in enumerate(values):
        where = path.child("values").index(index)
        errors += [invalid(where, value, text) for text in names.is_label_value(value)]
    return errors
