"""How custom resources are kept: in the version that was the storage version when they were written.

What comes from the store is brought up to the schema of today: unknown fields go, defaults come.
"""

from __future__ import annotations

from collections.abc import Mapping

from apimachinery.objects import Object
from apimachinery.serialize import from_json
from apiserver.customresources.schema.defaulting import apply_defaults
from apiserver.customresources.schema.pruning import prune
from apiserver.customresources.schema.structural import Structural
from apiserver.storage.entry import Kind, Selectable


class StoredKind(Kind):
    """A custom resource in one API version; `siblings` are all versions by the header of their values."""

    __slots__ = ("_schema", "_siblings")

    def __init__(
        self,
        api_version: str,
        kind: str,
        selectable: Selectable,
        schema: Structural,
        siblings: Mapping[bytes, Kind],
    ) -> None:
        super().__init__(api_version, kind, selectable)
        self._schema = schema
        self._siblings = siblings

    def of(self, value: bytes) -> Kind:
        """By the header of a stored value; a version that is gone is read as the storage version."""
        if value.startswith(self.header):
            return self
        return next((kind for header, kind in self._siblings.items() if value.startswith(header)), self)

    def body(self, value: bytes, revision: int) -> bytes:
        return super().body(self._mended(value), revision)

    def _mended(self, value: bytes) -> bytes:
        obj: Object = from_json(value)
        if not isinstance(obj, dict) or not isinstance(obj.get("metadata"), dict):
            raise ValueError("not an API object")
        prune(obj, self._schema)
        apply_defaults(obj, self._schema)
        return self.encode(obj)
