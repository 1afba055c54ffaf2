"""How entries look in the API version they are served in. For all but a few resources, as they are stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

import orjson

from apimachinery.objects import Object
from apimachinery.protobuf_encoder import encoder_of, enveloped, message_of
from apimachinery.protobuf_values import Encode
from apimachinery.schema import definition_name
from apimachinery.scheme import Resource
from apiserver.registry.conversion import conversion_of
from apiserver.storage.entry import Entry, header_of


class Codec:
    """An object's JSON is `header` + `body(entry)`; a list's item `item_start` + `body(entry)`."""

    has_protobuf = True

    def __init__(self, resource: Resource) -> None:
        self._conversion = conversion_of(resource)
        self._resource = resource
        self.is_identity = self._conversion is None
        self.is_prompt = True
        """Whether `prepare` never waits for anything."""
        self.header = header_of(resource.api_version, resource.kind)
        self.item_start = b"{"
        """What stands before the body of an item in a list, which says itself what its items are."""

    def body(self, entry: Entry) -> bytes:
        if self._conversion is None:
            return entry.body
        obj = self.obj(entry)
        first = {"kind": self._resource.kind, "apiVersion": self._resource.api_version}
        return orjson.dumps(first | {key: obj[key] for key in obj if key not in first})[len(self.header) :]

    def bodies(self, entries: Iterable[Entry]) -> list[bytes]:
        """Those of many entries at once: lists are long."""
        if self.is_identity:
            return [entry.body for entry in entries]
        return [self.body(entry) for entry in entries]

    def item(self, entry: Entry) -> Object:
        """An object as an item of a list, as a value."""
        return {key: value for key, value in self.obj(entry).items() if key not in ("kind", "apiVersion")}

    def data(self, entry: Entry) -> bytes:
        return self.header + self.body(entry)

    def obj(self, entry: Entry) -> Object:
        """Decoded anew; the caller's own."""
        return self._conversion.from_stored(entry.obj) if self._conversion else entry.obj

    def message(self, entry: Entry) -> bytes:
        """The object in protobuf, without its envelope. Kept where it is what is stored."""
        if not self.is_identity:
            return self._encode(self.obj(entry))
        if entry.message is None:
            entry.message = self._encode(entry.obj)
        return entry.message

    def protobuf(self, entry: Entry) -> bytes:
        """The object in protobuf as it is sent."""
        return enveloped(self._resource.api_version, self._resource.kind, self.message(entry))

    @cached_property
    def _encode(self) -> Encode:
        name = message_of(self._resource.api_version, self._resource.kind, definition_name)
        assert name is not None  # every built-in kind has one
        return encoder_of(name)

    def to_stored(self, obj: Object) -> Object:
        return self._conversion.to_stored(obj) if self._conversion else obj

    # Built-in kinds are judged as they are stored. Custom resources are judged in the version that is
    # spoken, whose schema it is, and become what is stored at the very end.

    async def prepare(self, entries: Iterable[Entry]) -> None:
        """Whatever `body`, `obj` and `judged` of these entries must wait for."""

    def selection(self, entry: Entry) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """The labels and fields that selectors compare; of entries that have been prepared."""
        return entry.selection()

    def judged(self, entry: Entry) -> Object:
        """An entry as strategies and admission see it; the caller's own."""
        return entry.obj

    async def to_storage(self, obj: Object) -> Object:
        """What has been judged, in the version that is stored."""
        return obj
