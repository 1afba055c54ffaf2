"""`-o go-template`: Go's text/template, as far as templates over JSON need it.

Fields, variables, pipelines, range, if, with, else, end; the built-in functions and kubectl's base64decode.
Source of the rules: pkg.go.dev/text/template.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from kubectl.printers.go_values import text_of


class TemplateError(ValueError):
    """The template is wrong or does not fit the object."""


@dataclass(slots=True)
class Block:
    """range, if or with: its pipeline, its body and what follows else."""

    kind: str
    pipeline: str
    body: list[Any] = field(default_factory=list)
    otherwise: list[Any] = field(default_factory=list)


_ACTION = re.compile(r"\{\{(-\s)?(.*?)(\s-)?\}\}", re.DOTALL)
_WORD = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|`[^`]*`|\(|\)|\||:=|,|[^\s()|,"`]+)""")


def render(template: str, obj: Any) -> str:
    """Raises TemplateError."""
    nodes = _parse(template)
    return "".join(_run(nodes, obj, {"$": obj}))


def _parse(template: str) -> list[Any]:
    root: list[Any] = []
    stack: list[tuple[Block | None, list[Any]]] = [(None, root)]
    for text, action in _pieces(template):
        if text:
            stack[-1][1].append(text)
        if action is None or action.startswith("/*"):
            continue
        word, _, rest = action.partition(" ")
        if word in ("range", "if", "with"):
            block = Block(word, rest.strip())
            stack[-1][1].append(block)
            stack.append((block, block.body))
        elif word == "else":
            _open_else(stack, rest.strip())
        elif word == "end":
            _close(stack)
        else:
            stack[-1][1].append((action,))
    if len(stack) > 1:
        raise TemplateError("unexpected EOF")
    return root


def _open_else(stack: list[tuple[Block | None, list[Any]]], rest: str) -> None:
    block, _ = stack.pop()
    if block is None:
        raise TemplateError("unexpected {{else}}")
    stack.append((block, block.otherwise))
    if rest:
        # `else if` is an if inside of else that shares its end.
        inner = Block(rest.partition(" ")[0], rest.partition(" ")[2].strip())
        block.otherwise.append(inner)
        stack[-1] = (inner, inner.body)


def _close(stack: list[tuple[Block | None, list[Any]]]) -> None:
    if len(stack) == 1:
        raise TemplateError("unexpected {{end}}")
    stack.pop()


def _pieces(template: str) -> Iterator[tuple[str, str | None]]:
    """(text before, action) pairs; dashes in the braces trim the text beside them."""
    position, trim = 0, False
    for match in _ACTION.finditer(template):
        text = template[position : match.start()]
        text = text.lstrip() if trim else text
        yield (text.rstrip() if match[1] else text), match[2].strip()
        position, trim = match.end(), bool(match[3])
    rest = template[position:]
    if "{{" in rest:
        line = template.count("\n", 0, template.index("{{", position)) + 1
        raise TemplateError(f"template: output:{line}: unclosed action")
    yield (rest.lstrip() if trim else rest), None


Scope = dict[str, Any]


def _run(nodes: Sequence[Any], dot: Any, scope: Scope) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, str):
            yield node
        elif isinstance(node, Block):
            yield from _run_block(node, dot, scope)
        else:
            name, value = _pipeline(node[0], dot, scope)
            if name:
                scope[name] = value
            else:
                yield text_of(value)


def _run_block(block: Block, dot: Any, scope: Scope) -> Iterator[str]:
    names, pipeline = _declared(block.pipeline)
    _, value = _pipeline(pipeline, dot, scope)
    if block.kind == "range":
        entries = list(_entries(value))
        for key, each in entries:
            inner = {
                **scope,
                **dict(zip(names[-2:], (key, each) if len(names) > 1 else (each,), strict=False)),
            }
            yield from _run(block.body, each, inner)
        if not entries:
            yield from _run(block.otherwise, dot, dict(scope))
    elif is_true(value):
        inner = {**scope, **dict.fromkeys(names, value)}
        yield from _run(block.body, value if block.kind == "with" else dot, inner)
    else:
        yield from _run(block.otherwise, dot, dict(scope))


def _declared(pipeline: str) -> tuple[list[str], str]:
    """`$i, $x := pipeline`"""
    match = re.match(r"\s*(\$\w+)(?:\s*,\s*(\$\w+))?\s*:?=\s*(.*)", pipeline, re.DOTALL)
    if match is None:
        return [], pipeline
    return [name for name in match.groups()[:2] if name], match[3]


def _entries(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        yield from sorted(value.items())
    elif isinstance(value, list):
        yield from enumerate(value)
    elif value is not None:
        raise TemplateError(f"range can't iterate over {value}")


def _pipeline(text: str, dot: Any, scope: Scope) -> tuple[str, Any]:
    """(variable to set, value)"""
    names, rest = _declared(text)
    words = _WORD.findall(rest)
    value = _Evaluator(words, dot, scope).pipeline()
    return (names[0] if names else ""), value


_MISSING: Any = object()


class _Evaluator:
    """Walks the words of one pipeline."""

    def __init__(self, words: list[str], dot: Any, scope: Scope) -> None:
        self._words = words
        self._at = 0
        self._dot, self._scope = dot, scope

    def pipeline(self) -> Any:
        value = self._command(_MISSING)
        while self._at < len(self._words) and self._words[self._at] == "|":
            self._at += 1
            value = self._command(value)
        return value

    def _command(self, piped: Any) -> Any:
        arguments: list[Any] = []
        function: Callable[..., Any] | None = None
        while self._at < len(self._words) and self._words[self._at] not in ("|", ")"):
            word = self._words[self._at]
            self._at += 1
            if not arguments and function is None and word in FUNCTIONS:
                function = FUNCTIONS[word]
            else:
                arguments.append(self._operand(word))
        if piped is not _MISSING:
            arguments.append(piped)
        if function is not None:
            return _call(function, arguments)
        if not arguments:
            raise TemplateError("missing value for command")
        return arguments[0]

    def _operand(self, word: str) -> Any:
        if word == "(":
            value = self.pipeline()
            self._at += 1  # the closing parenthesis
            if self._at < len(self._words) and re.match(r"\.\w", self._words[self._at]):
                value = _path(value, self._words[self._at])
                self._at += 1
            return value
        if word[0] in '"`':
            return _unquote(word)
        if word[0] == ".":
            return _path(self._dot, word)
        if word[0] == "$":
            name, dot, rest = word.partition(".")
            if name not in self._scope:
                raise TemplateError(f'undefined variable "{name}"')
            return _path(self._scope[name], dot + rest)
        return _literal(word)


def _literal(word: str) -> Any:
    if word in ("true", "false", "nil"):
        return {"true": True, "false": False, "nil": None}[word]
    try:
        return float(word) if "." in word else int(word)
    except ValueError:
        raise TemplateError(f'function "{word}" not defined') from None


def _unquote(word: str) -> str:
    if word[0] == "`":
        return word[1:-1]
    escapes = {"n": "\n", "t": "\t", "r": "\r"}
    return re.sub(r"\\(.)", lambda match: escapes.get(match[1], match[1]), word[1:-1])


def _path(value: Any, path: str) -> Any:
    for name in path.split(".")[1:]:
        if name:
            value = value.get(name) if isinstance(value, dict) else None
    return value


def _call(function: Callable[..., Any], arguments: list[Any]) -> Any:
    try:
        return function(*arguments)
    except (TypeError, KeyError, IndexError, ValueError) as error:
        raise TemplateError(f"error calling {function.__name__.strip('_')}: {error}") from None


def is_true(value: Any) -> bool:
    return bool(value)


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else value[key]
    return value


def _printf(form: str, *values: Any) -> str:
    python = re.sub(r"%([-+# 0]*\d*(?:\.\d+)?)[vq]", lambda match: f"%{match[1]}s", form)
    return python % tuple(text_of(each) if not isinstance(each, int | float) else each for each in values)


def _first_false(*values: Any) -> Any:
    return next((each for each in values if not is_true(each)), values[-1])


def _first_true(*values: Any) -> Any:
    return next((each for each in values if is_true(each)), values[-1])


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "len": len,
    "index": _index,
    "print": lambda *values: "".join(text_of(each) for each in values),
    "println": lambda *values: " ".join(text_of(each) for each in values) + "\n",
    "printf": _printf,
    "not": lambda value: not is_true(value),
    "and": _first_false,
    "or": _first_true,
    "eq": lambda first, *others: first in others,
    "ne": lambda one, other: one != other,
    "lt": lambda one, other: one < other,
    "le": lambda one, other: one <= other,
    "gt": lambda one, other: one > other,
    "ge": lambda one, other: one >= other,
    "slice": lambda value, *bounds: value[slice(*bounds)],
    "base64decode": lambda text: base64.b64decode(text).decode(),
    "exists": lambda value, *keys: _index(value, *keys) is not None,
}
