"""One object as the caches keep it: ready bytes, and little else.

A stored value is `{"kind":K,"apiVersion":V,"metadata":{…},…}` without a resourceVersion. An entry's body is
what follows the two first fields, with the resourceVersion put in: `"metadata":{"resourceVersion":"7",…}`.
An object on the wire is the header of its API version and the body; an item of a list is `{` and the body.
Nothing is decoded to be passed on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import orjson

from apimachinery.objects import Object
from apimachinery.serialize import from_json
from apiserver.storage.interface import KeyValue, UndecodableValue, UnreadableValue

_METADATA = b'"metadata":{'
Selectable = Callable[[Object], Mapping[str, str]]


def object_of(item: KeyValue) -> Object:
    """A stored value, decoded. Raises UnreadableValue, UndecodableValue."""
    try:
        check_plain(item)
        return cast(Object, from_json(item.value))
    except ValueError as error:
        raise undecodable(error) from None


def check_plain(item: KeyValue) -> None:
    """Raises UnreadableValue if the value is still encrypted."""
    if item.problem or item.value.startswith(b"k8s:enc:"):
        raise UnreadableValue(item.problem or "identity transformer tried to read encrypted data")


def undecodable(error: ValueError) -> UndecodableValue:
    return UndecodableValue(f"couldn't get version/kind; json parse error: {error}")


def header_of(api_version: str, kind: str) -> bytes:
    """How the bytes of every object of a kind begin."""
    return b'{"kind":%b,"apiVersion":%b,' % (orjson.dumps(kind), orjson.dumps(api_version))


class Kind:
    """What the entries of one resource share: how they are written, and how they are read."""

    __slots__ = ("api_version", "header", "kind", "selectable")

    def __init__(self, api_version: str, kind: str, selectable: Selectable) -> None:
        self.api_version = api_version
        self.kind = kind
        self.header = header_of(api_version, kind)
        self.selectable = selectable

    def of(self, value: bytes) -> Kind:
        """The kind of a stored value: another one, where objects are kept in several API versions."""
        return self

    def body(self, value: bytes, revision: int) -> bytes:
        """A stored value as a body at `revision` (0: without). Raises ValueError if it is no API object."""
        start = len(self.header)
        if not (
            value.startswith(self.header) and value.startswith(_METADATA, start) and value.endswith(b"}")
        ):
            value = self.encode(from_json(value))  # written by another hand, or cut off
        if not revision:
            return value[start:]
        rest = value[start + len(_METADATA) :]
        return b'"metadata":{"resourceVersion":"%d"%b%b' % (revision, b"" if rest[:1] == b"}" else b",", rest)

    def encode(self, obj: Object) -> bytes:
        """The canonical value of an object; its resourceVersion is left out."""
        if not isinstance(obj, dict) or not isinstance(obj.get("metadata"), dict):
            raise ValueError("not an API object")
        metadata = {key: value for key, value in obj["metadata"].items() if key != "resourceVersion"}
        first = {"kind": self.kind, "apiVersion": self.api_version, "metadata": metadata}
        return orjson.dumps(first | {key: value for key, value in obj.items() if key not in first})


class Entry:
    """An object at one revision. Immutable."""

    __slots__ = ("_selection", "body", "key", "kind", "message", "name", "namespace", "revision")

    def __init__(self, kind: Kind, key: str, namespace: str, name: str, revision: int, body: bytes) -> None:
        self.kind = kind
        self.key = key
        self.namespace = namespace
        self.name = name
        self.revision = revision
        self.body = body
        self.message: bytes | None = None
        """The object as protobuf, once somebody has asked for that."""
        self._selection: tuple[Mapping[str, str], Mapping[str, str]] | None = None

    def __repr__(self) -> str:
        return f"<Entry {self.key}@{self.revision}>"

    @property
    def data(self) -> bytes:
        """The object as JSON, in the version it is stored in."""
        return self.kind.header + self.body

    @property
    def obj(self) -> Object:
        """The object, decoded anew each time: the caller's own, to keep or to change."""
        return cast(Object, orjson.loads(self.kind.header + self.body))

    @property
    def value(self) -> bytes:
        """What is stored: the object without its resourceVersion."""
        if not self.revision:
            return self.kind.header + self.body
        end = self.body.index(b'"', len(_METADATA) + len(b'"resourceVersion":"')) + 1
        rest = self.body[end + 1 :] if self.body[end : end + 1] == b"," else self.body[end:]
        return self.kind.header + _METADATA + rest

    def selection(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """(labels, selectable fields): decoded when first asked for, then kept."""
        if self._selection is None:
            obj = self.obj
            fields: dict[str, Any] = dict(self.kind.selectable(obj))
            fields["metadata.name"] = self.name
            if self.namespace:
                fields["metadata.namespace"] = self.namespace
            self._selection = (obj["metadata"].get("labels") or {}, fields)
        return self._selection

    def at(self, revision: int) -> Entry:
        """The same object as of a later revision: what a deletion event carries."""
        return Entry(
            self.kind, self.key, self.namespace, self.name, revision, self.kind.body(self.value, revision)
        )
