"""From client-side to server-side apply: what `kubectl apply` noted in its annotation is kubectl's to change.

Only the manager named `kubectl` gets this.
Source: lastappliedmanager.go and lastappliedupdater.go of apimachinery.
"""

from __future__ import annotations

import orjson

from apimachinery.merge.checking import check
from apimachinery.merge.comparison import compare, fields_of
from apimachinery.merge.fields import Fields, difference
from apimachinery.merge.shape import ShapeError
from apimachinery.metadata import MAX_ANNOTATIONS_SIZE
from apimachinery.objects import Object, annotations_of
from apimachinery.well_known import LAST_APPLIED
from apiserver.managed_fields.updating import Door

KUBECTL = "kubectl"


def fields_of_last_applied(live: Object, door: Door) -> Fields:
    """What was applied from the client and is so still; nothing if the annotation cannot be understood."""
    try:
        config = orjson.loads(annotations_of(live).get(LAST_APPLIED) or "null")
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(config, dict) or config.get("apiVersion") != door.api_version:
        return {}
    shape = door.versions.shape(door.api_version)
    try:
        check(config, shape)
        found = compare(config, live, shape)
        fields = fields_of(config, shape)
    except ShapeError:
        return {}
    for changed in (found.modified, found.added, found.removed):
        fields = difference(fields, changed)
    return fields


def note_last_applied(obj: Object, config: Object) -> None:
    """Keeps the annotation, where there is one, in step with what has been applied on the server."""
    annotations = annotations_of(obj)
    if not annotations.get(LAST_APPLIED):
        return
    noted = dict(annotations, **{LAST_APPLIED: _text(config)})
    size = sum(len(name.encode()) + len(value.encode()) for name, value in noted.items())
    if size > MAX_ANNOTATIONS_SIZE:
        del noted[LAST_APPLIED]
    obj["metadata"]["annotations"] = noted


def _text(config: Object) -> str:
    """The configuration without the annotation, as kubectl writes it: keys sorted, a line end."""
    metadata = dict(config.get("metadata") or {})
    if "annotations" in metadata:
        kept = {name: value for name, value in metadata["annotations"].items() if name != LAST_APPLIED}
        metadata = {**metadata, "annotations": kept}
    text = orjson.dumps(
        {**config, "metadata": metadata}, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    )
    return text.decode()
