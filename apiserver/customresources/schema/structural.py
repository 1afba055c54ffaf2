"""One place of a structural schema, read once from its JSON: what all walks over values ask about.

Source: pkg/apiserver/schema/structural.go of k8s.io/apiextensions-apiserver.
"""

from __future__ import annotations

from collections.abc import Iterator

from apimachinery.objects import Object

PRESERVE, EMBEDDED, INT_OR_STRING = (
    "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource", "x-kubernetes-int-or-string",
)  # fmt: skip
LIST_TYPE, LIST_MAP_KEYS, MAP_TYPE, VALIDATIONS = (
    "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type",
    "x-kubernetes-validations",
)  # fmt: skip
META_FIELDS = frozenset(("apiVersion", "kind", "metadata"))


class Structural:
    """A node and, below it, those of its fields, items and map values."""

    __slots__ = (
        "additional", "allows_additional", "default", "has_defaults", "has_rules", "int_or_string",
        "is_resource", "items", "list_map_keys", "list_type", "map_type", "nullable", "preserves",
        "properties", "raw", "type",
    )  # fmt: skip

    def __init__(self, raw: Object, *, is_root: bool = False) -> None:
        self.raw = raw
        self.type: str = raw.get("type") or ""
        self.nullable = bool(raw.get("nullable"))
        self.default = raw.get("default")
        self.preserves = bool(raw.get(PRESERVE))
        self.is_resource = is_root or bool(raw.get(EMBEDDED))
        self.int_or_string = bool(raw.get(INT_OR_STRING))
        self.list_type: str = raw.get(LIST_TYPE) or "atomic"
        self.list_map_keys: tuple[str, ...] = tuple(raw.get(LIST_MAP_KEYS) or ())
        self.map_type: str = raw.get(MAP_TYPE) or "granular"
        properties: Object = raw.get("properties") or {}
        self.properties = {name: Structural(each) for name, each in properties.items()}
        self.items = Structural(raw["items"]) if isinstance(raw.get("items"), dict) else None
        values = raw.get("additionalProperties")
        self.additional = Structural(values) if isinstance(values, dict) else None
        self.allows_additional = values is not None
        """Whether fields may have names that the schema does not know, even if not their inside."""
        self.has_defaults: bool = any(
            each.default is not None or each.has_defaults for each in self.children()
        )
        self.has_rules: bool = bool(raw.get(VALIDATIONS)) or any(each.has_rules for each in self.children())

    def __repr__(self) -> str:
        return f"<Structural {self.type or 'any'} {sorted(self.properties)}>"

    def children(self) -> Iterator[Structural]:
        yield from self.properties.values()
        if self.items is not None:
            yield self.items
        if self.additional is not None:
            yield self.additional

    def child(self, name: str) -> Structural | None:
        """The schema of a field or of a map's value."""
        return self.properties.get(name, self.additional)
