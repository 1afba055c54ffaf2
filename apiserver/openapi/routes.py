"""/openapi/v2 and /openapi/v3 as FastAPI routes."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from apiserver.negotiation import best_of
from apiserver.openapi import OpenAPI
from apiserver.routes import ANY_METHOD

PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
PROTOBUF_ANSWER = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
JSON = "application/json"
_V2 = (JSON, PROTOBUF, PROTOBUF_ANSWER)


def openapi_router(openapi: OpenAPI, settled: Callable[[], Awaitable[object]]) -> APIRouter:
    """The routes over the documents; `settled` returns when it is known what is served."""
    routes = APIRouter(include_in_schema=False, dependencies=[Depends(settled)])
    turn = asyncio.Lock()  # who asks at the same time is given what the first one has had made

    @routes.api_route("/openapi/v2", methods=ANY_METHOD)
    async def v2(request: Request) -> Response:
        media = best_of(request.headers.get("accept", ""), _V2)
        if media is None:
            return _not_acceptable()
        protobuf = media != JSON
        async with turn:
            document = await asyncio.to_thread(openapi.v2(protobuf=protobuf))
        return _answer(request, document, PROTOBUF_ANSWER if protobuf else JSON)

    @routes.api_route("/openapi/v3", methods=ANY_METHOD)
    async def v3_index(request: Request) -> Response:
        return _answer(request, openapi.v3_index(), JSON)

    @routes.api_route("/openapi/v3/{path:path}", methods=ANY_METHOD)
    async def v3(request: Request, path: str) -> Response:
        wanted = request.query_params.get("hash")
        current = openapi.v3_hash(path)
        document = openapi.v3(path)
        if document is None:
            return Response(status_code=404)
        if wanted and wanted != current:
            return RedirectResponse(f"/openapi/v3/{path}?hash={current}", 301)
        if best_of(request.headers.get("accept", ""), (JSON,)) is None:
            return _not_acceptable()
        answer = _answer(request, document, JSON)
        if wanted:
            answer.headers["cache-control"] = "public, immutable"
        return answer

    return routes


def _not_acceptable() -> Response:
    return Response(status_code=406, headers={"vary": "Accept"})


def _answer(request: Request, body: bytes, media_type: str) -> Response:
    """The document with its ETag; 304 for a client that has it."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:32].upper()}"'
    headers = {"etag": etag, "vary": "Accept"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)
