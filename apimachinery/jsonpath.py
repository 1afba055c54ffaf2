"""kubectl's JSONPath: templates such as `{range .items[*]}{.metadata.name}{"\\n"}{end}`.

Text outside of braces is copied; inside are paths, quoted texts, range and end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson


class JsonPathError(ValueError):
    """The template is wrong, or a key it names is missing where that is not allowed."""


Step = Callable[[Any, bool], Iterator[Any]]
"""From one value to the values a step further; the flag says whether a missing key is fine."""


@dataclass(frozen=True, slots=True)
class _Text:
    text: str


@dataclass(frozen=True, slots=True)
class _Path:
    steps: tuple[Step, ...]
    from_root: bool = False


@dataclass(slots=True)
class _Range:
    path: _Path
    body: list[Any] = field(default_factory=list)


class JsonPath:
    """A parsed template."""

    def __init__(self, template: str, *, allow_missing: bool = True) -> None:
        self.template = template
        self._allow_missing = allow_missing
        self._nodes = _parse_template(template)

    def render(self, obj: Any) -> str:
        """The template filled in; several results of one path are separated by spaces."""
        return "".join(self._render(self._nodes, obj, obj))

    def find(self, obj: Any) -> list[Any]:
        """What all paths of the template yield, texts left out."""
        return [
            value for node in self._nodes if isinstance(node, _Path) for value in self._walk(node, obj, obj)
        ]

    def _render(self, nodes: Sequence[Any], root: Any, current: Any) -> Iterator[str]:
        for node in nodes:
            if isinstance(node, _Text):
                yield node.text
            elif isinstance(node, _Range):
                for each in self._walk(node.path, root, current):
                    yield from self._render(node.body, root, each)
            else:
                yield " ".join(format_result(value) for value in self._walk(node, root, current))

    def _walk(self, path: _Path, root: Any, current: Any) -> list[Any]:
        values = [root if path.from_root else current]
        for step in path.steps:
            values = [found for value in values for found in step(value, self._allow_missing)]
        return values


def relaxed(expression: str, *, allow_missing: bool = True) -> JsonPath:
    """A single path in any of the forms that flags take: `{.a.b}`, `.a.b`, `a.b`."""
    match = re.fullmatch(r"\{?\.?([^{}]*)\}?", expression.strip()) if expression else None
    if match is None:
        raise JsonPathError(
            "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' "
            "or '{.name1.name2}'"
        )
    separator = "" if match[1].startswith("[") else "."
    return JsonPath(f"{{{separator}{match[1]}}}", allow_missing=allow_missing)


def format_result(value: Any) -> str:
    """Texts as they are, everything else as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _parse_template(template: str) -> list[Any]:
    bodies: list[list[Any]] = [[]]  # the template's own, then those of the ranges that are open
    for inside, text in _split_braces(template):
        if not inside:
            bodies[-1].append(_Text(text))
            continue
        for action in _split_actions(text):
            if action == "end":
                if len(bodies) == 1:
                    raise JsonPathError("not in range, nothing to end")
                bodies.pop()
            elif action.startswith("range"):
                node = _Range(_parse_path(action.removeprefix("range").strip()))
                bodies[-1].append(node)
                bodies.append(node.body)
            else:
                bodies[-1].append(_parse_action(action))
    if len(bodies) > 1:
        raise JsonPathError("unterminated range")
    return bodies[0]


def _split_braces(template: str) -> Iterator[tuple[bool, str]]:
    """(inside of braces?, text) pieces; quotes hide braces."""
    position = 0
    while position < len(template):
        start = template.find("{", position)
        if start < 0:
            yield False, template[position:]
            return
        if start > position:
            yield False, template[position:start]
        end = _closing(template, start)
        yield True, template[start + 1 : end].strip()
        position = end + 1


def _closing(template: str, start: int) -> int:
    quote = ""
    for position in range(start + 1, len(template)):
        character = template[position]
        if quote:
            if character == quote and template[position - 1] != "\\":
                quote = ""
        elif character in "'\"":
            quote = character
        elif character == "}":
            return position
    raise JsonPathError("unclosed action")


_ACTION = re.compile(
    r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|(?:\[(?:[^\]"']|"[^"]*"|'[^']*')*\]|\\.|[^\s"'])+)"""
)


def _split_actions(text: str) -> Iterator[str]:
    """The parts of one pair of braces; `range` stays with its path."""
    parts = _ACTION.findall(text)
    index = 0
    while index < len(parts):
        if parts[index] == "range" and index + 1 < len(parts):
            yield f"range {parts[index + 1]}"
            index += 1
        else:
            yield parts[index]
        index += 1


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'"}


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), text[1:-1])


def _parse_action(action: str) -> Any:
    return _Text(_unquote(action)) if action[0] in "'\"" else _parse_path(action)


_STEP = re.compile(
    r"""(?P<recursive>\.\.)
      |\.?\[\s*(?P<brackets>(?:[^\]"']|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*)\s*\]
      |\.?(?P<wildcard>\*)
      |\.(?P<field>(?:\\.|[^\s.\[\]*\\{}()=<>!&|,'"])+)
      |(?P<bare>(?:\\.|[^\s.\[\]*\\{}()=<>!&|,'"@$])+)
      |(?P<dot>\.)""",
    re.VERBOSE,
)


def _parse_path(text: str) -> _Path:
    from_root = text.startswith("$")
    position = 1 if text[:1] in ("$", "@") else 0
    steps: list[Step] = []
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            raise JsonPathError(
                f"unrecognized character in action: U+{ord(text[position]):04X} '{text[position]}'"
            )
        if step := _step_of(match):
            steps.append(step)
        elif match["recursive"]:
            # `..name` looks for the name everywhere below; a lone `..` is everything below.
            steps.append(_descend)
            if (after := _STEP.match(f".{text[match.end() :]}")) and after["field"]:
                steps.append(_field(after["field"], optional=True))
                position = match.end() + after.end() - 1
                continue
        position = match.end()
    return _Path(tuple(steps), from_root)


def _step_of(match: re.Match[str]) -> Step | None:
    if match["wildcard"]:
        return _all_of
    if match["brackets"] is not None:
        return _brackets(match["brackets"])
    name = match["field"] or match["bare"]
    return _field(name) if name else None


def _field(name: str, *, optional: bool = False) -> Step:
    plain = re.sub(r"\\(.)", r"\1", name)

    def step(value: Any, allow_missing: bool) -> Iterator[Any]:
        if isinstance(value, dict) and plain in value:
            yield value[plain]
        elif not (allow_missing or optional):
            raise JsonPathError(f"{plain} is not found")

    return step


def _all_of(value: Any, allow_missing: bool) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _descend(value: Any, allow_missing: bool) -> Iterator[Any]:
    if isinstance(value, (dict, list)):
        yield value
        for each in value.values() if isinstance(value, dict) else value:
            yield from _descend(each, allow_missing)


def _brackets(text: str) -> Step:
    if text == "*":
        return _all_of
    if text.startswith("?"):
        return _filter(text)
    parts = [part.strip() for part in re.findall(r"""(?:[^,'"]|'[^']*'|"[^"]*")+""", text)]
    steps = [_subscript(part) for part in parts]
    if not steps:
        raise JsonPathError("invalid array index []")

    def step(value: Any, allow_missing: bool) -> Iterator[Any]:
        for each in steps:
            yield from each(value, allow_missing)

    return step


def _subscript(text: str) -> Step:
    if text[:1] in ("'", '"'):
        return _inner_path(f".{text[1:-1]}")  # dots in quotes separate names unless escaped
    if not re.fullmatch(r"(-?\d+)|(-?\d*:-?\d*(:-?\d*)?)", text):
        raise JsonPathError(f"invalid array index {text}")
    if ":" in text:
        bounds = [int(part) if part else None for part in text.split(":")]
        return lambda value, allow_missing: iter(value[slice(*bounds)] if isinstance(value, list) else ())
    return _index(int(text))


def _inner_path(text: str) -> Step:
    steps = _parse_path(text).steps

    def step(value: Any, allow_missing: bool) -> Iterator[Any]:
        values = [value]
        for each in steps:
            values = [found for value in values for found in each(value, allow_missing)]
        yield from values

    return step


def _index(index: int) -> Step:
    def step(value: Any, allow_missing: bool) -> Iterator[Any]:
        if isinstance(value, list):
            if -len(value) <= index < len(value):
                yield value[index]
            elif not allow_missing:
                raise JsonPathError(f"array index out of bounds: index {index}, length {len(value)}")

    return step


_FILTER = re.compile(r"""\?\(\s*(?P<left>.+?)\s*(?:(?P<operator>==|!=|<=|>=|<|>)\s*(?P<right>.+?)\s*)?\)""")


def _filter(text: str) -> Step:
    match = _FILTER.fullmatch(text)
    if match is None:
        raise JsonPathError("unterminated filter")
    left = _operand(match["left"])
    right = _operand(match["right"]) if match["right"] else None
    operator = match["operator"]

    def step(value: Any, allow_missing: bool) -> Iterator[Any]:
        for each in value if isinstance(value, list) else ():
            found = left(each)
            if right is None:
                if found:
                    yield each
            elif found and (wanted := right(each)) and _holds(found[0], operator, wanted[0]):
                yield each

    return step


def _operand(text: str) -> Callable[[Any], list[Any]]:
    if text[:1] in ("'", '"'):
        literal: Any = _unquote(text)
    elif re.fullmatch(r"-?\d+", text):
        literal = int(text)
    elif re.fullmatch(r"-?\d*\.\d+", text):
        literal = float(text)
    elif text in ("true", "false"):
        literal = text == "true"
    else:
        path = _parse_path(text)
        inner = JsonPath("")
        return lambda value: inner._walk(path, value, value)
    return lambda value: [literal]


def _holds(left: Any, operator: str, right: Any) -> bool:
    if operator == "==":
        return bool(left == right)
    if operator == "!=":
        return bool(left != right)
    try:
        return bool(
            {"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[operator]
        )
    except TypeError:
        raise JsonPathError("incompatible types for comparison") from None
