"""YAML as Kubernetes reads and writes it (sigs.k8s.io/yaml): no timestamps, no base 60, string keys only.

Loaded only where YAML occurs; `serialize` is its front.
"""

from __future__ import annotations

import functools
import json
import re
from typing import Any

import yaml

from apimachinery.decoding import MAX_DEPTH, Decoded, DecodeError, check_depth
from apimachinery.numbers import from_float

_BOOLS = {
    **dict.fromkeys(("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"), False),
}
_INT = re.compile(r"[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]*|[1-9][0-9_]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL_FLOAT = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_NULL = re.compile(r"~|null|Null|NULL|")
_TAG = "tag:yaml.org,2002:"
# What only the writer quotes, for readers of YAML 1.1.
_QUOTED_TOO = re.compile(
    r"[yYnN]|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"
    r"|\d{4}-\d\d?-\d\d?([Tt ]\s*\d\d?:\d\d?:\d\d?(\.\d*)?\s*(Z|[-+]\d\d?(:\d\d)?)?)?|<<|="
)

_ALIAS = re.compile(r"\*([\w-]+)")
_MAX_EXPANSION = 100_000


def _resolve(text: str) -> str:
    """The tag of a plain scalar."""
    if text in _BOOLS:
        return f"{_TAG}bool"
    if _INT.fullmatch(text):
        return f"{_TAG}int"
    if _FLOAT.fullmatch(text) or _SPECIAL_FLOAT.fullmatch(text):
        return f"{_TAG}float"
    if _NULL.fullmatch(text):
        return f"{_TAG}null"
    return f"{_TAG}merge" if text == "<<" else f"{_TAG}str"


class _Loader(yaml.CSafeLoader):
    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        if kind is yaml.ScalarNode and implicit[0]:
            return _resolve(value)
        return str(super().resolve(kind, value, implicit))  # type: ignore[no-untyped-call]  # PyYAML has no types


class _Dumper(yaml.CSafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        if kind is yaml.ScalarNode and implicit[0]:
            return f"{_TAG}bool" if _QUOTED_TOO.fullmatch(value) else _resolve(value)
        return str(super().resolve(kind, value, implicit))  # type: ignore[no-untyped-call]  # PyYAML has no types


def decode_all(text: str | bytes) -> list[Decoded]:
    """Every document, empty ones as None. Raises DecodeError."""
    try:
        source = text.decode() if isinstance(text, bytes) else text
        _refuse_deep_nesting(source)
        return [_construct(node, source) for node in _compose_all(source)]
    except UnicodeDecodeError as error:
        raise DecodeError(f"yaml: invalid UTF-8: {error}") from None
    except yaml.YAMLError as error:
        raise DecodeError(f"error converting YAML to JSON: yaml: {_go_message(error, source)}") from None


def _compose_all(source: str) -> list[Any]:
    loader = _Loader(source)
    nodes = []
    try:
        while loader.check_node():
            nodes.append(loader.get_node())
    finally:
        loader.dispose()
    return nodes


def _refuse_deep_nesting(source: str) -> None:
    """The composer recurses in C; so the depth is counted before, over events, where it could be great."""
    widest = max((len(line) - len(line.lstrip(" -?:")) for line in source.splitlines()), default=0)
    if source.count("[") + source.count("{") + widest <= MAX_DEPTH:
        return
    depth = 0
    for event in yaml.parse(source, Loader=_Loader):
        if isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
            depth += 1
        elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            depth -= 1
        if depth > MAX_DEPTH:
            raise DecodeError("exceeded max depth")


def _construct(node: Any, source: str) -> Decoded:
    builder = _Builder(limit=max(_MAX_EXPANSION, len(source)))
    value = builder.build(node, "")
    check_depth(value)
    return Decoded(value, tuple(builder.duplicates), tuple(builder.lines))


class _Builder:
    """Makes plain values of nodes; aliases are expanded, within a limit."""

    def __init__(self, limit: int) -> None:
        self.duplicates: list[str] = []
        self.lines: list[str] = []
        self._left = limit
        self._open: set[int] = set()

    def build(self, node: Any, path: str) -> Any:
        self._left -= 1
        if self._left < 0 or id(node) in self._open:
            raise DecodeError("yaml: document contains excessive aliasing")
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        self._open.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            value: Any = [self.build(each, f"{path}[{index}]") for index, each in enumerate(node.value)]
        else:
            value = self._mapping(node, path)
        self._open.discard(id(node))
        return value

    def _mapping(self, node: Any, path: str) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == f"{_TAG}merge":
                merged |= self._merged(value_node, path)
                continue
            key = _key_text(key_node)
            child = f"{path}.{key}" if path else key
            value = self.build(value_node, child)
            if key in own:
                self.duplicates.append(child)
                told = json.dumps(key, ensure_ascii=False) if key_node.tag == f"{_TAG}str" else key
                self.lines.append(f"line {value_node.start_mark.line + 1}: key {told} already set in map")
            own[key] = value
        return merged | own

    def _merged(self, node: Any, path: str) -> dict[str, Any]:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        result: dict[str, Any] = {}
        for source in reversed(sources):
            if not isinstance(source, yaml.MappingNode):
                raise DecodeError("yaml: map merge requires map or sequence of maps as the value")
            result |= self.build(source, path)
        return result


def _key_text(node: Any) -> str:
    """Keys are strings in JSON; numbers and booleans become their text."""
    if not isinstance(node, yaml.ScalarNode):
        raise DecodeError("yaml: unsupported map key: only scalars can be keys")
    value = _scalar(node)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


def _scalar(node: Any) -> Any:
    text = node.value
    match node.tag.removeprefix(_TAG):
        case "bool":
            return _BOOLS.get(text, text)
        case "null":
            return None
        case "int":
            return _integer(text)
        case "float":
            return _number(text)
    return text


def _integer(text: str) -> int | float:
    digits = text.replace("_", "")
    if len(digits) > 100:
        raise DecodeError(f"error converting YAML to JSON: yaml: number out of range: {digits[:20]}...")
    value = int(digits, 8) if re.fullmatch(r"[-+]?0[0-7]+", digits) else int(digits, 0)
    # JSON's whole numbers are 64 bits wide here; what is larger is a float to Go, too.
    return value if -(2**63) <= value < 2**64 else float(value)


def _number(text: str) -> int | float:
    if _SPECIAL_FLOAT.fullmatch(text):
        raise DecodeError(f"error converting YAML to JSON: json: unsupported value: {text.lstrip('.')}")
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise DecodeError(f"error converting YAML to JSON: yaml: number out of range: {text[:20]}")
    return from_float(value)


def _go_message(error: yaml.YAMLError, source: str) -> str:
    """Go's parser counts lines from 0, its scanner from 1, and neither tells of line 0."""
    if isinstance(error, yaml.reader.ReaderError):
        return str(error.reason)
    mark, context = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    if problem == "found undefined alias" and mark and (alias := _ALIAS.match(source, mark.index)):
        return f"unknown anchor '{alias[1]}' referenced"
    if mark and mark.line:
        line = mark.line + isinstance(error, yaml.scanner.ScannerError)
    else:
        line = context.line if context else 0
    return f"line {line}: {problem}" if line else problem


def encode(obj: Any) -> str:
    text: str = yaml.dump(
        _sorted(obj), Dumper=_Dumper, sort_keys=False, default_flow_style=False, allow_unicode=True
    )
    return text


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value, key=_natural)}
    return [_sorted(each) for each in value] if isinstance(value, list) else value


def _compare(one: str, other: str) -> int:
    """Upstream's order of keys: numbers within by value, letters after everything else."""
    for index, (a, b) in enumerate(zip(one, other, strict=False)):
        if a == b:
            continue
        if a.isalpha() or b.isalpha():
            if a.isalpha() and b.isalpha():
                return -1 if a < b else 1
            return -1 if b.isalpha() else 1
        numbers = [re.match(r"\d*", text[index:]) for text in (one, other)]
        found = [int(number[0] or 0) for number in numbers if number]
        if found[0] != found[1]:
            return -1 if found[0] < found[1] else 1
        return -1 if a < b else 1
    return len(one) - len(other)


_natural = functools.cmp_to_key(_compare)


def _represent_text(dumper: Any, text: str) -> Any:
    """Several lines as a block; what would be read as something else in double quotes."""
    style = "|" if "\n" in text else None
    if style is None and (_resolve(text) != f"{_TAG}str" or _QUOTED_TOO.fullmatch(text)):
        style = '"'
    return dumper.represent_scalar(f"{_TAG}str", text, style=style)


_Dumper.add_representer(str, _represent_text)
