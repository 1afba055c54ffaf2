"""The last-applied annotation: what `apply` remembers of a manifest, to know later what was taken out."""

from __future__ import annotations

import json
from typing import Any

from apimachinery.objects import Object, annotations_of
from apimachinery.patch import create_three_way_merge_patch
from apimachinery.schema import builtin
from apimachinery.serialize import from_json
from apimachinery.strategic import create_three_way_patch
from apimachinery.well_known import LAST_APPLIED


def bare(obj: Object) -> Object:
    """A copy without the annotation."""
    annotations = {key: value for key, value in annotations_of(obj).items() if key != LAST_APPLIED}
    return {**obj, "metadata": {**(obj.get("metadata") or {}), "annotations": annotations}}


def annotated(obj: Object) -> Object:
    """A copy that carries its own text."""
    plain = bare(obj)
    annotations = {**plain["metadata"]["annotations"], LAST_APPLIED: f"{text_of(plain)}\n"}
    return {**plain, "metadata": {**plain["metadata"], "annotations": annotations}}


def text_of(obj: Object) -> str:
    """JSON as Go writes a map: by key, without blanks."""
    return json.dumps(obj, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def of(obj: Object) -> Object | None:
    """What was applied last, or None if nothing was."""
    text = annotations_of(obj).get(LAST_APPLIED)
    return from_json(text) if text else None


def patch_for(modified: Object, current: Object) -> tuple[Object, str]:
    """The patch that makes the live object as the manifest wants it, and its content type."""
    original: dict[str, Any] = of(current) or {}
    schema = builtin().find(modified["apiVersion"], modified["kind"])
    if schema is None:
        return create_three_way_merge_patch(original, modified, current), "application/merge-patch+json"
    patch = create_three_way_patch(original, modified, current, schema)
    return patch, "application/strategic-merge-patch+json"
