"""What a version says beside its schema: subresources, columns, selectable fields, its deprecation."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from apimachinery.field import Errors, Path, duplicate, invalid, required, too_many
from apimachinery.objects import Object
from apiserver.customresources.schema.fieldpath import FieldPathError, resolve_field_path
from apiserver.customresources.schema.structural import Structural

_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
_MAX_SELECTABLE, _MAX_WARNING = 8, 256
_UNSELECTABLE = (
    "must point to a field of type string, boolean or integer. "
    "Enum string fields and strings with formats are allowed."
)
_UNPRINTABLE = "must only contain printable UTF-8 characters"


def validate_subresources(subresources: Object, path: Path) -> Errors:
    scale = subresources.get("scale")
    if scale is None:
        return
    for name, prefix in (("specReplicasPath", ".spec."), ("statusReplicasPath", ".status.")):
        at, value = path.child(f"scale.{name}"), scale.get(name) or ""
        if not value:
            yield required(at)
        elif not value.startswith("."):
            yield invalid(at, value, "must be a simple json path starting with .")
        elif not value.startswith(prefix):
            yield invalid(at, value, f"should be a json path under {prefix[:-1]}")
    at, value = path.child("scale.labelSelectorPath"), scale.get("labelSelectorPath")
    if value and not value.startswith("."):
        yield invalid(at, value, "must be a simple json path starting with .")
    elif value and not value.startswith((".spec.", ".status.")):
        yield invalid(at, value, "should be a json path under either .spec or .status")


def validate_columns(columns: Sequence[Object], path: Path) -> Errors:
    for index, column in enumerate(columns):
        yield from _column(column, path.index(index))


def _column(column: Object, path: Path) -> Errors:
    if not column.get("name"):
        yield required(path.child("name"))
    types = f"must be one of {','.join(_COLUMN_TYPES)}"
    if not column.get("type"):
        yield required(path.child("type"), types)
    elif column["type"] not in _COLUMN_TYPES:
        yield invalid(path.child("type"), column["type"], types)
    if column.get("format") and column["format"] not in _COLUMN_FORMATS:
        detail = f"must be one of {','.join(_COLUMN_FORMATS)}"
        yield invalid(path.child("format"), column["format"], detail)
    json_path = column.get("jsonPath") or ""
    if not json_path:
        yield required(path.child("JSONPath"))
    elif not json_path.startswith("."):
        detail = "must be a simple json path starting with ."
        yield invalid(path.child("JSONPath"), json_path, detail)


def validate_selectable_fields(fields: Sequence[Object], schema: Object, path: Path) -> Errors:
    if not fields:
        return
    root, seen = Structural(schema), set[str]()
    for index, field in enumerate(fields):
        at, json_path = path.index(index).child("jsonPath"), field.get("jsonPath") or ""
        if not json_path:
            yield required(at)
            continue
        try:
            steps, found = resolve_field_path(json_path, root, allow_brackets=False)
        except FieldPathError as error:
            yield invalid(at, json_path, f"is an invalid path: {error}")
            continue
        if steps[0].name == "metadata":
            yield invalid(at, json_path, "must not point to fields in metadata")
        if found.type not in ("string", "boolean", "integer"):
            yield invalid(at, json_path, _UNSELECTABLE)
        if json_path in seen:
            yield duplicate(at, json_path)
        seen.add(json_path)
    if len(seen) > _MAX_SELECTABLE:
        yield too_many(path, len(seen), _MAX_SELECTABLE)


def validate_deprecation(version: Object, path: Path) -> Errors:
    warning = version.get("deprecationWarning")
    if warning is None:
        return
    if not version.get("deprecated"):
        yield invalid(path, warning, "can only be set for deprecated versions")
        return
    if len(warning.encode()) > _MAX_WARNING:
        yield invalid(path, warning, f"must be <= {_MAX_WARNING} characters long")
    if not warning:
        yield invalid(path, warning, "must not be an empty string")
    for index, character in enumerate(warning):
        if not character.isprintable() or unicodedata.category(character) == "Cc":
            yield invalid(path, warning, f"{_UNPRINTABLE}; non-printable character found at index {index}")
            return
