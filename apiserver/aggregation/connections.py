"""The connections to other servers: one pool for each that is named and trusted in another way."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from apimachinery.errors import StatusError
from apiserver.aggregation.remotes import Server
from apiserver.request import UserInfo
from apiserver.services import ServiceAddresses
from apiserver.subresources.relay import DialError, Relay
from apiserver.subresources.targets import authority
from component_base.certificates import client_context

_MASTER = UserInfo("system:kube-aggregator", groups=("system:masters",))
Headers = list[tuple[str, str]]
_UNESCAPED = "!#$&'*+-.^_`|~"


class Connections:
    """`certificate` and `key` are the paths of what this server shows: others trust what it says of users."""

    def __init__(self, addresses: ServiceAddresses, certificate: str, key: str) -> None:
        self.addresses = addresses
        self._files = (certificate, key)
        self._relays: dict[Server, Relay] = {}

    def url_of(self, server: Server, path: str) -> str:
        """At one of its endpoints, for this once. Raises StatusError."""
        return f"https://{authority(*self.addresses.of(server.namespace, server.name, server.port))}{path}"

    def relay(self, server: Server) -> Relay:
        """Raises ssl.SSLError for authorities that are none."""
        if server not in self._relays:
            self._relays[server] = Relay(self._tls(server), server_name=server.host)
        return self._relays[server]

    def keep(self, servers: Sequence[Server]) -> list[Relay]:
        """Those that are no longer among these; the caller closes them."""
        return [self._relays.pop(each) for each in [*self._relays] if each not in servers]

    async def fetch(self, server: Server, path: str, accept: str = "application/json") -> bytes:
        """A document, as the most trusted of users. Raises StatusError, DialError, ssl.SSLError."""
        url = self.url_of(server, path)
        headers = [*user_headers(_MASTER), ("accept", accept)]
        answer = await self.relay(server).read(url, headers)
        if not answer.is_success:
            raise DialError(f"bad status from {url}: {answer.status_code}")
        return answer.content

    async def aclose(self) -> None:
        for each in self._relays.values():
            await each.aclose()

    def _tls(self, server: Server) -> ssl.SSLContext:
        context = client_context(ca=server.ca_bundle.decode())
        if not server.is_verified:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        certificate, key = self._files
        if certificate:
            context.load_cert_chain(certificate, key)
        return context


def user_headers(user: UserInfo) -> Headers:
    """Who asks, in the headers of an authenticating proxy."""
    return [
        ("x-remote-user", user.name),
        *([("x-remote-uid", user.uid)] if user.uid else []),
        *(("x-remote-group", group) for group in user.groups),
        *_extra_headers(user.extra),
    ]


def _extra_headers(extra: Mapping[str, Sequence[str]]) -> Headers:
    """Keys may have characters that no header's name can have."""
    return [
        (f"x-remote-extra-{quote(key.lower(), safe=_UNESCAPED)}", value)
        for key, values in extra.items()
        for value in values
    ]


class Unreachable(Exception):
    """What a request meets instead of the other server; the text is for its client."""


def reach(connections: Connections, server: Server, path: str) -> tuple[Relay, str]:
    """The relay to another server, and the URL there. Raises Unreachable."""
    try:
        return connections.relay(server), connections.url_of(server, path)
    except StatusError:
        raise Unreachable("service unavailable") from None
    except ssl.SSLError as error:
        raise Unreachable(str(error)) from None
