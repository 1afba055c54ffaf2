"""The paths of discovery: /api, /apis and what is below them down to the resource lists."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from apimachinery.objects import Object
from apiserver.discovery import aggregated, plain
from apiserver.discovery.served import Served

NOT_FOUND = "404 page not found\n"


def build_router(served: Served, server_address: str) -> APIRouter:
    router = APIRouter()

    @router.get("/api")
    @router.get("/api/", include_in_schema=False)
    async def api(request: Request) -> Response:
        return _root(request, served, core=True, document=plain.api_versions(server_address))

    @router.get("/apis")
    @router.get("/apis/", include_in_schema=False)
    async def apis(request: Request) -> Response:
        return _root(request, served, core=False, document=plain.api_group_list(served.resources()))

    @router.get("/api/{version}")
    @router.get("/api/{version}/", include_in_schema=False)
    async def core_resources(version: str) -> Response:
        return _resources(served, "", version)

    @router.get("/apis/{group}")
    @router.get("/apis/{group}/", include_in_schema=False)
    async def api_group(group: str) -> Response:
        versions = plain.group_versions(served.resources()).get(group)
        if not versions:
            return Response(NOT_FOUND, 404, media_type="text/plain")
        return _json({"kind": "APIGroup", "apiVersion": "v1", **plain.api_group(group, versions)})

    @router.get("/apis/{group}/{version}")
    @router.get("/apis/{group}/{version}/", include_in_schema=False)
    async def group_resources(group: str, version: str) -> Response:
        return _resources(served, group, version)

    return router


def _resources(served: Served, group: str, version: str) -> Response:
    resources = served.of(group, version)
    if not resources:
        return Response(NOT_FOUND, 404, media_type="text/plain")
    return _json(plain.api_resource_list(f"{group}/{version}" if group else version, resources))


def _root(request: Request, served: Served, *, core: bool, document: Object) -> Response:
    """/api and /apis, aggregated if the client can read that; then with an ETag."""
    version = aggregated.wanted_version(request.headers.get("accept", ""))
    if not version:
        return _json(document, {"Vary": "Accept"})
    resources = [each for each in served.resources() if (each.group == "") == core]
    body = orjson.dumps(aggregated.group_discovery_list(version, resources))
    etag = f'"{hashlib.sha512(body).hexdigest().upper()}"'
    headers = {"ETag": etag, "Vary": "Accept", "Cache-Control": "public"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(body, headers={**headers, "Content-Type": aggregated.content_type(version)})


def _json(document: Any, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(document), headers=headers, media_type="application/json")
