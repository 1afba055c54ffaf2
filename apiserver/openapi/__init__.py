"""The API described by itself: OpenAPI v2 (JSON and protobuf) and v3, made from upstream's own definitions.

Documents are made when first asked for and kept compressed: a v2 document is four megabytes, and most
processes are never asked for it.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Sequence

import orjson

from apimachinery.schema import definitions_with_defaults
from apimachinery.scheme import Resource
from apiserver.openapi import gnostic, spec3, swagger
from apiserver.openapi.operations import group_versions

Resources = Callable[[], Sequence[Resource]]


class OpenAPI:
    """The documents of whatever `resources` gives; a change of them makes them anew."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._made_for: tuple[Resource, ...] = ()
        self._documents: dict[str, bytes] = {}

    def v2_json(self) -> bytes:
        return self._kept("v2", lambda: orjson.dumps(swagger.document(self._made_for)))

    def v2_protobuf(self) -> bytes:
        return self._kept("v2.pb", lambda: gnostic.encode(swagger.document(self._made_for)))

    def v3_index(self) -> bytes:
        """The paths of the v3 documents, each with a hash that changes with the document."""
        return self._kept("v3", self._make_index)

    def v3(self, path: str) -> bytes | None:
        """The document of `api/v1`, `apis/apps/v1`, …; None if nothing is served there."""
        self._notice_changes()
        resources = group_versions(self._made_for).get(path)
        if resources is None:
            return None
        return self._kept(
            f"v3/{path}", lambda: orjson.dumps(spec3.document(resources, definitions_with_defaults()))
        )

    def v3_hash(self, path: str) -> str:
        """What the index gives as the hash of a document; empty if there is none."""
        self._notice_changes()
        resources = group_versions(self._made_for).get(path)
        return _hash(resources) if resources else ""

    def _make_index(self) -> bytes:
        paths = {
            path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={_hash(resources)}"}
            for path, resources in group_versions(self._made_for).items()
        }
        return orjson.dumps({"paths": paths})

    def _kept(self, name: str, make: Callable[[], bytes]) -> bytes:
        self._notice_changes()
        if name not in self._documents:
            self._documents[name] = zlib.compress(make(), 1)
        return zlib.decompress(self._documents[name])

    def _notice_changes(self) -> None:
        now = tuple(self._resources())
        if now != self._made_for:
            self._made_for = now
            self._documents.clear()


def _hash(resources: Sequence[Resource]) -> str:
    """Documents depend on the resources and on the definitions, which a build fixes."""
    return hashlib.sha256(repr(resources).encode()).hexdigest()[:32].upper()
