"""What FastAPI serves: everything that is not a resource. Discovery and OpenAPI have routes of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse

from apiserver.flow_control import dump
from apiserver.flow_control.levels import Levels
from apiserver.journal import Journal
from apiserver.negotiation import refuse_unroutable
from component_base import metrics, slis
from component_base.debug_flags import put_verbosity
from component_base.health_checks import Check, report, report_one
from component_base.jwt import Verifier
from component_base.version import version_info

ENDPOINTS = ("healthz", "livez", "readyz")
ANY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""Of what upstream serves without asking how."""
_FLOW_DUMPS = {
    "dump_priority_levels": dump.dump_priority_levels,
    "dump_queues": dump.dump_queues,
    "dump_requests": dump.dump_requests,
}
_FLAGS_PAGE = """<html>
<head>
<title>/debug/flags/</title>
</head>
<body>
/debug/flags/<br>
<br>
flags:<br>
<table>
<tr>v<br>
</table>
<br>
full flags configurable<br>
</body>
</html>
"""
_NOT_SNIFFED = {"X-Content-Type-Options": "nosniff"}
_CACHED = {"Cache-Control": "public, max-age=3600"}


def health_router(checks: Mapping[str, Mapping[str, Check]]) -> APIRouter:
    """`checks`: by endpoint, then by name."""
    router = APIRouter()
    for endpoint in ENDPOINTS:
        _add_endpoint(router, endpoint, checks[endpoint])
    return router


def _add_endpoint(router: APIRouter, endpoint: str, checks: Mapping[str, Check]) -> None:
    @router.api_route(f"/{endpoint}", methods=ANY_METHOD)
    async def whole(request: Request) -> Response:
        query = request.query_params
        exclude = frozenset(query.getlist("exclude"))
        result = await report(endpoint, checks, verbose="verbose" in query, exclude=exclude)
        return PlainTextResponse(result.text, result.status, _NOT_SNIFFED)

    @router.api_route(f"/{endpoint}/{{name:path}}", methods=ANY_METHOD)
    async def single(name: str) -> Response:
        check = checks.get(name)
        if check is None:
            return not_found()
        result = await report_one(check)
        return PlainTextResponse(result.text, result.status, {} if result.status == 200 else _NOT_SNIFFED)


def not_found() -> Response:
    """Of a path below which there is no API."""
    return PlainTextResponse("404 page not found\n", 404, _NOT_SNIFFED)


def general_router(journal: Journal, levels: Levels | None) -> APIRouter:
    """`levels`: those that requests are served by, if any."""
    router = APIRouter()

    @router.get("/version")
    @router.get("/version/", include_in_schema=False)
    async def version(request: Request) -> Response:
        refuse_unroutable(request.headers.get("accept", ""), ("application/json",))
        return to_json(version_info())

    @router.api_route("/metrics", methods=ANY_METHOD)
    async def show_metrics() -> Response:
        return Response(metrics.render(), media_type=metrics.CONTENT_TYPE)

    @router.api_route(slis.PATH, methods=ANY_METHOD)
    async def show_slis() -> Response:
        return Response(slis.render(), media_type=metrics.CONTENT_TYPE)

    if levels is not None:
        for name, show in _FLOW_DUMPS.items():
            _add_dump(router, name, show, levels)

    @router.get("/debug/journal")
    async def show_journal(
        since: int = 0, resource: str = "", namespace: str = "", name: str = ""
    ) -> Response:
        records = journal.records(since=since, resource=resource, namespace=namespace, name=name)
        return Response(
            b"".join(orjson.dumps(each) + b"\n" for each in records), media_type="application/jsonl"
        )

    return router


def _add_dump(router: APIRouter, name: str, dump: Callable[[Levels], str], levels: Levels) -> None:
    @router.api_route(f"/debug/api_priority_and_fairness/{name}", methods=ANY_METHOD)
    async def show() -> Response:
        return PlainTextResponse(dump(levels))


def debug_router() -> APIRouter:
    """The flags that can be set while the server runs: how much it logs."""
    router = APIRouter()
    router.add_api_route("/debug/flags/v", put_verbosity, methods=ANY_METHOD)

    @router.api_route("/debug/flags", methods=ANY_METHOD)
    @router.api_route("/debug/flags/{name:path}", methods=ANY_METHOD)
    async def show_flags() -> Response:
        return HTMLResponse(_FLAGS_PAGE)

    return router


def issuer_router(issuer: str, keys_url: str, verifier: Verifier | None) -> APIRouter:
    """What others need to verify our tokens (OpenID Connect discovery)."""
    router = APIRouter()

    @router.get("/.well-known/openid-configuration")
    async def configuration() -> Response:
        document = {
            "issuer": issuer,
            "jwks_uri": keys_url,
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": verifier.algorithms() if verifier else [],
        }
        return to_json(document, _CACHED)

    @router.get("/openid/v1/jwks")
    async def keys() -> Response:
        body = orjson.dumps(verifier.jwks() if verifier else {"keys": []})
        return Response(body, headers=_CACHED, media_type="application/jwk-set+json")

    return router


def to_json(document: Any, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(document), headers=headers, media_type="application/json")
