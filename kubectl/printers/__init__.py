"""From objects and Tables to text: the formats of `-o`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from apimachinery.objects import Object
from kubectl.failures import CommandError
from kubectl.flags import AllowMissing, Output, ShowManagedFields, Template

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


class Printing(NamedTuple):
    """The flags that say how objects are printed."""

    output: Output = ""
    template: Template = ""
    show_managed_fields: ShowManagedFields = False
    allow_missing: AllowMissing = True

    @property
    def form(self) -> str:
        """`yaml`, `jsonpath`; without `=…`."""
        form = self.output.partition("=")[0]
        return "go-template" if self.template and not form else form

    @property
    def argument(self) -> str:
        return self.output.partition("=")[2] or self.template

    @property
    def is_table(self) -> bool:
        """Whether the server's Table is what is printed."""
        return self.form in ("", "wide")

    def __bool__(self) -> bool:
        """Whether any form is asked for; without one, verbs say what they did."""
        return bool(self.form)


AS_IS = Printing()


def render(
    objects: Sequence[Object],
    printing: Printing,
    *,
    as_list: bool = False,
    keep_order: bool = False,
    headers: bool = True,
) -> str:
    """The objects in the form that is asked for; with as_list they are a v1 List. Raises CommandError.

    JSON is sorted by key, but for objects that the command made itself. Managed fields are left out of whole
    objects only: a template may ask for them.
    """
    form = printing.form
    shown = list(objects)
    if form in ("json", "yaml") and not printing.show_managed_fields:
        shown = [_without_managed_fields(obj) for obj in objects]
    if form == "name":
        from kubectl.printers.names import name_line

        return "".join(name_line(obj) for obj in shown)
    if form in ("custom-columns", "custom-columns-file"):
        return _custom_columns(printing, shown, headers)
    if as_list:
        shown = [{"apiVersion": "v1", "items": shown, "kind": "List", "metadata": {"resourceVersion": ""}}]
    if form == "json":
        return "".join(_json(value, sort=not keep_order) for value in shown)
    if form == "yaml":
        from apimachinery.serialize import to_yaml

        return "---\n".join(map(to_yaml, shown))
    if form in ("jsonpath", "jsonpath-as-json", "jsonpath-file"):
        return "".join(_jsonpath(printing, value) for value in shown)
    if form in ("go-template", "template", "go-template-file", "templatefile"):
        return "".join(_go_template(printing, value) for value in shown)
    raise CommandError(
        f'unable to match a printer suitable for the output format "{printing.output}", '
        f"allowed formats are: {','.join(FORMATS)}"
    )


_documents = 0


def show(obj: Object, printing: Printing, *, keep_order: bool = False) -> None:
    """Prints one object of several that a command tells of as it goes."""
    global _documents
    if printing.form == "yaml" and _documents:
        print("---")
    _documents += 1
    print(render([obj], printing, keep_order=keep_order), end="")


def _json(value: Any, *, sort: bool) -> str:
    import json

    return json.dumps(value, indent=4, ensure_ascii=False, sort_keys=sort) + "\n"


def _jsonpath(printing: Printing, value: Any) -> str:
    from apimachinery import jsonpath

    text = _text_of(printing, "jsonpath-file")
    try:
        path = jsonpath.JsonPath(text, allow_missing=printing.allow_missing)
    except ValueError as error:
        raise CommandError(f"error parsing jsonpath {text}, {error}") from None
    try:
        if printing.form == "jsonpath-as-json":
            return _json(path.find(value), sort=True)
        return path.render(value)
    except ValueError as error:
        raise CommandError(f'error executing jsonpath "{text}": Error executing template: {error}') from None


def _text_of(printing: Printing, *files: str) -> str:
    """The template itself, or what the file holds that is named in its place."""
    from pathlib import Path

    if not printing.argument:
        raise CommandError("template format specified but no template given")
    if printing.form not in files:
        return printing.argument
    try:
        return Path(printing.argument).read_text()
    except OSError as error:
        reason = (error.strerror or "").lower()
        what = f"error reading --template {printing.argument}, open {printing.argument}"
        raise CommandError(f"{what}: {reason}") from None


def _custom_columns(printing: Printing, objects: Sequence[Object], headers: bool) -> str:
    from kubectl.printers.columns import render_columns

    if not printing.argument:
        raise CommandError("custom-columns format specified but no custom columns given")
    specification = _text_of(printing, "custom-columns-file")
    if printing.form.endswith("file"):
        names, paths = (line.split() for line in specification.splitlines()[:2])
        specification = ",".join(f"{name}:{path}" for name, path in zip(names, paths, strict=True))
    return render_columns(objects, specification, headers=headers)


def _go_template(printing: Printing, value: Any) -> str:
    from kubectl.printers import gotemplate

    text = _text_of(printing, "go-template-file", "templatefile")
    try:
        return gotemplate.render(text, value, allow_missing=printing.allow_missing)
    except gotemplate.ExecutionError as error:
        raise CommandError(f'error executing template "{text}": {error}') from None
    except gotemplate.TemplateError as error:
        raise CommandError(f"error parsing template {text}, {error}") from None


def _without_managed_fields(obj: Object) -> Object:
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict) or "managedFields" not in metadata:
        return obj
    return {**obj, "metadata": {key: value for key, value in metadata.items() if key != "managedFields"}}
