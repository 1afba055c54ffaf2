"""The REST client: verbs over resources, in plain dicts. Errors are StatusError or ConnectionFailed.

One Client per process; it holds the connections. How a request is made is in `requester`, caches are in
`informer`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, cast

import orjson

from apimachinery.errors import from_status
from apimachinery.objects import Object, name_of, namespace_of
from apimachinery.scheme import Resource
from client.errors import ConnectionFailed
from client.requester import Headers, Params, Request, Requester
from client.transport import Stream

MERGE = "application/merge-patch+json"
JSON = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"


class Client(Requester):
    """The verbs, for one user of one API server."""

    page_size = 0
    """How many objects lists are asked for at a time, where nobody wants a page; 0: all at once."""

    async def get(
        self,
        resource: Resource,
        name: str,
        namespace: str | None = None,
        *,
        subresource: str | None = None,
        params: Params | None = None,
    ) -> Object:
        return await self._json("GET", resource.path(namespace, name, subresource), params=params)

    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str | None = None,
        field_selector: str | None = None,
        resource_version: str | None = None,
        limit: int | None = None,
        continue_: str | None = None,
        params: Params | None = None,
        headers: Headers | None = None,
    ) -> Object:
        """The List object; its items carry no apiVersion and kind."""
        pages = self.page_size if limit is None else 0
        query: dict[str, Any] = {
            "labelSelector": label_selector, "fieldSelector": field_selector,
            "resourceVersion": resource_version, "limit": limit or pages or None, "continue": continue_,
            **(params or {}),
        }  # fmt: skip
        path = resource.path(namespace)
        whole = await self._json("GET", path, params=query, headers=headers)
        while pages and (token := whole["metadata"].get("continue")):
            page = await self._json("GET", path, params=query | {"continue": token}, headers=headers)
            whole = page | {"items": whole["items"] + page["items"]}
        return whole

    async def create(
        self,
        resource: Resource,
        obj: Object,
        namespace: str | None = None,
        *,
        name: str | None = None,
        subresource: str | None = None,
        params: Params | None = None,
    ) -> Object:
        """POST to the collection, or to a subresource of `name`."""
        path = resource.path(namespace or namespace_of(obj), name if subresource else None, subresource)
        return await self._json("POST", path, obj, params=params)

    async def update(
        self, resource: Resource, obj: Object, *, subresource: str | None = None, params: Params | None = None
    ) -> Object:
        """PUT; refused with a ConflictError if the object's resourceVersion is no longer current."""
        path = resource.path(namespace_of(obj), name_of(obj), subresource)
        return await self._json("PUT", path, obj, params=params)

    async def update_status(self, resource: Resource, obj: Object) -> Object:
        return await self.update(resource, obj, subresource="status")

    async def patch(
        self,
        resource: Resource,
        name: str,
        patch: Any,
        namespace: str | None = None,
        *,
        patch_type: str = MERGE,
        subresource: str | None = None,
        params: Params | None = None,
    ) -> Object:
        path = resource.path(namespace, name, subresource)
        return await self._json("PATCH", path, patch, params=params, content_type=patch_type)

    async def delete(
        self, resource: Resource, name: str, namespace: str | None = None, *, options: Object | None = None
    ) -> Object:
        """Asks for deletion with DeleteOptions; returns the Status, or the object while it lingers."""
        return await self._json("DELETE", resource.path(namespace, name), options)

    async def delete_collection(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        options: Object | None = None,
        params: Params | None = None,
    ) -> Object:
        return await self._json("DELETE", resource.path(namespace), options, params=params)

    async def watch(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        resource_version: str,
        label_selector: str | None = None,
        field_selector: str | None = None,
        timeout_seconds: float | None = None,
        bookmarks: bool = True,
        params: Params | None = None,
        headers: Headers | None = None,
    ) -> AsyncGenerator[tuple[str, Object], None]:
        """Events after a resourceVersion, until the server ends the watch. An ERROR event is raised."""
        query = {
            "watch": "true", "resourceVersion": resource_version, "labelSelector": label_selector,
            "fieldSelector": field_selector, "allowWatchBookmarks": bookmarks or None,
            "timeoutSeconds": int(timeout_seconds) if timeout_seconds else None, **(params or {}),
        }  # fmt: skip
        async for line in self.stream("GET", resource.path(namespace), params=query, headers=headers):
            event = _decode(line)
            if event["type"] == "ERROR":
                raise from_status(event["object"].get("code") or 500, event["object"])
            yield event["type"], event["object"]

    async def _json(
        self,
        method: str,
        path: str,
        obj: Any = None,
        *,
        params: Params | None = None,
        headers: Headers | None = None,
        content_type: str = "application/json",
    ) -> Object:
        body = None if obj is None else orjson.dumps(obj)
        if body is not None:
            headers = {"content-type": content_type, **(headers or {})}
        response = await self.exchange(Request(method, path, body, headers, params))
        return _decode(response.body)

    async def document(
        self, path: str, *, headers: Headers | None = None, params: Params | None = None
    ) -> Any:
        """What a GET of anything answers in JSON. Raises ConnectionFailed if that is none."""
        return await self._json("GET", path, headers=headers, params=params)

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Headers | None = None,
        params: Params | None = None,
    ) -> bytes:
        """The body of any request that succeeds."""
        return (await self.exchange(Request(method, path, body, headers, params))).body

    async def open(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Headers | None = None,
        params: Params | None = None,
    ) -> Stream:
        """An answer to be read as it comes (logs); the caller closes it. Refusals are raised."""
        return await self.begin(Request(method, path, body, headers, params))

    async def stream_bytes(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Headers | None = None,
        params: Params | None = None,
    ) -> AsyncGenerator[bytes, None]:
        """The body of an answer in pieces, as they come."""
        stream = await self.begin(Request(method, path, body, headers, params))
        async with aclosing(stream):
            async for chunk in stream:
                yield chunk

    async def stream(
        self, method: str, path: str, *, headers: Headers | None = None, params: Params | None = None
    ) -> AsyncGenerator[bytes, None]:
        """The body of an answer in whole lines, as they come: a watch in any representation."""
        stream = await self.begin(Request(method, path, None, headers, params))
        async with aclosing(stream):
            async for line in split_lines(stream):
                yield line


def _decode(body: bytes) -> Object:
    try:
        return cast(Object, orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise ConnectionFailed(f"the server's answer is no JSON: {error}") from error


async def split_lines(chunks: AsyncIterator[bytes] | Stream) -> AsyncIterator[bytes]:
    """The complete lines of a stream; a rest without a newline is a broken watch."""
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line:
                yield line
    if rest.strip():
        raise ConnectionFailed("unexpected EOF")
