"""Objects of every kind made up at random, with whatever the table of field numbers says they may have."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from typing import Any

from apimachinery.protobuf import EXTENSIONS, UNIONS, messages

_META = "apimachinery.pkg.apis.meta.v1"
_TEXTS = ("", "a", "web-0", "ünïcode ☃", "x" * 200, "<&>")
_ANY = (1, "a", [1, {"b": None}], {"a": {"b": [True]}}, False)
_SINGLE: dict[str, tuple[Any, ...]] = {
    "s": _TEXTS,
    "i": (0, 1, -1, 127, 128, 300, 2**31 - 1, -(2**31)),
    "b": (True, False),
    "d": (0, 1.5, -3),
    "y": tuple(base64.b64encode(each).decode() for each in (b"a", b"\0\xff", b"k" * 300)),
    f"{_META}.Time": ("2026-01-02T03:04:05Z", "1969-12-31T23:59:59Z"),
    f"{_META}.MicroTime": ("2026-01-02T03:04:05.123456Z", "1969-12-31T23:59:59.000001Z"),
    f"{_META}.Duration": ("0s", "1m30s", "300ms"),
    f"{_META}.FieldsV1": ({"f:metadata": {"f:labels": {".": {}, "f:a": {}}}},),
    f"{_META}.Verbs": (["get"], ["get", "list"]),
    "apimachinery.pkg.api.resource.Quantity": ("0", "100m", "1Gi"),
    "apimachinery.pkg.util.intstr.IntOrString": (0, 80, -1, "http", "25%"),
    "apimachinery.pkg.runtime.RawExtension": ({"kind": "X", "a": [1]},),
    f"{EXTENSIONS}.JSON": _ANY,
    **{
        f"api.{group}.v1.ExtraValue": (["a"], ["a", "b"])
        for group in ("authentication", "authorization", "certificates")
    },
}
_DEEPEST = 9


class Maker:
    """Makes values of messages; the same seed makes the same ones."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def message(self, name: str, depth: int = 0) -> dict[str, Any]:
        """Fewer fields the deeper it is, so that it ends."""
        share = max(0.08, 0.55 - 0.09 * depth) if depth < _DEEPEST else 0
        made: dict[str, Any] = {}
        for field in messages()[name].values():
            if not field.name:
                made |= self._value(field.type, depth)
            elif self._random.random() > share:
                continue
            elif field.is_map:
                names = self._random.sample(["a", "B", "z/y", "ö", ""], 2)
                made[field.name] = {each: self._value(field.type, depth + 1) for each in names}
            elif field.repeated:
                count = self._random.randint(1, 2)
                made[field.name] = [self._value(field.type, depth + 1) for _ in range(count)]
            else:
                made[field.name] = self._value(field.type, depth)
        return made

    def _value(self, type_: str, depth: int) -> Any:
        if type_ in _SINGLE:
            return self._random.choice(_SINGLE[type_])
        if type_ in UNIONS:
            return self._random.choice(self._alternatives(type_, depth + 3))()
        return self.message(type_, depth + 1)

    def _alternatives(self, union: str, depth: int) -> list[Callable[[], Any]]:
        def schema() -> Any:
            return self.message(f"{EXTENSIONS}.JSONSchemaProps", depth)

        if union.endswith("OrBool"):
            return [schema, lambda: True, lambda: False]
        return [schema, lambda: ["a", "b"] if union.endswith("OrStringArray") else [schema(), schema()]]


def without_empty(value: Any) -> Any:
    """What is left of a value without zeros and what holds nothing else, which need not be told."""
    if isinstance(value, list):
        return [without_empty(each) for each in value]
    if isinstance(value, dict):
        told = {name: without_empty(each) for name, each in value.items()}
        return {name: each for name, each in told.items() if each not in (None, {}, [], "", 0, "0s")}
    return value
