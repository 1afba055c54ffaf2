"""Bootstrap tokens as people and Secrets write them, and the signature by which a token vouches for a text.

Source: https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/ and
staging/src/k8s.io/cluster-bootstrap of Kubernetes 1.34.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from dataclasses import dataclass

from apimachinery.objects import Object

SECRET_TYPE = "bootstrap.kubernetes.io/token"
SECRET_PREFIX = "bootstrap-token-"
NAMESPACE = "kube-system"
GROUP = "system:bootstrappers"
CLUSTER_INFO, CLUSTER_INFO_NAMESPACE = "cluster-info", "kube-public"
SIGNATURE_PREFIX = "jws-kubeconfig-"
"""The keys of cluster-info under which each token's signature of its kubeconfig stands."""
_TOKEN = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})")


@dataclass(frozen=True, slots=True)
class BootstrapToken:
    """`id` is public and names the Secret; `secret` is what only those who may join know."""

    id: str
    secret: str

    def __str__(self) -> str:
        return f"{self.id}.{self.secret}"


def parse_token(text: str) -> BootstrapToken | None:
    """None if it is no bootstrap token."""
    found = _TOKEN.fullmatch(text)
    return BootstrapToken(found[1], found[2]) if found else None


def secret_value(secret: Object, key: str) -> str:
    """A value of a Secret as text; nothing if it has none that can be read."""
    try:
        return base64.b64decode((secret.get("data") or {}).get(key) or "", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def sign(content: str, token: BootstrapToken) -> str:
    """A detached JWS (RFC 7515, appendix F): the header and HMAC-SHA256 of a text that stands elsewhere."""
    header = _encode(b'{"alg":"HS256","kid":"%b"}' % token.id.encode())
    signed = f"{header}.{_encode(content.encode())}".encode()
    signature = hmac.digest(token.secret.encode(), signed, "sha256")
    return f"{header}..{_encode(signature)}"


def is_signed(content: str, signature: str, token: BootstrapToken) -> bool:
    """Whether whoever made the signature knows the token and meant this text."""
    return hmac.compare_digest(signature, sign(content, token))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
