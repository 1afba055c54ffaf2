"""What every kind's create and update have in common: system fields, generation, names and namespaces.

Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/staging/src/k8s.io/apiserver/pkg/registry/rest/create.go
and update.go beside it. Objects are changed in place.
"""

from __future__ import annotations

import random
from datetime import datetime

from apimachinery.errors import BadRequestError, ConflictError, InvalidError, StatusError
from apimachinery.field import ErrorList, Path, invalid
from apimachinery.metadata import (
    FOREGROUND_FINALIZER,
    ORPHAN_FINALIZER,
    validate_metadata,
    validate_metadata_update,
)
from apimachinery.objects import Object
from apimachinery.scheme import Resource
from apimachinery.times import format_time
from apimachinery.uids import new_uid
from apiserver.registry.generated_names import generate_name
from apiserver.registry.strategy import Strategy

_EMPTY_IS_ABSENT = (
    "annotations", "creationTimestamp", "finalizers", "generateName", "labels", "managedFields", "namespace",
    "ownerReferences", "uid",
)  # fmt: skip
_NOT_SPEC_OR_STATUS = ("apiVersion", "kind", "metadata")
_NOT_SPEC = (*_NOT_SPEC_OR_STATUS, "status")
LEGACY_FINALIZERS = ("kubernetes", ORPHAN_FINALIZER, FOREGROUND_FINALIZER)
_OF_USERS = ("annotations", "finalizers", "labels", "ownerReferences")
"""What of an object's metadata its users may change."""
_KEPT_ON_UPDATE = ("uid", "deletionTimestamp", "deletionGracePeriodSeconds")
_VERSIONS = 1 << 64
"""What is beyond is no number of Go's."""


def set_namespace(resource: Resource, namespace: str, obj: Object) -> None:
    """The namespace of the request is that of the object. Raises BadRequestError."""
    metadata = obj["metadata"]
    own = metadata.get("namespace") or ""
    if not resource.namespaced:
        metadata.pop("namespace", None)
    elif own and own != namespace:
        raise BadRequestError(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    else:
        metadata["namespace"] = namespace


def tidy_metadata(obj: Object) -> None:
    """Leaves out what is empty, and what is there no more."""
    metadata = obj["metadata"]
    for name in _EMPTY_IS_ABSENT:
        if name in metadata and not metadata[name]:
            del metadata[name]
    metadata.pop("selfLink", None)


def before_create(strategy: Strategy, obj: Object, now: datetime, randomness: random.Random) -> None:
    """Drops what the user may not set and fills in what the system does."""
    metadata = obj["metadata"]
    metadata.pop("deletionTimestamp", None)
    metadata.pop("deletionGracePeriodSeconds", None)
    metadata.pop("generation", None)
    tidy_metadata(obj)
    metadata["uid"] = new_uid(randomness.getrandbits(128))
    metadata["creationTimestamp"] = format_time(now)
    if metadata.get("generateName") and not metadata.get("name"):
        metadata["name"] = generate_name(metadata["generateName"], randomness)
    if strategy.tracks_generation and strategy.first_generation:
        metadata["generation"] = strategy.first_generation
    if strategy.has_status and not strategy.keeps_status_on_create:
        obj.pop("status", None)
    strategy.prepare_for_create(obj)


def validate_create(resource: Resource, strategy: Strategy, obj: Object) -> None:
    """Every error at once. Raises InvalidError."""
    metadata = obj["metadata"]
    errors = validate_metadata(metadata, namespaced=resource.namespaced, name_check=strategy.name_check)
    errors += legacy_finalizers(strategy, metadata)
    errors += strategy.validate(obj)
    refuse(resource, metadata.get("name") or "", errors, strategy.error_kind)


def refuse(resource: Resource, name: str, errors: ErrorList, error_kind: str = "") -> None:
    if errors:
        raise InvalidError(error_kind or resource.group_kind, name, errors)


def legacy_finalizers(strategy: Strategy, metadata: Object) -> ErrorList:
    """A finalizer without a domain must be one of those that are older than that rule."""
    if not strategy.demands_qualified_finalizers:
        return []
    detail = "name is neither a standard finalizer name nor is it fully qualified"
    return [
        invalid(Path("metadata", "finalizers").index(index), name, detail)
        for index, name in enumerate(metadata.get("finalizers") or ())
        if "/" not in name and name not in LEGACY_FINALIZERS
    ]


def check_name(name: str, obj: Object) -> None:
    """The object of an update is the one of the URL. Raises BadRequestError."""
    own = obj["metadata"].get("name")
    if not own:
        raise BadRequestError(
            f"the name of the object ({name} based on URL) was undeterminable: name must be provided"
        )
    if own != name:
        raise BadRequestError(f"the name of the object ({own}) does not match the name on the URL ({name})")


def drop_version(obj: Object, *, dry_run: bool) -> None:
    """A new object has no version: none that can be read. Nothing but the store minds. Raises StatusError."""
    version = obj["metadata"].pop("resourceVersion", None) or "0"
    if not dry_run and _is_number(version) and 0 < int(version) < _VERSIONS:
        raise StatusError("resourceVersion should not be set on objects to be created", code=500)


def _is_number(version: str) -> bool:
    return version.isascii() and version.isdigit()


def check_patched_uid(resource: Resource, new: Object, old: Object) -> None:
    """A patch is made to what is stored, and its uid is no precondition. Raises InvalidError."""
    uid = new["metadata"].get("uid")
    if uid and uid != old["metadata"]["uid"]:
        error = invalid(Path("metadata", "uid"), uid, "field is immutable")
        errors = [error, error]  # upstream tells it twice
        raise InvalidError(resource.group_kind, old["metadata"]["name"], errors)


def check_version(resource: Resource, strategy: Strategy, new: Object, old: Object) -> None:
    """Optimistic concurrency: the change was made to what is stored. Raises ConflictError, InvalidError."""
    metadata, current = new["metadata"], old["metadata"]
    name = current["name"]
    if metadata.get("uid") and metadata["uid"] != current["uid"]:
        key = resource.storage_key(current.get("namespace") or "", name)
        raise ConflictError(
            resource,
            name,
            f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: "
            f"Precondition failed: UID in precondition: {metadata['uid']}, "
            f"UID in object meta: {current['uid']}",
        )
    version = metadata.get("resourceVersion") or "0"
    if not _is_number(version) or int(version) >= _VERSIONS:
        why = "value out of range" if _is_number(version) else "invalid syntax"
        raise StatusError(f'strconv.ParseUint: parsing "{version}": {why}', code=500)
    if int(version) == 0:
        if not strategy.allow_unconditional_update:
            path = Path("metadata", "resourceVersion")
            errors = [invalid(path, 0, "must be specified for an update")]
            raise InvalidError(resource.group_resource, name, errors)  # upstream names the resource here
        metadata["resourceVersion"] = current["resourceVersion"]
    elif version != current["resourceVersion"]:
        raise ConflictError(resource, name)


def before_update(strategy: Strategy, new: Object, old: Object, subresource: str) -> None:
    """Carries over what an update through this door may not change, and counts the generation."""
    tidy_metadata(new)
    _carry_generation(new, old)
    if subresource == "status":
        for name in set(new) | set(old):
            if name not in _NOT_SPEC:
                _carry(new, old, name)
        for name in _kept_metadata(strategy.status_resets):
            _carry(new["metadata"], old["metadata"], name)
        strategy.prepare_for_status_update(new, old)
    else:
        judge = strategy.for_subresource(subresource) if subresource else strategy
        if strategy.has_status and judge is strategy:
            _carry(new, old, "status")
        judge.prepare_for_update(new, old)
        if strategy.tracks_generation and _spec(strategy, new) != _spec(strategy, old):
            new["metadata"]["generation"] = (old["metadata"].get("generation") or 0) + 1
    _carry_system_fields(new, old)


def _kept_metadata(resets: tuple[str, ...]) -> tuple[str, ...]:
    if "metadata" in resets:
        return _OF_USERS
    return tuple(path.partition(".")[2] for path in resets if path.startswith("metadata."))


def _carry(new: Object, old: Object, name: str) -> None:
    if name in old:
        new[name] = old[name]
    else:
        new.pop(name, None)


def _spec(strategy: Strategy, obj: Object) -> Object:
    """What the generation counts changes of."""
    without = _NOT_SPEC if strategy.has_status else _NOT_SPEC_OR_STATUS
    return {name: value for name, value in obj.items() if name not in without}


def _carry_generation(new: Object, old: Object) -> None:
    _carry(new["metadata"], old["metadata"], "generation")


def _carry_system_fields(new: Object, old: Object) -> None:
    metadata, current = new["metadata"], old["metadata"]
    _carry(metadata, current, "creationTimestamp")
    for name in _KEPT_ON_UPDATE:
        if name in current and (name == "deletionTimestamp" or metadata.get(name) is None):
            metadata[name] = current[name]


def validate_update(
    resource: Resource, strategy: Strategy, new: Object, old: Object, subresource: str
) -> None:
    """Every error at once. Raises InvalidError."""
    errors = 2 * validate_metadata_update(new["metadata"], old["metadata"])  # upstream tells them twice
    errors += legacy_finalizers(strategy, new["metadata"])
    if subresource == "status":
        errors += strategy.validate_status_update(new, old)
    else:
        judge = strategy.for_subresource(subresource) if subresource else strategy
        errors += judge.validate_update(new, old)
    refuse(resource, old["metadata"]["name"], errors, strategy.error_kind)


def update_warnings(strategy: Strategy, new: Object, old: Object, subresource: str) -> list[str]:
    """What is told about a change that is valid."""
    if subresource == "status":
        return strategy.status_warnings(new, old)
    return (strategy.for_subresource(subresource) if subresource else strategy).warnings(new, old)
