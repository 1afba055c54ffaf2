"""The description of a kind that has none of its own: every field, named in words."""

from __future__ import annotations

import re
from typing import Any

from apimachinery.objects import Object
from kubectl.describe import values
from kubectl.describe.related import Related
from kubectl.describe.writer import Writer

_SKIPPED = {
    ".metadata.managedFields", ".metadata.name", ".metadata.namespace", ".metadata.labels",
    ".metadata.annotations",
}  # fmt: skip
_ACRONYMS = {"api": "API", "url": "URL", "uid": "UID", "osb": "OSB", "guid": "GUID"}


def write_generic(writer: Writer, obj: Object, _: Related) -> None:
    values.write_head(writer, obj)
    values.write_marks(writer, obj)
    _write_map(writer, obj, "", 0)


def _write_map(writer: Writer, content: Object, path: str, level: int) -> None:
    for name, value in sorted(content.items()):
        here = f"{path}.{name}"
        if here in _SKIPPED:
            continue
        label = label_of(name)
        if isinstance(value, dict):
            writer.line(f"{label}:", level)
            _write_map(writer, value, here, level + 1)
        elif isinstance(value, list):
            writer.line(f"{label}:", level)
            for each in value:
                if isinstance(each, dict):
                    _write_map(writer, each, here, level + 1)
                else:
                    writer.line(_text(each), level + 1)
        else:
            writer.field(label, _text(value), level)


def label_of(name: str) -> str:
    """`creationTimestamp` becomes `Creation Timestamp`, `uid` becomes `UID`."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^A-Z0-9]+|\d+|[A-Z]", name)
    return " ".join(_ACRONYMS.get(word.lower(), word[:1].upper() + word[1:]) for word in words) or name


def _text(value: Any) -> str:
    if value is None:
        return "<nil>"
    return values.truth(value) if isinstance(value, bool) else str(value)
