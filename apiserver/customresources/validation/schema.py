"""A version's schema as a whole: structural, with good defaults, and made of what may be in a schema."""

from __future__ import annotations

from apimachinery.field import ErrorList, Errors, Path, forbidden, invalid
from apimachinery.objects import Object
from apiserver.customresources.schema.structural import PRESERVE, VALIDATIONS, Structural
from apiserver.customresources.schema.structure import structural_errors, unsupported
from apiserver.customresources.validation.defaults import validate_defaults
from apiserver.customresources.validation.expressions import validate_expressions
from apiserver.customresources.validation.nodes import Place, validate_node

_AT_ROOT = (
    "Description", "Type", "Format", "Title", "Maximum", "ExclusiveMaximum", "Minimum", "ExclusiveMinimum",
    "MaxLength", "MinLength", "Pattern", "MaxItems", "MinItems", "UniqueItems", "MultipleOf", "Required",
    "Items", "Properties", "ExternalDocs", "Example", "XPreserveUnknownFields", "XValidations",
)  # fmt: skip
"""What may stand at the root beside a status subresource, whose schema is taken out of it."""
_ROOT_WORDS = {f"{word[0].lower()}{word[1:]}" for word in _AT_ROOT} | {PRESERVE, VALIDATIONS}


def validate_schema(schema: Object, path: Path, *, has_status: bool) -> ErrorList:
    """`path` is that of openAPIV3Schema."""
    errors = [*_root(schema, path, has_status)]
    unreadable = unsupported(schema)
    if not unreadable:
        wrong = structural_errors(schema, path)
        errors += wrong or validate_defaults(Structural(schema, is_root=True), path)
    errors += validate_node(schema, path, Place(is_root=True))
    if unreadable and not errors:
        errors.append(invalid(path, "", unreadable))
    # Expressions are only looked at where they have good types to be about.
    return errors or validate_expressions(Structural(schema, is_root=True), path)


def _root(schema: Object, path: Path, has_status: bool) -> Errors:
    if has_status:
        if schema.get("type") and schema["type"] != "object":
            detail = (
                'only "object" is allowed as the type at the root of the schema '
                "if the status subresource is enabled"
            )
            yield invalid(path.child("type"), schema["type"], detail)
        elif any(value and word not in _ROOT_WORDS for word, value in schema.items()):
            allowed = f"[{' '.join(_AT_ROOT)}]"
            detail = (
                f"only {allowed} fields are allowed at the root of the schema "
                "if the status subresource is enabled"
            )
            yield invalid(path, schema, detail)
    if schema.get("nullable"):
        yield forbidden(path.child("nullable"), "nullable cannot be true at the root")
