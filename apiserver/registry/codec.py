"""How entries look in the API version they are served in. For all but a few resources, as they are stored."""

from __future__ import annotations

import orjson

from apimachinery.objects import Object
from apimachinery.scheme import Resource
from apiserver.registry.conversion import conversion_of
from apiserver.storage.entry import Entry, header_of


class Codec:
    """An object's JSON is `header` + `body(entry)`; a list's item `{` + `body(entry)`, as upstream has it."""

    def __init__(self, resource: Resource) -> None:
        self._conversion = conversion_of(resource)
        self._resource = resource
        self.is_identity = self._conversion is None
        self.header = header_of(resource.api_version, resource.kind)

    def body(self, entry: Entry) -> bytes:
        if self._conversion is None:
            return entry.body
        obj = self.obj(entry)
        first = {"kind": self._resource.kind, "apiVersion": self._resource.api_version}
        return orjson.dumps(first | {key: obj[key] for key in obj if key not in first})[len(self.header) :]

    def data(self, entry: Entry) -> bytes:
        return self.header + self.body(entry)

    def obj(self, entry: Entry) -> Object:
        """Decoded anew; the caller's own."""
        return self._conversion.from_stored(entry.obj) if self._conversion else entry.obj

    def to_stored(self, obj: Object) -> Object:
        return self._conversion.to_stored(obj) if self._conversion else obj
