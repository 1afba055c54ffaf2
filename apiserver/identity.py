"""Which apiserver this is, among several of one cluster, and as whom it writes.

Source: NewConfig in pkg/server/config.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

import base64
import hashlib
import socket
from functools import cache

from apiserver.request import RequestInfo, UserInfo

NAME = "kube-apiserver"
SELF = UserInfo("system:apiserver", groups=("system:masters",))
"""Who it is to itself, when it writes."""


def own_request(verb: str) -> RequestInfo:
    """A write of its own, which no connection has brought."""
    return RequestInfo(verb=verb, path="", method="", user=SELF)


def identity_of(host: str) -> str:
    """`apiserver-` and 26 letters and digits, the same as long as the host is called the same."""
    told = b"".join(len(each).to_bytes(2, "big") + each for each in (host.encode(), NAME.encode()))
    digest = hashlib.sha256(told).digest()[:16]
    return f"apiserver-{base64.b32encode(digest).decode().rstrip('=').lower()}"


def hash_of(identity: str) -> str:
    return f"sha256:{hashlib.sha256(identity.encode()).hexdigest()}"


@cache
def own_hash() -> str:
    """The value of the label `apiserver_id_hash`."""
    return hash_of(identity_of(socket.gethostname()))
