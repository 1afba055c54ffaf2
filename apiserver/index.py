"""The list of paths at /, and upstream's answers where there is no path or a path knows no such method."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from fastapi import FastAPI, Request, Response

from apimachinery.errors import MethodNotAllowedError, PathNotFoundError
from apimachinery.resource import version_path
from apiserver.aggregation.remotes import Remotes
from apiserver.discovery.served import Served
from apiserver.dispatch import NOT_ALLOWED
from apiserver.routes import ANY_METHOD, not_found, to_json

_PATHS = (
    "/.well-known/openid-configuration", "/api", "/apis", "/apis/", "/debug/journal", "/healthz", "/livez",
    "/metrics", "/metrics/slis", "/openapi/v2", "/openapi/v3", "/openapi/v3/", "/openid/v1/jwks", "/readyz",
    "/version",
)  # fmt: skip


def add_index(app: FastAPI, served: Served, remotes: Remotes, checks: Mapping[str, Collection[str]]) -> None:
    """`checks`: their names by endpoint."""

    def paths() -> list[str]:
        return _paths([*served.group_versions(), *remotes.all()], checks)

    @app.api_route("/", methods=ANY_METHOD)
    @app.api_route("/index.html", methods=ANY_METHOD)
    async def index() -> Response:
        return to_json({"paths": paths()})

    async def nothing(request: Request, error: Exception) -> Response:
        return not_found()

    async def not_allowed(request: Request, error: Exception) -> Response:
        first, group = (*request.url.path.strip("/").split("/"), "")[:2]
        known = paths()
        if first == "apis" and f"/apis/{group}" not in known:
            return not_found()
        if first in ("api", "apis") and request.url.path.rstrip("/") not in (*known, "/api"):
            raise PathNotFoundError
        raise MethodNotAllowedError(message=NOT_ALLOWED)

    app.add_exception_handler(404, nothing)
    app.add_exception_handler(405, not_allowed)


def _paths(served: Iterable[tuple[str, str]], checks: Mapping[str, Collection[str]]) -> list[str]:
    """All there are, in order, with `served` (group, version)s."""
    groups = {f"/apis/{group}" for group, _ in served if group}
    versions = {version_path(*each) for each in served}
    health = {f"/{endpoint}/{name}" for endpoint, names in checks.items() for name in names}
    return sorted({*_PATHS, *groups, *versions, *health})
