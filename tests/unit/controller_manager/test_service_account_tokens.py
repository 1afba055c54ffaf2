"""Tokens in Secrets: what is filled in, and when they go."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from apimachinery.objects import Object
from apimachinery.scheme import SECRETS, SERVICE_ACCOUNTS
from apimachinery.well_known import SERVICE_ACCOUNT_TOKEN
from component_base.jwt import Verifier
from controller_manager.options import Options
from controller_manager.service_account_tokens import ServiceAccountTokensController, completed
from tests.unit.controller_manager.cluster import Cluster, running

KEY = ec.generate_private_key(ec.SECP256R1())
ACCOUNT: Object = {"metadata": {"name": "robot", "namespace": "ns", "uid": "u1"}}


def secret(data: dict[str, str] | None = None, uid: str = "") -> Object:
    annotations = {"kubernetes.io/service-account.name": "robot"}
    annotations |= {"kubernetes.io/service-account.uid": uid} if uid else {}
    metadata = {"name": "robot-token", "namespace": "ns", "annotations": annotations}
    return {"metadata": metadata, "type": SERVICE_ACCOUNT_TOKEN, "data": data or {}}


def encoded(**values: str) -> dict[str, str]:
    return {key.replace("_", "."): base64.b64encode(value.encode()).decode() for key, value in values.items()}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, encoded(ca_crt="CA", namespace="ns", token="new")),
        (encoded(token="old", extra="x"), encoded(ca_crt="CA", namespace="ns", token="old", extra="x")),
        (
            encoded(ca_crt="old", namespace="ns", token="old"),
            encoded(ca_crt="CA", namespace="ns", token="old"),
        ),
        (encoded(ca_crt="CA", namespace="ns", token="old"), None),
    ],
    ids=["nothing", "others' data", "another CA", "everything"],
)
def test_what_is_filled_in(before: dict[str, str], after: dict[str, str] | None) -> None:
    found = completed(secret(before), ACCOUNT, lambda claims: "new", b"CA")
    assert (found["data"] if found else None) == after


@asynccontextmanager
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    path = tmp_path / "sa.key"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(KEY.private_bytes(*form))
    options = Options(service_account_private_key_file=str(path))

    def make(context: Any) -> ServiceAccountTokensController:
        return ServiceAccountTokensController(context.__class__(**{**vars(context), "options": options}))

    async with running(Cluster([make], [SECRETS, SERVICE_ACCOUNTS])) as it:  # type: ignore[list-item]
        yield it


def token_of(it: Cluster) -> str:
    found = it.api.find(SECRETS)
    return base64.b64decode(found[0]["data"].get("token", "")).decode() if found else ""


@pytest.mark.looptime
async def test_a_token_names_its_account_and_goes_with_it(tmp_path: Path) -> None:
    async with cluster(tmp_path) as it:
        account = await it.api.create(SERVICE_ACCOUNTS, {"metadata": {"name": "robot", "namespace": "ns"}})
        await it.api.create(SECRETS, secret())
        await it.until(lambda: bool(token_of(it)))
        prefix = "kubernetes/serviceaccount"
        claims = Verifier([KEY.public_key()]).verify(token_of(it))
        assert (claims["sub"], claims[f"{prefix}/service-account.uid"], claims[f"{prefix}/secret.name"]) == (
            "system:serviceaccount:ns:robot", account["metadata"]["uid"], "robot-token",
        )  # fmt: skip
        await it.api.delete(SERVICE_ACCOUNTS, "robot", "ns")
        await it.until(lambda: not it.api.find(SECRETS))


@pytest.mark.looptime
async def test_a_token_of_an_earlier_account_goes(tmp_path: Path) -> None:
    async with cluster(tmp_path) as it:
        await it.api.create(SERVICE_ACCOUNTS, {"metadata": {"name": "robot", "namespace": "ns"}})
        await it.api.create(SECRETS, secret(uid="earlier"))
        await it.until(lambda: not it.api.find(SECRETS))
