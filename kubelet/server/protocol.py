"""TLS client certificates for ASGI.

Uvicorn does not show them, so each connection carries its subject in the state.
"""

from __future__ import annotations

from asyncio import Transport
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

PEER_SUBJECT = "peer_subject"


class PeerProtocol(HttpToolsProtocol):
    """HTTP and the WebSockets that grow out of it."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        certificate = cast(dict[str, object] | None, tls.getpeercert()) if tls is not None else None
        self.app_state = {**self.app_state, PEER_SUBJECT: (certificate or {}).get("subject")}
