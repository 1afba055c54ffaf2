"""Patches that are applied here and not by the server: for --local, --overrides and dry runs."""

from __future__ import annotations

from typing import Any

from apimachinery.objects import Object
from apimachinery.patch import PatchError, json_patch, merge_patch
from apimachinery.schema import builtin
from apimachinery.serialize import DecodeError, from_json
from apimachinery.strategic import strategic_merge
from kubectl.failures import CommandError

CONTENT_TYPES = {
    "strategic": "application/strategic-merge-patch+json",
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
}


def patched(obj: Object, patch: Any, kind: str) -> Object:
    """The object after a patch of one of the CONTENT_TYPES. Raises CommandError."""
    schema = builtin().find(obj["apiVersion"], obj["kind"])
    try:
        if kind == "json":
            result: Object = json_patch(obj, patch)
        elif kind == "merge":
            result = merge_patch(obj, patch)
        elif schema is None:
            what = f"{obj['apiVersion']}, Kind={obj['kind']}"
            raise CommandError(f"cannot apply strategic merge patch for {what} locally, try --type merge")
        else:
            result = strategic_merge(obj, patch, schema)
    except (PatchError, ValueError) as error:
        raise CommandError(str(error)) from None
    return result


def overridden(obj: Object, text: str, kind: str) -> Object:
    """The object with what `--overrides` says in its place. Raises CommandError."""
    if not text:
        return obj
    if kind not in CONTENT_TYPES:
        raise CommandError(f"invalid override type: {kind}")
    try:
        return patched(obj, from_json(text), kind)
    except DecodeError as error:
        raise CommandError(f"Invalid JSON Patch: {error}") from None
