"""An admission webhook on a real socket with TLS: a FastAPI application that keeps what it was asked."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fastapi import FastAPI

from apimachinery.objects import Object
from apiserver.server import HttpServer
from component_base import clock
from tests.fakes.tls import tls_context

Answer = Callable[[Object], Object]
"""From an AdmissionRequest to the response, without its uid."""


def allow(request: Object) -> Object:
    return {"allowed": True}


def deny(message: str, **status: Any) -> Answer:
    return lambda request: {"allowed": False, "status": {"message": message, **status}}


def patching(*operations: Object) -> Answer:
    patch = base64.b64encode(json.dumps(operations).encode()).decode()
    return lambda request: {"allowed": True, "patchType": "JSONPatch", "patch": patch}


class WebhookServer:
    """Answers at any path; a path of its own can have an answer of its own."""

    def __init__(self, ca_bundle: str) -> None:
        self.ca_bundle = ca_bundle
        self.requests: list[Object] = []
        self.paths: list[str] = []
        self.answers: dict[str, Answer] = {}
        self.port = 0

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/{path:path}")
        async def review(path: str, body: dict[str, Any]) -> dict[str, Any]:
            request = body["request"]
            self.requests.append(request)
            self.paths.append(path)
            response = await asyncio.to_thread(self.answers.get(path, allow), request)
            return {
                "apiVersion": body["apiVersion"],
                "kind": "AdmissionReview",
                "response": {"uid": request["uid"], **response},
            }

        return app

    def webhook(self, path: str, **fields: Any) -> Object:
        """One that is about ConfigMaps in namespaces, unless it is said otherwise."""
        return {
            "name": f"{path}.example.com",
            "clientConfig": {"url": f"https://localhost:{self.port}/{path}", "caBundle": self.ca_bundle},
            "rules": [rule("configmaps")],
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            **fields,
        }


def rule(*resources: str, operations: Sequence[str] = ("CREATE", "UPDATE"), group: str = "") -> Object:
    return {
        "operations": list(operations),
        "apiGroups": [group],
        "apiVersions": ["v1"],
        "resources": list(resources),
    }


def configuration(kind: str, name: str, *webhooks: Object) -> Object:
    """`kind` is Mutating or Validating."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": f"{kind}WebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": list(webhooks),
    }


@asynccontextmanager
async def webhook_server(folder: Path, *names: str) -> AsyncIterator[WebhookServer]:
    certificate, key = _self_signed(folder, ("localhost", *names))
    server = WebhookServer(base64.b64encode(certificate.read_bytes()).decode())
    http = HttpServer(server.app())
    server.port = await http.start("0.0.0.0", 0, tls_context(certificate, key, ()))
    try:
        yield server
    finally:
        await http.aclose(0.1)


def _self_signed(folder: Path, names: Sequence[str]) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    addresses = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    alternative = x509.SubjectAlternativeName([*(x509.DNSName(name) for name in names), *addresses])
    now: datetime = clock.now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(alternative, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "webhook.crt", folder / "webhook.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    paths[1].write_bytes(key.private_bytes(*pem))
    return paths


def kubeconfig(folder: Path, server: str, **user: Any) -> str:
    """The path of one that leads to a webhook at a URL."""
    path = folder / "webhook.kubeconfig"
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": "w",
        "clusters": [{"name": "w", "cluster": {"server": server}}],
        "users": [{"name": "w", "user": user}],
        "contexts": [{"name": "w", "context": {"cluster": "w", "user": "w"}}],
    }  # fmt: skip
    path.write_text(yaml.safe_dump(config))
    return str(path)
