"""The user that a verified client certificate names: common name is the user, organizations are groups."""

from __future__ import annotations

import hashlib
import ssl
from typing import Any

from apiserver.request import UserInfo


def user_of(connection: ssl.SSLObject | ssl.SSLSocket) -> UserInfo | None:
    """None if the client sent no certificate. TLS has refused one that our CA did not sign."""
    certificate = connection.getpeercert()
    if not certificate:
        return None
    der = connection.getpeercert(binary_form=True) or b""
    return _user(dict(certificate), hashlib.sha256(der).hexdigest())


def _user(certificate: dict[str, Any], fingerprint: str) -> UserInfo | None:
    parts = [pair for part in certificate.get("subject", ()) for pair in part]
    names = [value for key, value in parts if key == "commonName"]
    if not names:
        return None
    groups = [value for key, value in parts if key == "organizationName"]
    extra: dict[str, tuple[str, ...]] = {
        "authentication.kubernetes.io/credential-id": (f"X509SHA256={fingerprint}",)
    }
    return UserInfo(names[-1], groups=(*groups, "system:authenticated"), extra=extra)
