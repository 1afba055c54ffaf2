"""Requests that nobody would write, made of the schema: right paths, wrong names; right fields, wrong values.

The same seed makes the same requests.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import yaml

_LASTING = re.compile(r"/(proxy|exec|attach|portforward|log|watch)(/|$)")
"""Paths that a client may stay at; lists are watched by their parameter, for a second."""
_DEEPEST = 6
_TEXTS = (
    "", "a", "web", "default", "kube-system", "A", "-", ".", "..", "a/b", "é", "\x00", "💥", "x" * 300,
    "a" * 70_000, "true", "0", "-1", "1e400", "10Mi", "1h", "2026-01-01T00:00:00Z", "%00", "{{", "*",
    "app=web", "a in (b",
)  # fmt: skip
_NUMBERS = (0, 1, 1, 2, 3, 10, 80, 443, -1, 65536, 2**31, -(2**31) - 1, 2**63, 2**63 - 1, 10**400, 0.5, 1e308)
_NAMES = (
    "web",
    "web",
    "web",
    "a",
    "a",
    "a",
    "default",
    "kubernetes",
    "no-such",
    "system:masters",
    "..",
    "%2e%2e",
    "A B",
    "x" * 300,
)
_JSON_TYPES = ("application/json", "application/json", "application/json", "application/yaml")
_PATCHES = (
    "application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)  # fmt: skip
_OTHER_TYPES = ("", "text/plain", "application/vnd.kubernetes.protobuf", "application/cbor", ";;;")
_ACCEPTS = (
    "application/json", "*/*", "application/yaml", "application/json;as=Table;g=meta.k8s.io;v=v1",
    "text/plain", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
    "application/vnd.kubernetes.protobuf", ";q=x",
)  # fmt: skip


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    parameters: tuple[str, ...]
    body: Any


class Fuzzer:
    """`documents`: OpenAPI v3, one for each group and version."""

    def __init__(
        self, documents: Sequence[Mapping[str, Any]], examples: Mapping[str, Any], seed: int
    ) -> None:
        """`examples`: a good object by its kind."""
        self._dice = random.Random(seed)
        self._examples = examples
        self._schemas: dict[str, Any] = {}
        self._operations: list[Operation] = []
        for document in documents:
            self._schemas |= document.get("components", {}).get("schemas", {})
            for path, item in document["paths"].items():
                if not _LASTING.search(path):
                    self._operations += [
                        _operation(method, path, item) for method in item if method in _METHODS
                    ]

    def request(self) -> Request:
        dice = self._dice
        operation = dice.choice(self._operations)
        path = re.sub(r"\{(\w+)\}", lambda match: self._segment(match[1]), operation.path)
        content_type, body = self._content(operation)
        headers = {
            "accept": dice.choice(_ACCEPTS),
            **({"content-type": content_type} if content_type else {}),
        }
        return Request(operation.method.upper(), path, self._query(operation), headers, body)

    def _segment(self, parameter: str) -> str:
        if parameter == "namespace":
            return self._dice.choice(("default", "default", "default", *_NAMES)).replace(" ", "%20")
        return self._dice.choice(_NAMES).replace(" ", "%20")

    def _query(self, operation: Operation) -> list[tuple[str, str]]:
        """A watch would last; one that is asked for ends soon."""
        dice = self._dice
        chosen = [name for name in operation.parameters if name != "watch" and dice.random() < 0.03]
        query = [(name, dice.choice(_TEXTS)[:1000]) for name in chosen]
        if operation.method == "get" and dice.random() < 0.05:
            query = [(name, value) for name, value in query if name != "timeoutSeconds"]
            query += [("watch", "1"), ("timeoutSeconds", "1")]
        if operation.method == "patch" and dice.random() < 0.8:
            query = [each for each in query if each[0] != "fieldManager"] + [("fieldManager", "fuzz")]
        return query

    def _content(self, operation: Operation) -> tuple[str, bytes]:
        dice = self._dice
        if operation.method == "get" or (operation.method == "delete" and dice.random() < 0.7):
            return "", b""
        if dice.random() < 0.03:
            return dice.choice(_OTHER_TYPES), dice.randbytes(dice.randrange(200))
        value = self._object_for(operation.body)
        if operation.method == "patch":
            content_type = dice.choice(_PATCHES)
            if content_type == _PATCHES[0]:
                value = self._json_patch()
        else:
            content_type = dice.choice(_JSON_TYPES)
        return content_type, self._encoded(value, content_type)

    def _object_for(self, schema: Any) -> Any:
        """Half the time one that was good before something was done to it."""
        kind = _group_version_kind(self._resolved(schema)).get("kind", "")
        if kind not in self._examples or self._dice.random() < 0.4:
            return self.value(schema, 0)
        example = deepcopy(self._examples[kind])
        for _ in range(self._dice.choice((0, 1, 1, 2, 3))):
            self._damage(example)
        return example

    def _damage(self, value: Any) -> None:
        """Replaces, adds or takes away something, at any depth."""
        dice = self._dice
        while isinstance(value, dict | list) and value:
            key = dice.choice([*value]) if isinstance(value, dict) else dice.randrange(len(value))
            if not isinstance(value[key], dict | list) or dice.random() < 0.15:
                break
            value = value[key]
        else:
            return
        if dice.random() < 0.2:
            del value[key]
        elif isinstance(value, dict) and dice.random() < 0.2:
            value[dice.choice(_TEXTS)] = self._anything()
        else:
            same = {str: _TEXTS, int: _NUMBERS}.get(type(value[key]))
            value[key] = dice.choice(same) if same and dice.random() < 0.7 else self._anything()

    def _encoded(self, value: Any, content_type: str) -> bytes:
        body = _to_yaml(value) if content_type == "application/yaml" else _to_json(value)
        if self._dice.random() < 0.03:
            return body[: self._dice.randrange(len(body) + 1)]
        return body

    def _json_patch(self) -> Any:
        dice = self._dice
        paths = ("/metadata/labels/a", "/spec", "/spec/replicas", "/metadata/name", "", "/x/-", "~", "/a~2b")
        return [
            {
                "op": dice.choice(("add", "remove", "replace", "move", "copy", "test", "nonsense")),
                "path": dice.choice(paths), "from": dice.choice(paths), "value": self._anything(),
            }
            for _ in range(dice.randrange(4))
        ]  # fmt: skip

    def value(self, schema: Any, depth: int) -> Any:
        """Mostly what the schema says."""
        dice = self._dice
        if dice.random() < 0.008 or depth > _DEEPEST:
            return self._anything()
        schema = self._resolved(schema)
        if schema.get("enum"):
            return dice.choice([*schema["enum"], dice.choice(_TEXTS)])
        match schema.get("type"):
            case "object":
                return self._object(schema, depth)
            case "array":
                return [
                    self.value(schema.get("items") or {}, depth + 1) for _ in range(dice.choice((0, 1, 1, 2)))
                ]
            case "string":
                return dice.choice(_TEXTS)
            case "integer" | "number":
                return dice.choice(_NUMBERS)
            case "boolean":
                return dice.random() < 0.5
        return self._anything()

    def _object(self, schema: Mapping[str, Any], depth: int) -> Any:
        dice, properties = self._dice, schema.get("properties") or {}
        if not properties:
            values = schema.get("additionalProperties") or {}
            return {dice.choice(_TEXTS): self.value(values, depth + 1) for _ in range(dice.randrange(3))}
        wanted = {*schema.get("required", ()), *(("metadata", "spec") if depth == 0 else ())}
        part = 0.35 if depth < 3 else 0.15
        made = {
            name: self.value(each, depth + 1)
            for name, each in properties.items()
            if (name in wanted and dice.random() < 0.95) or dice.random() < part
        }
        if depth == 0 and dice.random() < 0.9:
            made |= _group_version_kind(schema)
            made["metadata"] = {
                "name": dice.choice(("web", "a", dice.choice(_TEXTS))),
                "labels": {"app": "web"},
            }
        return made

    def _anything(self) -> Any:
        dice = self._dice
        return dice.choice(
            (None, True, [], {}, [None], {"": None}, dice.choice(_TEXTS), dice.choice(_NUMBERS))
        )

    def _resolved(self, schema: Any) -> Mapping[str, Any]:
        for _ in range(5):
            if "allOf" in schema:
                schema = schema["allOf"][0]
            elif "$ref" in schema:
                schema = self._schemas[schema["$ref"].rpartition("/")[2]]
            elif "oneOf" in schema:
                schema = self._dice.choice(schema["oneOf"])
            else:
                break
        found: Mapping[str, Any] = schema
        return found


def _group_version_kind(schema: Mapping[str, Any]) -> dict[str, str]:
    kinds = schema.get("x-kubernetes-group-version-kind") or ()
    if len(kinds) != 1:
        return {}
    group, version = kinds[0]["group"], kinds[0]["version"]
    return {"apiVersion": f"{group}/{version}" if group else version, "kind": kinds[0]["kind"]}


_METHODS = ("get", "post", "put", "patch", "delete")


def _operation(method: str, path: str, item: Mapping[str, Any]) -> Operation:
    """The schema of a patch is that of what it patches."""
    raw = item[method]
    parameters = [*(item.get("parameters") or ()), *(raw.get("parameters") or ())]
    names = tuple(each["name"] for each in parameters if each.get("in") == "query")
    whole = item.get("put", raw) if method == "patch" else raw
    content = (whole.get("requestBody") or {}).get("content") or {}
    schema = next(iter(content.values()), {}).get("schema") or {}
    return Operation(method, path, names, schema)


def _to_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _to_yaml(value: Any) -> bytes:
    return yaml.dump(value, Dumper=yaml.CSafeDumper).encode()
