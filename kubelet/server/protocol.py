"""TLS client certificates for ASGI: each connection's subject is among the extensions of its scopes."""

from __future__ import annotations

from asyncio import Transport
from typing import cast

from component_base.tunnel import TunnelProtocol

PEER_SUBJECT = "sampan.peer-subject"


class PeerProtocol(TunnelProtocol):
    """HTTP, and what grows out of it."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        certificate = cast(dict[str, object] | None, tls.getpeercert()) if tls is not None else None
        self.extensions[PEER_SUBJECT] = (certificate or {}).get("subject")
