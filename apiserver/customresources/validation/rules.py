"""The form of x-kubernetes-validations: everything but what the expressions mean."""

from __future__ import annotations

from apimachinery.field import Errors, Path, invalid, not_supported, required
from apimachinery.objects import Object
from apiserver.customresources.schema.fieldpath import FieldPathError, resolve_field_path
from apiserver.customresources.schema.structural import VALIDATIONS, Structural

_REASONS = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
_NO_BREAKS = "must not contain line breaks"


def validate_rules(schema: Object, path: Path) -> Errors:
    for index, rule in enumerate(schema.get(VALIDATIONS) or ()):
        yield from _texts(rule, path.index(index))
        yield from _field_path(rule, schema, path.index(index).child("fieldPath"))


def _texts(rule: Object, path: Path) -> Errors:
    text, message = rule.get("rule") or "", rule.get("message") or ""
    if not text.strip():
        yield required(path.child("rule"), "rule is not specified")
    elif message and not message.strip():
        yield invalid(path.child("message"), message, "must be non-empty if specified")
    elif _has_breaks(message.strip()):
        yield invalid(path.child("message"), message, _NO_BREAKS)
    elif _has_breaks(text.strip()) and not message.strip():
        detail = "message must be specified if rule contains line breaks"
        yield required(path.child("message"), detail)
    expression = rule.get("messageExpression") or ""
    if expression and not expression.strip():
        detail = "messageExpression must be non-empty if specified"
        yield required(path.child("messageExpression"), detail)
    if rule.get("reason") is not None and rule["reason"] not in _REASONS:
        yield not_supported(path.child("reason"), rule["reason"], _REASONS)


def _field_path(rule: Object, schema: Object, path: Path) -> Errors:
    text = rule.get("fieldPath") or ""
    if not text:
        return
    if not text.strip():
        yield invalid(path, text, "must be non-empty if specified")
    if _has_breaks(text):
        yield invalid(path, text, _NO_BREAKS)
    try:
        resolve_field_path(text, Structural(schema))
    except FieldPathError:
        yield invalid(path, text, "must be a valid path")


def _has_breaks(text: str) -> bool:
    return "\n" in text or "\r" in text
