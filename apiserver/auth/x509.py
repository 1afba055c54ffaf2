"""Who a verified client certificate stands for: common name is the user, organizations are groups, and one
attribute of Kubernetes' own the uid.

A connection is looked at once, when it is made; a certificate once, when it is first shown.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from apiserver.request import UserInfo

_MOST_KNOWN = 1000
_UID = "1.3.6.1.4.1.57683.2"
"""The attribute of the subject that holds a user's uid."""


@dataclass(frozen=True, slots=True)
class Client:
    """The user that the certificate names, None if that authority is not asked for users."""

    user: UserInfo | None = None
    is_proxy: bool = False
    """Whether its requests may be on behalf of others."""
    expires: float = inf
    """Until when the certificate is good, in seconds since 1970."""


class ClientCertificates:
    """Whose certificates are whose: users' authorities, and those of front proxies.

    TLS has refused what none of them signed. Which one it was matters only where there are proxies; their
    certificates are signed by an authority of the file itself.
    """

    def __init__(
        self, users: Path | None = None, proxies: Path | None = None, names: Collection[str] = ()
    ) -> None:
        """`names`: the common names that proxies may have, any if empty."""
        self.authorities = [path for path in (users, proxies) if path is not None]
        self._has_users = users is not None
        self._proxies = _load(proxies) if proxies is not None else []
        self._names = frozenset(names)
        self._known: dict[bytes, Client] = {}

    def client_of(self, connection: ssl.SSLObject | ssl.SSLSocket) -> Client | None:
        """None if the client sent no certificate."""
        der = connection.getpeercert(binary_form=True)
        if not der:
            return None
        client = self._known.get(der)
        if client is None:
            client = self._client(connection.getpeercert() or {}, der)
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[der] = client
        return client

    def _client(self, certificate: Mapping[str, Any], der: bytes) -> Client:
        user = _user(certificate, hashlib.sha256(der).hexdigest())
        expires = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
        if not self._is_of_proxy(der):
            return Client(user if self._has_users else None, expires=expires)
        is_proxy = user is not None and (not self._names or user.name in self._names)
        return Client(is_proxy=is_proxy, expires=expires)

    def _is_of_proxy(self, der: bytes) -> bool:
        if not self._proxies:
            return False
        from cryptography import x509
        from cryptography.exceptions import InvalidSignature

        certificate = x509.load_der_x509_certificate(der)
        for authority in self._proxies:
            try:
                certificate.verify_directly_issued_by(authority)
            except (ValueError, TypeError, InvalidSignature):
                continue
            return True
        return False


def _load(path: Path) -> list[Any]:
    from cryptography import x509

    return list(x509.load_pem_x509_certificates(path.read_bytes()))


def _user(certificate: Mapping[str, Any], fingerprint: str) -> UserInfo | None:
    """None without a name, or with several uids or an empty one."""
    parts = [pair for part in certificate.get("subject", ()) for pair in part]
    names = [value for key, value in parts if key == "commonName"]
    uids = [value for key, value in parts if key == _UID]
    if not names or len(uids) > 1 or "" in uids:
        return None
    groups = [value for key, value in parts if key == "organizationName"]
    extra: dict[str, tuple[str, ...]] = {
        "authentication.kubernetes.io/credential-id": (f"X509SHA256={fingerprint}",)
    }
    return UserInfo(names[-1], "".join(uids), groups=(*groups, "system:authenticated"), extra=extra)
