"""CustomResourceDefinitions; what they make is `apiserver.customresources`' business."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apimachinery.field import ErrorList
from apimachinery.objects import Object, get_path
from apimachinery.times import format_time
from apiserver.customresources.definition import CLEANUP_FINALIZER
from apiserver.customresources.ending import PENDING, marked
from apiserver.customresources.schema.formats import unknown_formats
from apiserver.customresources.validation.definition import validate_definition, validate_status
from apiserver.registry.strategies.podspec.defaults import fill, fill_absent
from apiserver.registry.strategy import NAME_COLUMN, Column, Strategy


class CustomResourceDefinitionStrategy(Strategy):
    allow_unconditional_update = False
    columns: Sequence[Column] = (NAME_COLUMN, Column("Created At", "date"))

    def reset_fields(self, subresource: str) -> tuple[str, ...]:
        """Upstream counts metadata among what an update of status resets, but by a slip does not reset it."""
        return ("spec", "metadata") if subresource == "status" else ("status",)

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        given = spec.setdefault("names", {})
        kind = given.get("kind") or ""
        if kind:
            fill(given, {"singular": kind.lower(), "listKind": f"{kind}List"})
        fill_absent(spec, {"conversion": {"strategy": "None"}})
        service = get_path(spec, "conversion.webhook.clientConfig.service")
        if service is not None:
            fill_absent(service, {"port": 443})

    def prepare_for_create(self, obj: Object) -> None:
        stored = [v.get("name") for v in obj["spec"].get("versions") or () if v.get("storage")]
        obj["status"] = {
            "conditions": None,
            "acceptedNames": {"plural": "", "kind": ""},
            "storedVersions": stored[:1],
        }

    def prepare_for_update(self, new: Object, old: Object) -> None:
        """A version that was ever stored stays listed until somebody has rewritten the objects."""
        status = {**(old.get("status") or {})}
        stored = list(status.get("storedVersions") or ())
        for version in new["spec"].get("versions") or ():
            if version.get("storage") and version.get("name") not in stored:
                stored.append(version.get("name"))
        new["status"] = {**status, "storedVersions": stored}

    def prepare_for_delete(self, obj: Object, now: datetime) -> None:
        """Its instances go before the definition does."""
        metadata = obj["metadata"]
        if CLEANUP_FINALIZER not in (metadata.get("finalizers") or ()):
            metadata["finalizers"] = [*(metadata.get("finalizers") or ()), CLEANUP_FINALIZER]
        obj["status"] = marked(obj, PENDING, format_time(now))["status"]

    def validate(self, obj: Object) -> ErrorList:
        return validate_definition(obj)

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return validate_definition(new, old)

    def validate_status_update(self, new: Object, old: Object) -> ErrorList:
        return list(validate_status(new))

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        known = _unknown_formats(old) if old else []
        return [f'unrecognized format "{each}"' for each in _unknown_formats(obj) if each not in known]

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        return [obj["metadata"]["name"], obj["metadata"].get("creationTimestamp")]


def _unknown_formats(definition: Object) -> list[str]:
    schemas = [
        get_path(each, "schema.openAPIV3Schema", {}) for each in definition["spec"].get("versions") or ()
    ]
    return list(dict.fromkeys(each for schema in schemas for each in unknown_formats(schema)))
