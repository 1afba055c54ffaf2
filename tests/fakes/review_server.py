"""A webhook for TokenReviews and SubjectAccessReviews on a real socket with TLS, and the way to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import yaml
from fastapi import FastAPI, Request, Response

from apimachinery.objects import Object
from apiserver.server import HttpServer
from tests.fakes.tls import tls_context

Judge = Callable[[Object], Object]
"""From a review's spec to its status."""


class ReviewServer:
    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.asked: list[Object] = []
        self.credentials: set[str] = set()
        self.kubeconfig = Path()
        self.failures = 0
        """Answers with 500 before it is well."""

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/review")
        async def review(request: Request) -> Response:
            body = await request.json()
            self.asked.append(body)
            self.credentials.add(request.headers.get("authorization", ""))
            if self.failures:
                self.failures -= 1
                return Response(status_code=500)
            return Response(orjson.dumps({**body, "status": self.judge(body["spec"])}))

        return app


@asynccontextmanager
async def review_server(pki: Path, folder: Path, judge: Judge) -> AsyncIterator[ReviewServer]:
    """Its certificate is an apiserver's, its kubeconfig lies in the folder."""
    server = ReviewServer(judge)
    http = HttpServer(server.app())
    port = await http.start("127.0.0.1", 0, tls_context(pki / "apiserver.crt", pki / "apiserver.key", ()))
    cluster = {"server": f"https://127.0.0.1:{port}/review", "certificate-authority": str(pki / "ca.crt")}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "webhook", "cluster": cluster}],
        "users": [{"name": "apiserver", "user": {"token": "our-secret"}}],
        "contexts": [{"name": "c", "context": {"cluster": "webhook", "user": "apiserver"}}],
        "current-context": "c",
    }
    server.kubeconfig = folder / f"webhook-{port}.kubeconfig"
    server.kubeconfig.write_text(yaml.safe_dump(config))
    try:
        yield server
    finally:
        await http.aclose(0.1)
