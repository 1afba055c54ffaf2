"""TLS handshakes in memory, without a socket."""

from __future__ import annotations

import ssl


def agreed_cipher(client: ssl.SSLContext, server: ssl.SSLContext) -> str:
    """The name of the cipher that the two agree on. Raises ssl.SSLError where they agree on none."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    theirs = client.wrap_bio(to_client, to_server)
    ends = [theirs, server.wrap_bio(to_server, to_client, server_side=True)]
    while ends:
        for end in [*ends]:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            ends.remove(end)
    agreed = theirs.cipher()
    assert agreed is not None
    return agreed[0]
