"""Bootstrap tokens: which Secrets let a machine in."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from apimachinery.objects import Object
from apimachinery.scheme import SECRETS, Resource
from apiserver.auth.authenticator import Authenticator
from apiserver.auth.bootstrap_tokens import BootstrapTokens
from apiserver.request import UserInfo
from component_base.jwt import InvalidToken

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TOKEN = "abcdef.0123456789abcdef"
DATA = {
    "token-id": "abcdef",
    "token-secret": "0123456789abcdef",
    "usage-bootstrap-authentication": "true",
    "expiration": "2026-01-02T00:00:00Z",
}


def secret(changes: dict[str, str], **fields: Any) -> Object:
    data = {key: base64.b64encode(value.encode()).decode() for key, value in {**DATA, **changes}.items()}
    metadata = {"name": "bootstrap-token-abcdef", "namespace": "kube-system"}
    return {"metadata": metadata, "type": "bootstrap.kubernetes.io/token", "data": data, **fields}


def tokens(stored: Object | None) -> BootstrapTokens:
    def lookup(resource: Resource, namespace: str, name: str) -> Object | None:
        is_it = (resource, namespace, name) == (SECRETS, "kube-system", "bootstrap-token-abcdef")
        return stored if is_it else None

    return BootstrapTokens(lookup, lambda: NOW)


def test_a_good_token_is_a_bootstrapper() -> None:
    groups = {"auth-extra-groups": "system:bootstrappers:workers,system:bootstrappers:edge"}
    assert tokens(secret(groups)).verify(TOKEN) == UserInfo(
        "system:bootstrap:abcdef",
        groups=(
            "system:bootstrappers",
            "system:bootstrappers:edge",
            "system:bootstrappers:workers",
            "system:authenticated",
        ),
    )


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(None, id="there is no such secret"),
        pytest.param(secret({"token-secret": "another000000000"}), id="another secret part"),
        pytest.param(secret({"token-id": "other0"}), id="another id within"),
        pytest.param(secret({}, type="Opaque"), id="of another type"),
        pytest.param(secret({"usage-bootstrap-authentication": "false"}), id="not for authentication"),
        pytest.param(secret({"expiration": "2026-01-01T00:00:00Z"}), id="expired"),
        pytest.param(secret({"expiration": "tomorrow"}), id="an expiration that is no time"),
        pytest.param(secret({"auth-extra-groups": "system:masters"}), id="a group that is not its to give"),
        pytest.param(secret({}, data={"token-secret": "%%%"}), id="data that is no base64"),
        pytest.param(
            {**secret({}), "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}, id="being deleted"
        ),
    ],
)
def test_a_token_that_is_not_good_says_nothing_about_why(stored: Object | None) -> None:
    with pytest.raises(InvalidToken, match=r"^invalid bearer token$"):
        tokens(stored).verify(TOKEN)


async def test_they_are_taken_only_where_they_are_switched_on() -> None:
    header = f"Bearer {TOKEN}"
    on = Authenticator(bootstrap_tokens=tokens(secret({})))
    user = await on.authenticate(header, {})
    assert user is not None
    assert user.name == "system:bootstrap:abcdef"
    assert await Authenticator().authenticate(header, {}) is None
