"""TLS handshakes in memory, without a socket."""

from __future__ import annotations

import ssl
from contextlib import suppress


def shake_hands(
    client: ssl.SSLContext, server: ssl.SSLContext, host: str | None = None
) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """The client's end and the server's. Raises ssl.SSLError, whichever of them refuses the other."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    theirs = client.wrap_bio(to_client, to_server, server_hostname=host)
    ours = server.wrap_bio(to_server, to_client, server_side=True)
    waiting = [theirs, ours]
    while waiting:
        for end in [*waiting]:
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
                waiting.remove(end)
    return theirs, ours


def agreed_cipher(client: ssl.SSLContext, server: ssl.SSLContext) -> str:
    """The name of the cipher that the two agree on. Raises ssl.SSLError where they agree on none."""
    agreed = shake_hands(client, server)[0].cipher()
    assert agreed is not None
    return agreed[0]
