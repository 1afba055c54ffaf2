"""From client-side to server-side apply: what the old way's manager owned becomes the new one's to apply.

Without this, fields that `apply` once set from the client would stay when they are left out of a manifest.
Source: https://github.com/kubernetes/client-go/blob/v0.34.0/util/csaupgrade/upgrade.go
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from apimachinery.merge.fields import difference, in_order, path_set, union
from apimachinery.objects import Object
from apimachinery.well_known import LAST_APPLIED

APPLY, UPDATE = "Apply", "Update"
_ANNOTATION = path_set(("f:metadata", "f:annotations", f"f:{LAST_APPLIED}"))


def owners_of_annotation(entries: Iterable[Object], operation: str) -> list[str]:
    """The managers that own the last-applied annotation by an operation."""
    return [
        each["manager"]
        for each in entries
        if each["operation"] == operation and not difference(_ANNOTATION, each["fieldsV1"])
    ]


def upgraded(entries: Sequence[Object], old: str, new: str) -> list[Object]:
    """managedFields after what `old` owned by updates has become what `new` applied."""
    target = _find(entries, new, APPLY) or _find(entries, old, UPDATE)
    if target is None:
        return list(entries)
    source = _find(entries, old, UPDATE, target["apiVersion"])
    fields = union(target["fieldsV1"], source["fieldsV1"] if source else {})
    applier = target | {"manager": new, "operation": APPLY, "fieldsV1": in_order(fields)}
    replaced = [applier if each is target else each for each in entries]
    return [each for each in replaced if not _is(each, old, UPDATE)]


def _find(entries: Iterable[Object], manager: str, operation: str, version: str = "") -> Object | None:
    return next((each for each in entries if _is(each, manager, operation, version)), None)


def _is(entry: Object, manager: str, operation: str, version: str = "") -> bool:
    """Whether it is this manager's entry of the object itself (in this API version, if one is given)."""
    who = (entry["manager"], entry["operation"], entry.get("subresource", ""))
    return who == (manager, operation, "") and version in ("", entry["apiVersion"])


def upgrade_patch(obj: Object, new: str) -> list[Object] | None:
    """The JSON patch that makes `new` the applier of what was applied from the client, if anything was."""
    entries: list[Object] = obj["metadata"].get("managedFields") or []
    wanted = entries
    for old in owners_of_annotation(entries, UPDATE):
        wanted = upgraded(wanted, old, new)
    if wanted == entries:
        return None
    return [
        {"op": "replace", "path": "/metadata/managedFields", "value": wanted},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": obj["metadata"]["resourceVersion"]},
    ]
