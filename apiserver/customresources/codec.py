"""How custom resources look in the version they are served in, if they are stored in another one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import orjson

from apimachinery.objects import Object, labels_of
from apimachinery.scheme import Resource
from apiserver.customresources.conversion import Converter
from apiserver.registry.codec import Codec
from apiserver.storage.entry import Entry, Selectable

_MAX_KEPT = 10_000


class CustomCodec(Codec):
    """Bytes pass as they are where conversion would not change them; other results are kept a while."""

    has_protobuf = False

    def __init__(self, resource: Resource, converter: Converter, stored: str, selectable: Selectable) -> None:
        """`stored` is the apiVersion that is stored; `selectable` finds fields in the one that is served."""
        super().__init__(resource)
        self._selectable = selectable
        self._api_version = resource.api_version
        self._stored = stored
        self._converter = converter
        self._bodies: dict[bytes, bytes] = {}
        """By the body that is stored, which has the object's resourceVersion in it."""
        self.is_identity = self.is_prompt = converter.is_identity
        self.item_start = self.header  # upstream's lists of custom resources repeat it

    def _is_same(self, entry: Entry) -> bool:
        return self.is_identity or entry.kind.api_version == self._api_version

    async def prepare(self, entries: Iterable[Entry]) -> None:
        """Converts those that have not been yet, in one go."""
        wanted = [each for each in entries if not self._is_same(each)]
        while missing := [each for each in wanted if each.body not in self._bodies]:
            if len(self._bodies) + len(missing) > _MAX_KEPT:
                self._bodies = {
                    each.body: self._bodies[each.body] for each in wanted if each.body in self._bodies
                }
            converted = await self._converter.convert([each.obj for each in missing], self._api_version)
            for entry, obj in zip(missing, converted, strict=True):
                self._bodies[entry.body] = self._encoded(obj)

    def _encoded(self, obj: Object) -> bytes:
        first = {"kind": obj["kind"], "apiVersion": self._api_version, "metadata": obj["metadata"]}
        whole = orjson.dumps(first | {key: obj[key] for key in obj if key not in first})
        return whole[len(self.header) :]

    def body(self, entry: Entry) -> bytes:
        return entry.body if self._is_same(entry) else self._bodies[entry.body]

    def obj(self, entry: Entry) -> Object:
        obj: Object = orjson.loads(self.data(entry))
        return obj

    def selection(self, entry: Entry) -> tuple[Mapping[str, str], Mapping[str, str]]:
        if self._is_same(entry):
            return entry.selection()
        obj = self.obj(entry)
        own = {f"metadata.{name}": obj["metadata"].get(name) or "" for name in ("name", "namespace")}
        return labels_of(obj), {**self._selectable(obj), **own}

    judged = item = obj

    async def to_storage(self, obj: Object) -> Object:
        if self.is_identity or self._stored == self._api_version:
            return obj
        return (await self._converter.convert([obj], self._stored))[0]
