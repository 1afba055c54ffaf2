"""Label selectors: parsed once, matched often, printed as upstream prints them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from apimachinery import names
from apimachinery.objects import Object

IN, NOT_IN, EXISTS, DOES_NOT_EXIST = "in", "notin", "exists", "!"
EQUALS, GREATER, LESS = "=", "gt", "lt"


class SelectorError(ValueError):
    """The text is no selector; the message is upstream's."""


@dataclass(frozen=True, slots=True)
class Requirement:
    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        match self.operator:
            case "=" | "==" | "in":
                return value is not None and value in self.values
            case "!=" | "notin":
                return value is None or value not in self.values
            case "exists":
                return value is not None
            case "!":
                return value is None
        return value is not None and self._compares(value)

    def _compares(self, value: str) -> bool:
        try:
            difference = int(value) - int(self.values[0])
        except ValueError:
            return False
        return difference > 0 if self.operator == GREATER else difference < 0

    def __str__(self) -> str:
        match self.operator:
            case "exists":
                return self.key
            case "!":
                return f"!{self.key}"
            case "in" | "notin":
                return f"{self.key} {self.operator} ({','.join(sorted(self.values))})"
            case "gt" | "lt":
                return f"{self.key}{'>' if self.operator == GREATER else '<'}{self.values[0]}"
        return f"{self.key}{self.operator}{self.values[0]}"


@dataclass(frozen=True, slots=True)
class Selector:
    """All requirements must hold. Without any, everything matches, unless it is the selector of nothing."""

    requirements: tuple[Requirement, ...] = ()
    nothing: bool = False

    def matches(self, labels: Mapping[str, str]) -> bool:
        return not self.nothing and all(each.matches(labels) for each in self.requirements)

    @property
    def is_empty(self) -> bool:
        """Whether it matches everything."""
        return not self.requirements and not self.nothing

    def __str__(self) -> str:
        return ",".join(str(each) for each in self.requirements)


EVERYTHING = Selector()
NOTHING = Selector(nothing=True)


def selector_from_map(wanted: Mapping[str, str] | None) -> Selector:
    """Equality with every entry; no entries select everything."""
    pairs = sorted((wanted or {}).items())
    return Selector(tuple(Requirement(key, EQUALS, (value,)) for key, value in pairs))


_LABEL_SELECTOR_OPERATORS = {
    "In": IN, "NotIn": NOT_IN, "Exists": EXISTS, "DoesNotExist": DOES_NOT_EXIST, "Gt": GREATER, "Lt": LESS,
}  # fmt: skip


def selector_from_label_selector(selector: Object | None) -> Selector:
    """A meta/v1 LabelSelector: None selects nothing, {} everything. Raises SelectorError."""
    if selector is None:
        return NOTHING
    found = list(selector_from_map(selector.get("matchLabels")).requirements)
    found += [_from_expression(each) for each in selector.get("matchExpressions") or ()]
    return Selector(tuple(sorted(found, key=lambda each: each.key)))


def _from_expression(expression: Object) -> Requirement:
    operator = _LABEL_SELECTOR_OPERATORS.get(expression.get("operator") or "")
    if operator is None:
        raise SelectorError(f'"{expression.get("operator")}" is not a valid label selector operator')
    return Requirement(expression["key"], operator, tuple(expression.get("values") or ()))


_PUNCTUATION = frozenset(("=", "==", "!=", ",", "(", ")", "<", ">"))
_TOKEN = re.compile(r"\s*(==|!=|=|!|,|\(|\)|<|>|[^\s=!,()<>]+)")


@lru_cache(maxsize=512)
def parse_selector(text: str) -> Selector:
    """The text form: `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`. Raises SelectorError."""
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != re.sub(r"\s", "", text):
        raise SelectorError(f"unable to parse requirement: {text}")
    parser = _Parser(tokens)
    return Selector(tuple(sorted(parser.requirements(), key=lambda each: each.key)))


class _Parser:
    """A walk over the tokens of one selector."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self._at += 1
        return token

    def requirements(self) -> list[Requirement]:
        found: list[Requirement] = []
        while token := self._peek():
            if token in _PUNCTUATION:
                raise SelectorError(f"found '{token}', expected: !, identifier, or 'end of string'")
            found.append(self._explained_requirement())
            if not self._peek():
                break
            if (separator := self._next()) != ",":
                raise SelectorError(f"found '{separator}', expected: ',' or 'end of string'")
            if not self._peek() or self._peek() == ",":
                raise SelectorError(f"found '{self._peek()}', expected: identifier after ','")
        return found

    def _explained_requirement(self) -> Requirement:
        try:
            return self._requirement()
        except SelectorError as error:
            raise SelectorError(f"unable to parse requirement: {error}") from None

    def _requirement(self) -> Requirement:
        if self._peek() == "!":
            self._next()
            return Requirement(self._key(), DOES_NOT_EXIST)
        key = self._key()
        if self._peek() in ("", ","):
            return Requirement(key, EXISTS)
        operator = self._next()
        if operator in ("in", "notin"):
            return Requirement(key, operator, self._values())
        if operator in (">", "<"):
            return Requirement(key, GREATER if operator == ">" else LESS, (self._integer(),))
        if operator in ("=", "==", "!="):
            return Requirement(key, operator, (self._value(key),))
        raise SelectorError(f"found '{operator}', expected: in, notin, =, ==, !=, gt, lt")

    def _key(self) -> str:
        key = self._next()
        if key in _PUNCTUATION or not key:
            raise SelectorError(f"found '{key}', expected: identifier")
        if errors := names.is_qualified_name(key):
            raise SelectorError(f'<nil>: Invalid value: "{key}": {"; ".join(errors)}')
        return key

    def _value(self, key: str) -> str:
        if self._peek() in ("", ","):
            return ""
        value = self._next()
        if value in _PUNCTUATION or value == "!":
            raise SelectorError(f"found '{value}', expected: identifier")
        if errors := names.is_label_value(value):
            raise SelectorError(f'values[0][{key}]: Invalid value: "{value}": {"; ".join(errors)}')
        return value

    def _integer(self) -> str:
        value = self._next()
        if not re.fullmatch(r"[+-]?\d+", value):
            text = "for 'Gt', 'Lt' operators, the value must be an integer"
            raise SelectorError(f'values[0]: Invalid value: "{value}": {text}')
        return value

    def _values(self) -> tuple[str, ...]:
        if (opening := self._next()) != "(":
            raise SelectorError(f"found '{opening}' expected: '('")
        if not self._peek():
            raise SelectorError("found '', expected: ',', ')' or identifier")
        values: list[str] = []
        while True:
            values.append("" if self._peek() in (",", ")") else self._next())
            token = self._next()
            if token == ")":
                return tuple(sorted(set(values)))
            if token != ",":
                raise SelectorError(f"found '{token}', expected: ',' or ')'")
