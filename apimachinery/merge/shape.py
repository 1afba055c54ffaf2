"""The schema as merging sees it: what is one value to it, and how the items of a list are told apart.

A place may hold a scalar, a list or a map, or any of them. A list or a map is atomic, which is one value to
merging, or each item or entry is somebody's own. Shapes are made of schema nodes, each definition once, when
they are first needed.
Source: pkg/schemaconv/openapi.go of kube-openapi.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any, Literal

from apimachinery.merge.fields import key_step, value_step
from apimachinery.schema.node import SchemaNode, SchemaSet

Scalar = Literal["", "numeric", "string", "boolean", "untyped"]

_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_RAW_EXTENSION = "io.k8s.apimachinery.pkg.runtime.RawExtension"


class ShapeError(ValueError):
    """A value that does not fit its shape; the message is upstream's."""


class Shape:
    """What one place may hold. Without a schema it holds anything: maps are merged, lists are atomic."""

    scalar: Scalar = "untyped"
    list: ListShape | None
    map: MapShape | None

    def part_for(self, value: Any) -> Scalar | ListShape | MapShape:
        """The part that a value is held against: its own, or the first there is."""
        kind = type(value)
        if kind is dict and self.map is not None:
            return self.map
        if kind is list and self.list is not None:
            return self.list
        if self.scalar and value is not None and kind is not dict and kind is not list:
            return self.scalar
        return self.map or self.scalar or self.list or ""


class MapShape:
    """A struct or a map."""

    atomic = False

    def is_field(self, name: str) -> bool:
        """Whether the schema names the field; entries of maps are not named."""
        return False

    def is_never_null(self, name: str) -> bool:
        """Whether null can only mean that the field is not there."""
        return False

    def child(self, name: str) -> Shape | None:
        """The shape of an entry; None if the schema has no place for it."""
        raise NotImplementedError

    def zero(self, name: str) -> Any:
        """What a field of a Go struct holds when nobody has set it; None if it is not there then."""
        return None

    @property
    def is_deduced(self) -> bool:
        """Whether nothing is known about any entry."""
        return False


class ListShape:
    atomic = True
    keys: tuple[str, ...] = ()
    """What tells items of a list map apart; a list without keys that is not atomic is a set."""

    @property
    def items(self) -> Shape:
        raise NotImplementedError

    def key_default(self, name: str) -> Any:
        """What a key that an item does not name is taken for."""
        return None

    def step(self, item: Any) -> str:
        """The step to an item of a list that is not atomic. Raises ShapeError."""
        return self._key_step(item) if self.keys else _set_step(item)

    def _key_step(self, item: Any) -> str:
        if item is None:
            raise ShapeError("associative list with keys may not have a null element")
        if not isinstance(item, dict):
            raise ShapeError("associative list with keys may not have non-map elements")
        if len(self.keys) == 1 and type(value := item.get(self.keys[0])) is str:
            return _named_step(self.keys[0], value)
        found = {}
        for name in self.keys:
            value = item[name] if name in item else self.key_default(name)
            if value is not None or name in item:
                found[name] = value
        if not found:
            listed = " ".join(f'"{name}"' for name in self.keys)
            raise ShapeError(
                f"associative list with keys has an element that omits all key fields [{listed}] "
                "(and doesn't have default values for any key fields)"
            )
        return key_step(found)


@lru_cache(maxsize=4096)
def _named_step(key: str, value: str) -> str:
    """Most items are told apart by one text, and most texts are seen again."""
    return key_step({key: value})


def _set_step(item: Any) -> str:
    if isinstance(item, dict):
        raise ShapeError("associative list without keys has an element that's a map type")
    if isinstance(item, list):
        raise ShapeError("not supported: associative list with lists as elements")
    if item is None:
        raise ShapeError("associative list without keys has an element that's an explicit null")
    return value_step(item)


class _Fixed(Shape):
    """A shape that knows its parts."""

    def __init__(self, scalar: Scalar) -> None:
        self.scalar = scalar
        self.list = None
        self.map = None


class _UntypedMap(MapShape):
    def __init__(self, entries: Shape, atomic: bool) -> None:
        self._entries = entries
        self.atomic = atomic

    def child(self, name: str) -> Shape:
        return self._entries

    @property
    def is_deduced(self) -> bool:
        return not self.atomic


class _UntypedList(ListShape):
    def __init__(self, items: Shape) -> None:
        self._items = items

    @property
    def items(self) -> Shape:
        return self._items


def _untyped(atomic: bool) -> Shape:
    shape = _Fixed("untyped")
    shape.map = _UntypedMap(shape, atomic)
    shape.list = _UntypedList(shape if atomic else ATOMIC)
    return shape


ATOMIC: Shape = _untyped(atomic=True)
"""Anything, as one value."""
DEDUCED: Shape = _untyped(atomic=False)
"""Anything, merged as its form suggests: what there is no schema for."""


def shape_of(node: SchemaNode) -> Shape:
    """The shape of a kind."""
    return _shapes(node.schemas).of(node, preserving=False)


class _Shapes:
    """The shapes of one SchemaSet; places that refer to the same definition share one."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, bool], Shape] = {}

    def of(self, node: SchemaNode, preserving: bool) -> Shape:
        """`preserving`: whether a schema further up keeps what it does not know."""
        name = node.definition_name
        if name == _QUANTITY:
            return _Fixed("untyped")
        if name == _RAW_EXTENSION:
            return ATOMIC
        if not name:
            return _SchemaShape(node, self, preserving)
        key = (name, node.place.get("x-kubernetes-map-type", ""), False)
        if key not in self._known:
            self._known[key] = _SchemaShape(node, self, preserving=False)
        return self._known[key]


def _shapes(schemas: SchemaSet) -> _Shapes:
    shapes: _Shapes = schemas.compiled.setdefault("merge", _Shapes())
    return shapes


class _SchemaShape(Shape):
    def __init__(self, node: SchemaNode, shapes: _Shapes, preserving: bool) -> None:
        preserving = preserving or bool(node.extension("preserve-unknown-fields"))
        kind = node.type
        self.scalar = _scalar(kind, node.format)
        self.list = _SchemaList(node, shapes, preserving) if kind in ("array", "") else None
        self.map = _SchemaMap(node, shapes, preserving) if kind in ("object", "") else None


def _scalar(kind: str, form: str) -> Scalar:
    if kind in ("object", "array"):
        return ""
    if kind == "string" and form in ("", "byte"):
        return "string"
    if kind in ("integer", "number"):
        return "numeric"
    return "boolean" if kind == "boolean" else "untyped"


class _SchemaMap(MapShape):
    def __init__(self, node: SchemaNode, shapes: _Shapes, preserving: bool) -> None:
        self._node = node
        self._shapes = shapes
        self._preserving = preserving
        self._fields = node.fields
        self._children: dict[str, Shape] = {}
        self.atomic = node.extension("map-type") == "atomic"

    def is_field(self, name: str) -> bool:
        return name in self._fields

    def is_never_null(self, name: str) -> bool:
        return bool(self._node.definition_name) and name in self._fields

    def child(self, name: str) -> Shape | None:
        known = self._children.get(name)
        if known is not None:
            return known
        node = self._node.child(name) if name in self._fields else None
        if node is None:
            return self._entries
        known = self._children[name] = self._shapes.of(node, self._preserving)
        return known

    def zero(self, name: str) -> Any:
        return self._zeros.get(name)

    @cached_property
    def _zeros(self) -> dict[str, Any]:
        """Structs by value are always there, and so are lists and maps that have to be given."""
        if not self._node.definition_name:
            return {}
        given = self._node.raw.get("required", ())
        found = {name: _zero(field, name in given) for name, field in self._fields.items()}
        return {name: zero for name, zero in found.items() if zero is not None}

    @cached_property
    def _entries(self) -> Shape | None:
        """What entries hold that the schema does not name."""
        if self._node.values is not None:
            return self._shapes.of(self._node.values, self._preserving)
        declared = self._node.raw.get("additionalProperties")
        free = declared in (True, {}) or (declared is None and (self._preserving or not self._fields))
        return DEDUCED if free else None

    @property
    def is_deduced(self) -> bool:
        return self._entries is DEDUCED and not self._fields


def _zero(field: dict[str, Any], given: bool) -> Any:
    default = field.get("default")
    if default is not None:
        return None if default else default
    return {"array": [], "object": {}}.get(field.get("type", "")) if given else None


class _SchemaList(ListShape):
    def __init__(self, node: SchemaNode, shapes: _Shapes, preserving: bool) -> None:
        self._node = node
        self._shapes = shapes
        self._preserving = preserving
        self.atomic = node.list_type == "atomic"
        self.keys = node.list_map_keys if node.list_type == "map" else ()

    @cached_property
    def items(self) -> Shape:
        return self._shapes.of(self._node.items, self._preserving) if self._node.items else ATOMIC

    def key_default(self, name: str) -> Any:
        items = self._node.items
        field = items.child(name) if items else None
        return field.place.get("default") if field else None
