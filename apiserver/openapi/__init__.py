"""The API described by itself: OpenAPI v2 (JSON and protobuf) and v3, made from upstream's own definitions.

Documents are made when first asked for and kept compressed: a v2 document is four megabytes, and most
processes are never asked for it.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Mapping, Sequence

import orjson

from apimachinery.objects import Object
from apimachinery.schema import definitions_with_defaults
from apimachinery.scheme import Resource
from apiserver.openapi import gnostic, spec3, swagger
from apiserver.openapi.custom import Definitions
from apiserver.openapi.fixed import Fixed, fixed_paths
from apiserver.openapi.go_types import as_v3_tells
from apiserver.openapi.merging import Part, merged
from apiserver.openapi.operations import definition_of, group_versions

Resources = Callable[[], Sequence[Resource]]
Custom = Callable[[], Definitions]
Remote = Callable[[], Mapping[str, str]]
Parts = Callable[[], Sequence[Part]]


class OpenAPI:
    """The documents of whatever `resources` and `custom` give; changes make anew what they touch."""

    def __init__(
        self, resources: Resources, custom: Custom = dict, remote: Remote = dict, parts: Parts = tuple
    ) -> None:
        """Of other servers: `remote` gives the URLs of v3 documents by path, `parts` what they say in v2."""
        self._resources = resources
        self._custom = custom
        self._remote = remote
        self._parts = parts
        self._documents: dict[str, tuple[str, bytes]] = {}
        """By name: a hash of what they were made of, and the document."""
        self._digests: dict[str, tuple[Object, bytes]] = {}
        """Of custom definitions, which are replaced and not changed."""

    def v2(self, *, protobuf: bool = False) -> Callable[[], bytes]:
        """Gives the v2 document of what is served now. That may take seconds, and may be done in a thread."""
        resources, custom, parts = list(self._resources()), dict(self._custom()), tuple(self._parts())
        hashed = self._hash(resources, custom) + "".join(part.digest for part in parts)
        encode: Callable[[Object], bytes] = gnostic.encode if protobuf else orjson.dumps

        def make() -> bytes:
            return encode(merged(swagger.document(resources, custom), parts))

        return lambda: self._kept("v2.pb" if protobuf else "v2", hashed, make)

    def v3_index(self) -> bytes:
        """The paths of the v3 documents, each with a hash that changes with the document."""
        hashed = self._hash(self._resources(), self._custom()) + repr(sorted(self._remote().items()))
        return self._kept("v3", hashed, self._make_index)

    def v3(self, path: str) -> bytes | None:
        """The document of `api/v1`, `apis/apps/v1`, …; None if nothing is served there."""
        resources, fixed = self._served(path)
        if not resources and not fixed:
            return None
        custom = self._custom()

        def make() -> bytes:
            of_go = as_v3_tells(definitions_with_defaults())
            return orjson.dumps(spec3.document(resources, fixed, {**of_go, **custom}))

        return self._kept(f"v3/{path}", self._hash(resources, custom), make)

    def v3_hash(self, path: str) -> str:
        """What the index gives as the hash of a document; empty if there is none."""
        resources, fixed = self._served(path)
        return self._hash(resources, self._custom()) if resources or fixed else ""

    def _served(self, path: str) -> tuple[list[Resource], list[Fixed]]:
        """What the document at a path tells of."""
        resources = self._resources()
        fixed = [each for each in fixed_paths(resources) if each.document == path]
        return group_versions(resources).get(path, []), fixed

    def _make_index(self) -> bytes:
        resources, custom = self._resources(), self._custom()
        fixed: dict[str, list[Resource]] = {each.document: [] for each in fixed_paths(resources)}
        served = fixed | group_versions(resources)
        paths = {
            path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={self._hash(found, custom)}"}
            for path, found in sorted(served.items())
        }
        others = {path: {"serverRelativeURL": url} for path, url in self._remote().items()}
        return orjson.dumps({"paths": {**paths, **others}})

    def _kept(self, name: str, hashed: str, make: Callable[[], bytes]) -> bytes:
        made_of, document = self._documents.get(name, ("", b""))
        if made_of != hashed:
            document = zlib.compress(make(), 1)
            self._documents[name] = (hashed, document)
        return zlib.decompress(document)

    def _hash(self, resources: Sequence[Resource], custom: Definitions) -> str:
        """Documents depend on the resources, on custom definitions, and on what a build fixes."""
        hashed = hashlib.sha256(repr(resources).encode())
        for resource in resources:
            for kind in (resource.kind, resource.kind_of_list):
                name = definition_of((*resource.gvk[:2], kind))
                if name in custom:
                    hashed.update(self._digest(name, custom[name]))
        return hashed.hexdigest()[:32].upper()

    def _digest(self, name: str, definition: Object) -> bytes:
        known = self._digests.get(name)
        if known is None or known[0] is not definition:
            digest = hashlib.sha256(orjson.dumps(definition)).digest()
            known = self._digests[name] = (definition, digest)
        return known[1]
