"""`-o go-template`: Go's text/template, as far as templates over JSON need it.

Fields, variables, pipelines, range with break and continue, if, with, else, end, and functions.
Source of the rules: pkg.go.dev/text/template.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from kubectl.printers.go_functions import DECIDING, FUNCTIONS, is_true
from kubectl.printers.go_values import text_of


class TemplateError(ValueError):
    """The template is wrong or does not fit the object."""


class ExecutionError(TemplateError):
    """The template does not fit the object."""


@dataclass(slots=True)
class Block:
    """range, if or with: its pipeline, its body and what follows else."""

    kind: str
    pipeline: str
    body: list[Any] = field(default_factory=list)
    otherwise: list[Any] = field(default_factory=list)


class _Break(Exception):
    """Ends the innermost range."""


class _Continue(Exception):
    """Goes on with what the innermost range has next."""


_LOOPING: dict[str, type[Exception]] = {"break": _Break, "continue": _Continue}
_KEYWORD = re.compile(r"([a-z]*)\s*(.*)", re.DOTALL)
_ACTION = re.compile(r"\{\{(-\s)?(.*?)(\s-)?\}\}", re.DOTALL)
_WORD = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|`[^`]*`|\(|\)|\||:=|,|[^\s()|,"`]+)""")


class _Complete(dict[str, Any]):
    """A map that must have what a template names."""

    def get(self, key: str, default: Any = None) -> Any:
        if key not in self:
            raise ExecutionError(f'map has no entry for key "{key}"')
        return self[key]


def _complete(value: Any) -> Any:
    if isinstance(value, dict):
        return _Complete((key, _complete(each)) for key, each in value.items())
    return list(map(_complete, value)) if isinstance(value, list) else value


def render(template: str, obj: Any, *, allow_missing: bool = True) -> str:
    """Raises TemplateError."""
    nodes = _parse(template)
    obj = obj if allow_missing else _complete(obj)
    return "".join(_run(nodes, obj, ChainMap({"$": obj})))


def _parse(template: str) -> list[Any]:
    root: list[Any] = []
    stack: list[tuple[Block | None, list[Any]]] = [(None, root)]
    for text, action in _pieces(template):
        if text:
            stack[-1][1].append(text)
        if action is None or action.startswith("/*"):
            continue
        word, rest = _keyword(action)
        if word in ("range", "if", "with"):
            block = Block(word, rest)
            stack[-1][1].append(block)
            stack.append((block, block.body))
        elif word == "else":
            _open_else(stack, rest)
        elif word == "end":
            _close(stack)
        elif word in _LOOPING:
            # What follows the else of a range is outside of it.
            if not any(block and block.kind == "range" and nodes is block.body for block, nodes in stack):
                raise TemplateError(f"{{{{{word}}}}} outside {{{{range}}}}")
            stack[-1][1].append(_LOOPING[word])
        else:
            stack[-1][1].append((action,))
    if len(stack) > 1:
        raise TemplateError("unexpected EOF")
    return root


def _keyword(action: str) -> tuple[str, str]:
    """`range` and `.items` of `range.items`, which needs no blank."""
    match = _KEYWORD.match(action)
    assert match is not None
    return match[1], match[2].strip()


def _open_else(stack: list[tuple[Block | None, list[Any]]], rest: str) -> None:
    block, _ = stack.pop()
    if block is None:
        raise TemplateError("unexpected {{else}}")
    stack.append((block, block.otherwise))
    if rest:
        # `else if` is an if inside of else that shares its end.
        inner = Block(*_keyword(rest))
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


Scope = ChainMap[str, Any]
"""Variables by name; each block has its own before those around it."""


def _run(nodes: Sequence[Any], dot: Any, scope: Scope) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, str):
            yield node
        elif isinstance(node, Block):
            yield from _run_block(node, dot, scope)
        elif isinstance(node, type):
            raise node
        else:
            names, pipeline, declares = _declared(node[0])
            value = _evaluate(pipeline, dot, scope)
            if names:
                _set(scope, names[0], value, declares)
            else:
                yield text_of(value)


def _run_block(block: Block, dot: Any, scope: Scope) -> Iterator[str]:
    names, pipeline, declares = _declared(block.pipeline)
    value = _evaluate(pipeline, dot, scope)
    inner = scope.new_child()
    if block.kind == "range":
        entries = list(_entries(value))
        for entry in entries:
            for name, each in zip(names, entry[-len(names) :], strict=False):
                _set(inner, name, each, declares)
            try:
                yield from _run(block.body, entry[1], inner.new_child())
            except _Continue:
                continue
            except _Break:
                break
        if not entries:
            yield from _run(block.otherwise, dot, inner)
        return
    for name in names:
        _set(inner, name, value, declares)
    if is_true(value):
        yield from _run(block.body, value if block.kind == "with" else dot, inner)
    else:
        yield from _run(block.otherwise, dot, inner)


def _declared(pipeline: str) -> tuple[list[str], str, bool]:
    """`$i, $x := pipeline`: the names, the rest, and whether they are new."""
    match = re.match(r"\s*(\$\w+)(?:\s*,\s*(\$\w+))?\s*(:?=)\s*(.*)", pipeline, re.DOTALL)
    if match is None:
        return [], pipeline, False
    return [name for name in match.groups()[:2] if name], match[4], match[3] == ":="


def _set(scope: Scope, name: str, value: Any, declares: bool) -> None:
    """A new variable of this block, or one that is there, wherever."""
    if declares:
        scope.maps[0][name] = value
        return
    for variables in scope.maps:
        if name in variables:
            variables[name] = value
            return
    raise TemplateError(f'undefined variable "{name}"')


def _entries(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        yield from sorted(value.items())
    elif isinstance(value, list):
        yield from enumerate(value)
    elif type(value) is int:
        yield from zip(range(value), range(value), strict=True)
    elif value is not None:
        raise ExecutionError(f"range can't iterate over {value}")


def _evaluate(pipeline: str, dot: Any, scope: Scope) -> Any:
    return _Evaluator(_WORD.findall(pipeline), dot, scope).pipeline()


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
            elif function in DECIDING and any(is_true(each) is DECIDING[function] for each in arguments):
                self._skip(word)
            else:
                arguments.append(self._operand(word))
        if piped is not _MISSING:
            arguments.append(piped)
        if function is not None:
            return _call(function, arguments)
        if not arguments:
            raise TemplateError("missing value for command")
        return arguments[0]

    def _skip(self, word: str) -> None:
        """Goes past an operand that no longer matters."""
        depth = 0
        while (depth := depth + (word == "(") - (word == ")")) and self._at < len(self._words):
            word = self._words[self._at]
            self._at += 1

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
        if not name:
            continue
        if value is not None and not isinstance(value, dict):
            raise ExecutionError(f"can't evaluate field {name} in type interface {{}}")
        value = None if value is None else value.get(name)
    return value


def _call(function: Callable[..., Any], arguments: list[Any]) -> Any:
    try:
        return function(*arguments)
    except (TypeError, KeyError, IndexError, ValueError) as error:
        raise ExecutionError(f"error calling {function.__name__.strip('_')}: {error}") from None
