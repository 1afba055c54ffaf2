"""EncryptionConfigurations and their keys."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import yaml

SECRET = b64encode(b"0123456789abcdef0123456789abcdef").decode()
OTHER = b64encode(b"f" * 32).decode()
KEY = "/registry/secrets/default/a"


def keys(*names: str, secret: str = SECRET) -> dict[str, Any]:
    return {"keys": [{"name": name, "secret": secret} for name in names]}


def kms(*others: dict[str, Any], **fields: Any) -> bytes:
    """A configuration with a good provider `vault` that has `fields`, and with others like it."""
    good = {"apiVersion": "v2", "name": "vault", "endpoint": "unix:///kms.sock"}
    return config((["secrets"], [{"kms": good | each} for each in (fields, *others)]))


def config(*blocks: tuple[list[str], list[dict[str, Any]]]) -> bytes:
    return yaml.safe_dump(
        {
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "EncryptionConfiguration",
            "resources": [{"resources": names, "providers": providers} for names, providers in blocks],
        }
    ).encode()


CBC: dict[str, Any] = {"aescbc": keys("one")}
IDENTITY: dict[str, Any] = {"identity": {}}
