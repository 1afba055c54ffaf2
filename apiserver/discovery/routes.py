"""The paths of discovery: /api, /apis and what is below them down to the resource lists."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Depends, Request, Response

from apimachinery.errors import MethodNotAllowedError, PathNotFoundError
from apimachinery.objects import Object
from apimachinery.scheme import BUILTIN
from apiserver.aggregation.discovery import with_groups, with_resources
from apiserver.aggregation.remotes import Remotes
from apiserver.discovery import aggregated, plain
from apiserver.discovery.served import Served
from apiserver.dispatch import NOT_ALLOWED
from apiserver.negotiation import MEDIA_TYPES, refuse_unroutable, required_media
from apiserver.responses import encoded, in_media
from apiserver.routes import ANY_METHOD, not_found


def discovery_router(
    served: Served, remotes: Remotes, server_address: str, settled: Callable[[], Awaitable[object]]
) -> APIRouter:
    """What `remotes` serve is listed; their own documents they are asked for themselves.

    `settled` returns when it is known what is served: clients keep for long what they are told.
    """
    router = APIRouter(dependencies=[Depends(settled)])

    def groups() -> list[Object]:
        own = plain.api_group_list(served.resources())["groups"]
        return with_groups(own, remotes.all().values()) if remotes.all() else own

    @router.get("/api")
    @router.get("/api/", include_in_schema=False)
    async def api(request: Request) -> Response:
        refuse_unroutable(request.headers.get("accept", ""))
        return _root(request, served, core=True, document=plain.api_versions(server_address))

    @router.api_route("/apis", methods=ANY_METHOD)
    @router.api_route("/apis/", methods=ANY_METHOD)
    async def apis(request: Request) -> Response:
        document = {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups()}
        return _root(request, served, core=False, document=document, remotes=remotes)

    @router.get("/api/{version}")
    @router.get("/api/{version}/", include_in_schema=False)
    async def core_resources(request: Request, version: str) -> Response:
        return _resources(request, served, "", version)

    @router.api_route("/apis/{group}", methods=ANY_METHOD)
    @router.api_route("/apis/{group}/", methods=ANY_METHOD)
    async def api_group(request: Request, group: str) -> Response:
        found = next((each for each in groups() if each["name"] == group), None)
        if found is None:
            return not_found()
        return _answer(request, {"kind": "APIGroup", "apiVersion": "v1", **found})

    @router.api_route("/apis/{group}/{version}", methods=ANY_METHOD)
    @router.api_route("/apis/{group}/{version}/", methods=ANY_METHOD)
    async def group_resources(request: Request, group: str, version: str) -> Response:
        return _resources(request, served, group, version)

    return router


def _resources(request: Request, served: Served, group: str, version: str) -> Response:
    """Those of groups that are not built in are served without asking how, as upstream's are."""
    resources, is_routed = served.of(group, version), any(each.group == group for each in BUILTIN)
    if not resources:
        if is_routed:
            raise PathNotFoundError
        return not_found()
    if is_routed:
        if request.method != "GET":
            raise MethodNotAllowedError(message=NOT_ALLOWED)
        refuse_unroutable(request.headers.get("accept", ""))
    document = plain.api_resource_list(f"{group}/{version}" if group else version, resources)
    return _answer(request, document)


def _root(
    request: Request, served: Served, *, core: bool, document: Object, remotes: Remotes | None = None
) -> Response:
    """/api and /apis, aggregated if the client can read that; then with an ETag."""
    wanted = aggregated.wanted(request.headers.get("accept", ""))
    if wanted is None:
        return _answer(request, document)
    media, version = wanted
    resources = [each for each in served.resources() if (each.group == "") == core]
    listing = aggregated.group_discovery_list(version, resources)
    if remotes is not None and remotes.all():
        listing["items"] = with_resources(listing["items"], remotes.all().values(), remotes.told)
    etag = f'"{hashlib.sha512(encoded(listing)).hexdigest().upper()}"'
    headers = {"ETag": etag, "Vary": "Accept", "Cache-Control": "public"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    headers["Content-Type"] = aggregated.content_type(media, version)
    return Response(in_media(listing, media), headers=headers)


def _answer(request: Request, document: Object, headers: dict[str, str] | None = None) -> Response:
    """Raises NotAcceptableError."""
    media = required_media(request.headers.get("accept", ""))
    return Response(in_media(document, media), headers=headers, media_type=MEDIA_TYPES[media])
