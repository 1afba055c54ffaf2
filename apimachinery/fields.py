"""Field selectors: `metadata.name=a,status.phase!=Running`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace


class FieldSelectorError(ValueError):
    """The text is no field selector; the message is upstream's."""


@dataclass(frozen=True, slots=True)
class FieldRequirement:
    field: str
    operator: str
    """`=` or `!=`."""
    value: str


@dataclass(frozen=True, slots=True)
class FieldSelector:
    requirements: tuple[FieldRequirement, ...] = ()

    def matches(self, fields: Mapping[str, str]) -> bool:
        """A field that is not there equals the empty string."""
        return all(
            (fields.get(each.field, "") == each.value) == (each.operator == "=") for each in self.requirements
        )

    @property
    def is_empty(self) -> bool:
        return not self.requirements

    def exact(self, field: str) -> str | None:
        """The value that the selector demands of `field`, if it demands one."""
        demanded = (each.value for each in self.requirements if each.field == field and each.operator == "=")
        return next(demanded, None)

    def renamed(self, names: Mapping[str, str]) -> FieldSelector:
        """The same with other names, where there are any."""
        return FieldSelector(
            tuple(replace(each, field=names.get(each.field, each.field)) for each in self.requirements)
        )

    def __str__(self) -> str:
        return ",".join(f"{each.field}{each.operator}{_escaped(each.value)}" for each in self.requirements)


def parse_field_selector(text: str) -> FieldSelector:
    """Raises FieldSelectorError. Backslash escapes a comma, an equals sign or itself in a value."""
    terms = sorted(re.findall(r"(?:[^\\,]|\\.?)+", text, re.DOTALL))
    requirements = (_requirement(term, text) for term in terms)
    return FieldSelector(tuple(each for each in requirements if each.field or each.value))


def _requirement(term: str, selector: str) -> FieldRequirement:
    match = re.fullmatch(r"(.*?)(!=|==|=)(.*)", term, re.DOTALL)
    if match is None:
        raise FieldSelectorError(f"invalid selector: '{selector}'; can't understand '{term}'")
    operator = "!=" if match[2] == "!=" else "="
    return FieldRequirement(match[1], operator, _unescaped(match[3]))


def _escaped(value: str) -> str:
    return re.sub(r"([\\,=])", r"\\\1", value)


def _unescaped(value: str) -> str:
    for token in re.findall(r"\\.?|[,=]", value, re.DOTALL):
        if token in (",", "="):
            raise FieldSelectorError(f"invalid field selector: unescaped character in value: {token}")
        if token[1:] not in ("\\", ",", "="):
            raise FieldSelectorError(f"invalid field selector: invalid escape sequence: {token}")
    return re.sub(r"\\([\\,=])", r"\1", value)
