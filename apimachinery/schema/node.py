"""A schema as data: definitions by name, nodes that follow references, and what patches ask about lists."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

Raw = dict[str, Any]

_GVK = "x-kubernetes-group-version-kind"
_REF = "#/definitions/"


class SchemaSet:
    """All definitions that may refer to one another."""

    def __init__(self, definitions: Mapping[str, Raw]) -> None:
        self.definitions = definitions
        self.compiled: dict[str, Any] = {}
        """What others have made of these definitions, to be made once."""
        self._nodes: dict[str, SchemaNode] = {}

    @cached_property
    def _by_kind(self) -> dict[tuple[str, str], str]:
        return {
            (f"{gvk['group']}/{gvk['version']}" if gvk["group"] else gvk["version"], gvk["kind"]): name
            for name, raw in self.definitions.items()
            for gvk in raw.get(_GVK, ())
        }

    def node(self, api_version: str, kind: str) -> SchemaNode:
        """The schema of a kind. Raises KeyError."""
        return self.definition(self._by_kind[api_version, kind])

    def find(self, api_version: str, kind: str) -> SchemaNode | None:
        name = self._by_kind.get((api_version, kind))
        return self.definition(name) if name else None

    def definition(self, name: str) -> SchemaNode:
        node = self._nodes.get(name)
        if node is None:
            node = self._nodes[name] = SchemaNode({"$ref": f"{_REF}{name}"}, self)
        return node


class SchemaNode:
    """The schema of one place in an object: what the place says, over what its definition says."""

    def __init__(self, place: Raw, schemas: SchemaSet | None = None) -> None:
        self.place = place
        self.schemas = schemas or SchemaSet({})
        self._children: dict[str, SchemaNode | None] = {}

    @cached_property
    def definition_name(self) -> str:
        """The name of the definition that this place refers to, or nothing."""
        return str(self.place.get("$ref", "")).removeprefix(_REF)

    @cached_property
    def raw(self) -> Raw:
        """The OpenAPI schema, the reference followed."""
        return self.schemas.definitions[self.definition_name] if self.definition_name else self.place

    def extension(self, name: str) -> Any:
        """`x-kubernetes-<name>`, of the place or of the definition."""
        key = f"x-kubernetes-{name}"
        return self.place.get(key, self.raw.get(key))

    @property
    def type(self) -> str:
        """object, array, string, integer, number, boolean; empty if the schema leaves it open."""
        declared: str = self.raw.get("type") or ("object" if "properties" in self.raw else "")
        return declared

    @property
    def format(self) -> str:
        return str(self.raw.get("format", ""))

    @cached_property
    def struct_name(self) -> str:
        """The last part of the definition's name, which is upstream's Go type (`PodSpec`)."""
        return self.definition_name.rpartition(".")[2]

    def child(self, name: str) -> SchemaNode | None:
        """The schema of a field or map entry; None for fields the schema does not know."""
        if name not in self._children:
            raw = self.raw.get("properties", {}).get(name)
            self._children[name] = SchemaNode(raw, self.schemas) if raw is not None else self.values
        return self._children[name]

    @cached_property
    def values(self) -> SchemaNode | None:
        """The schema of every value of a map."""
        raw = self.raw.get("additionalProperties")
        return SchemaNode(raw, self.schemas) if isinstance(raw, dict) and raw else None

    @cached_property
    def items(self) -> SchemaNode | None:
        """The schema of every item of a list."""
        raw = self.raw.get("items")
        return SchemaNode(raw, self.schemas) if raw else None

    @property
    def fields(self) -> Mapping[str, Raw]:
        """The declared fields, by name."""
        declared: Mapping[str, Raw] = self.raw.get("properties", {})
        return declared

    @property
    def merge_key(self) -> str:
        """The field by which strategic merge matches the items of this list."""
        return self.extension("patch-merge-key") or ""

    @property
    def patch_strategies(self) -> tuple[str, ...]:
        """merge, replace, retainKeys."""
        return (
            tuple((self.extension("patch-strategy") or "").split(","))
            if self.extension("patch-strategy")
            else ()
        )

    @property
    def list_type(self) -> str:
        """atomic, set or map; lists that say nothing are atomic."""
        return self.extension("list-type") or "atomic"

    @property
    def list_map_keys(self) -> tuple[str, ...]:
        return tuple(self.extension("list-map-keys") or ())

    def __repr__(self) -> str:
        return f"SchemaNode({self.definition_name or self.type!r})"
