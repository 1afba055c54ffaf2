"""Bootstrap tokens as their administrator sees them: made, listed, taken away."""

from __future__ import annotations

import secrets
import string
from datetime import datetime, timedelta

from apimachinery.bootstrap_tokens import (
    GROUP,
    NAMESPACE,
    SECRET_PREFIX,
    SECRET_TYPE,
    BootstrapToken,
    parse_token,
    secret_value,
)
from apimachinery.durations import human_duration
from apimachinery.objects import Object
from apimachinery.scheme import SECRETS
from apimachinery.times import format_time, parse_time
from client.rest import Client

DEFAULT_GROUP = f"{GROUP}:kubeadm:default-node-token"
DEFAULT_LIFE = timedelta(hours=24)
_ALPHABET = string.ascii_lowercase + string.digits


def new_token() -> BootstrapToken:
    def part(length: int) -> str:
        return "".join(secrets.choice(_ALPHABET) for _ in range(length))

    return BootstrapToken(part(6), part(16))


def token_secret(token: BootstrapToken, description: str, expires: datetime | None) -> Object:
    """`expires` is None for never."""
    data = {
        "token-id": token.id,
        "token-secret": token.secret,
        "usage-bootstrap-authentication": "true",
        "usage-bootstrap-signing": "true",
        "auth-extra-groups": DEFAULT_GROUP,
    }
    if description:
        data["description"] = description
    if expires is not None:
        data["expiration"] = format_time(expires)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"{SECRET_PREFIX}{token.id}", "namespace": NAMESPACE},
        "type": SECRET_TYPE,
        "stringData": data,
    }


async def listed(client: Client) -> list[Object]:
    found = await client.list(SECRETS, NAMESPACE, field_selector=f"type={SECRET_TYPE}")
    return list(found["items"])


async def delete(client: Client, token: str) -> None:
    """By the whole token or its id alone. Raises NotFoundError."""
    parsed = parse_token(token)
    await client.delete(SECRETS, f"{SECRET_PREFIX}{parsed.id if parsed else token}", NAMESPACE)


def table(found: list[Object], now: datetime) -> list[list[str]]:
    """TOKEN, TTL, EXPIRES, USAGES, DESCRIPTION, as kubeadm prints them."""
    rows = [["TOKEN", "TTL", "EXPIRES", "USAGES", "DESCRIPTION"]]
    for secret in found:
        expires = secret_value(secret, "expiration")
        life = parse_time(expires) - now if expires else None
        usages = [
            usage for usage in ("authentication", "signing")
            if secret_value(secret, f"usage-bootstrap-{usage}") == "true"
        ]  # fmt: skip
        rows.append(
            [
                f"{secret_value(secret, 'token-id')}.{secret_value(secret, 'token-secret')}",
                "<forever>" if life is None else human_duration(max(life.total_seconds(), 0)),
                expires or "<never>",
                ",".join(usages) or "<none>",
                secret_value(secret, "description") or "<none>",
            ]
        )
    return rows
