"""What answers requests: all filters in upstream's order, around the dispatcher, around FastAPI."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from fastapi.telemetry import TelemetryConfig
from starlette.middleware import Middleware

from apiserver.aggregation.proxy import Aggregation
from apiserver.asgi import App, Receive, Scope, Send
from apiserver.discovery.routes import discovery_router
from apiserver.dispatch import Dispatcher
from apiserver.filters.audit import Audit, AuditFailedAuthentication
from apiserver.filters.authentication import Authentication
from apiserver.filters.authorization import Authorization
from apiserver.filters.compression import Compression
from apiserver.filters.draining import Draining
from apiserver.filters.fixed_headers import CrossOrigin, StrictTransportSecurity
from apiserver.filters.impersonation import Impersonation
from apiserver.filters.max_in_flight import MaxInFlight
from apiserver.filters.observe import Observe
from apiserver.filters.panic import PanicRecovery
from apiserver.filters.pretty import Pretty
from apiserver.filters.priority_and_fairness import PriorityAndFairness
from apiserver.filters.request_info import KEY, RequestInfoFilter
from apiserver.filters.timeout import Timeout
from apiserver.health import health_checks
from apiserver.index import add_index
from apiserver.openapi import OpenAPI
from apiserver.openapi.routes import openapi_router
from apiserver.options import advertised_address
from apiserver.responses import uncached
from apiserver.routes import debug_router, general_router, health_router, issuer_router

if TYPE_CHECKING:
    from apiserver.assembly import ApiServer

_SETTLED_SECONDS = 10.0
"""For discovery to know which custom resources there are."""


def build_filters(server: ApiServer) -> App:
    """Resource requests need not pass FastAPI's own layers."""
    options, auth = server.options, server.auth
    auditor = server.auditor
    origins, hsts = options.cors_allowed_origins, options.strict_transport_security_directives
    filters = [
        Middleware(PanicRecovery),
        *([Middleware(StrictTransportSecurity, hsts)] if hsts else []),
        Middleware(RequestInfoFilter),
        Middleware(Observe, server.metrics, server.journal),
        Middleware(Draining, server.shutdown),
        Middleware(Compression),
        Middleware(Pretty),
        Middleware(PanicRecovery),  # again: the errors that it answers are observed, too
        Middleware(Timeout, options.request_timeout),
        *([Middleware(CrossOrigin, origins)] if origins else []),
        *([Middleware(AuditFailedAuthentication, auditor)] if auditor else []),
        Middleware(Authentication, auth.authenticator, server.attempts),
        *([Middleware(Audit, auditor)] if auditor else []),
        Middleware(Impersonation, auth.authorizer),
        _limit(server),
        Middleware(Authorization, auth.authorizer, server.attempts),
        Middleware(Aggregation, server.remotes, server.connections),
    ]
    app: App = Resources(build_fastapi(server), server.dispatcher)
    for each, arguments, _ in reversed(filters):
        app = each(app, *arguments)
    return app


def _limit(server: ApiServer) -> Middleware:
    """How many requests are served at once."""
    options, metrics = server.options, server.metrics
    if options.enable_priority_and_fairness:
        return Middleware(PriorityAndFairness, server.levels, server.cache, metrics, options.request_timeout)
    limits = (options.max_requests_inflight, options.max_mutating_requests_inflight)
    return Middleware(MaxInFlight, metrics, *limits)


class Resources:
    """The last filter: takes what is under /api and /apis and names a resource; FastAPI has the rest."""

    def __init__(self, app: App, dispatcher: Dispatcher) -> None:
        self._app = app
        self._dispatcher = dispatcher

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        info = scope.get(KEY)
        if info is not None and info.is_resource and not info.path.startswith("//"):
            await self._dispatcher(scope, receive, send)
        else:
            await self._app(scope, receive, uncached(send))


def build_fastapi(server: ApiServer) -> FastAPI:
    """What is no resource: health, version, metrics, discovery, OpenAPI."""
    options, served, remotes = server.options, server.served, server.remotes
    # Its telemetry looks into the environment with every request.
    quiet: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False, telemetry=quiet)
    address = f"{options.external_hostname or advertised_address(options)}:{options.secure_port}"
    keys_url = options.service_account_jwks_uri or f"https://{address}/openid/v1/jwks"
    settled = partial(server.cache.wait_until_ready, _SETTLED_SECONDS)
    openapi = OpenAPI(served.resources, server.extra_definitions, remotes.described, remotes.described_in_v2)
    checks = health_checks(server)
    app.include_router(health_router(checks))
    app.include_router(
        general_router(server.journal, server.levels if options.enable_priority_and_fairness else None)
    )
    if options.profiling:
        app.include_router(debug_router())
    app.include_router(issuer_router(options.service_account_issuer[0], keys_url, server.auth.verifier))
    app.include_router(discovery_router(served, remotes, address, settled))
    app.include_router(openapi_router(openapi, settled))
    add_index(app, served, remotes, checks)
    app.add_exception_handler(Exception, _pass_on)
    return app


async def _pass_on(request: Request, error: Exception) -> Response:
    """The filters answer it, and have to know of it."""
    raise error
