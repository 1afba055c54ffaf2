"""From objects and Tables to text: the formats of `-o`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apimachinery.objects import Object
from kubectl.failures import CommandError

FORMATS = (
    "custom-columns",
    "custom-columns-file",
    "go-template",
    "go-template-file",
    "json",
    "jsonpath",
    "jsonpath-as-json",
    "jsonpath-file",
    "name",
    "template",
    "templatefile",
    "wide",
    "yaml",
)


def is_table(output: str) -> bool:
    """Whether the server's Table is what is printed."""
    return output in ("", "wide")


def render(
    objects: Sequence[Object],
    output: str,
    *,
    as_list: bool,
    managed_fields: bool = False,
    keep_order: bool = False,
) -> str:
    """The objects in the format of `-o`; with as_list they are a v1 List. Raises CommandError.

    JSON is sorted by key, but for objects that the command made itself. Managed fields are left out of whole
    objects only: a template may ask for them.
    """
    form, _, argument = output.partition("=")
    shown = list(objects)
    if form in ("json", "yaml") and not managed_fields:
        shown = [_without_managed_fields(obj) for obj in objects]
    if form == "name":
        from kubectl.printers.names import name_line

        return "".join(name_line(obj) for obj in shown)
    whole: Any = {"apiVersion": "v1", "items": shown, "kind": "List", "metadata": {"resourceVersion": ""}}
    if form in ("custom-columns", "custom-columns-file"):
        return _custom_columns(form, argument, shown)
    value = whole if as_list else shown[0]
    if form == "json":
        return _json(value, sort=not keep_order)
    if form == "yaml":
        from apimachinery.serialize import to_yaml

        return to_yaml(value) if as_list or len(shown) == 1 else "---\n".join(map(to_yaml, shown))
    if form in ("jsonpath", "jsonpath-as-json", "jsonpath-file"):
        return _jsonpath(form, argument, value)
    if form in ("go-template", "template", "go-template-file", "templatefile"):
        return _go_template(form, argument, value)
    allowed = ",".join(FORMATS)
    raise CommandError(
        f'unable to match a printer suitable for the output format "{output}", allowed formats are: {allowed}'
    )


def _json(value: Any, *, sort: bool) -> str:
    import json

    return json.dumps(value, indent=4, ensure_ascii=False, sort_keys=sort) + "\n"


def _jsonpath(form: str, template: str, value: Any) -> str:
    from pathlib import Path

    from apimachinery import jsonpath

    if not template:
        raise CommandError("template format specified but no template given")
    text = Path(template).read_text() if form == "jsonpath-file" else template
    try:
        return jsonpath.JsonPath(text).render(value)
    except ValueError as error:
        raise CommandError(f"error parsing jsonpath {text}, {error}") from None


def _custom_columns(form: str, specification: str, objects: Sequence[Object]) -> str:
    from pathlib import Path

    from kubectl.printers.columns import render_columns

    if form.endswith("file"):
        names, paths = (line.split() for line in Path(specification).read_text().splitlines()[:2])
        specification = ",".join(f"{name}:{path}" for name, path in zip(names, paths, strict=True))
    return render_columns(objects, specification)


def _go_template(form: str, template: str, value: Any) -> str:
    from pathlib import Path

    from kubectl.printers import gotemplate

    if not template:
        raise CommandError("template format specified but no template given")
    text = Path(template).read_text() if form.endswith("file") else template
    try:
        return gotemplate.render(text, value)
    except gotemplate.TemplateError as error:
        raise CommandError(f"error parsing template {text}, {error}") from None


def _without_managed_fields(obj: Object) -> Object:
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict) or "managedFields" not in metadata:
        return obj
    return {**obj, "metadata": {key: value for key, value in metadata.items() if key != "managedFields"}}
