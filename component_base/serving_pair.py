"""The certificate and key that a server was given as files: loaded again when they have changed.

Source: https://github.com/kubernetes/apiserver/blob/v0.34.0/pkg/server/dynamiccertificates
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

from component_base.certificates import load_pair
from component_base.folder_watch import FolderWatch

log = logging.getLogger(__name__)

_LOOK_SECONDS = 60.0
"""However little the kernel tells of a file."""


async def _nothing() -> None:
    """What there is to do more, as a rule."""


class FilePair:
    """Files of a certificate and its key, and the context of connections that are shown it."""

    def __init__(self, context: ssl.SSLContext, cert_file: str, key_file: str) -> None:
        self.context = context
        self._certificate, self._key = Path(cert_file), Path(key_file)
        self._files = [self._certificate, self._key]
        self._loaded = b""

    def load(self) -> None:
        """Raises OSError, of which ssl.SSLError is one."""
        self._loaded = _read(self._files)
        self.context.load_cert_chain(self._certificate, self._key)

    def certificate(self) -> str:
        """In PEM, as the file has it now. Raises OSError."""
        return self._certificate.read_text()

    async def keep_fresh(self, on_loaded: Callable[[], Awaitable[None]] = _nothing) -> None:
        """Never ends. Who connects after a change gets the new one; one that is wrong changes nothing."""
        watch = FolderWatch()
        try:
            while True:
                for file in self._files:
                    watch.arm(file.parent)
                found = _read(self._files)
                if found and found != self._loaded and _load(self.context, found, str(self._certificate)):
                    self._loaded = found
                    await on_loaded()
                await watch.changed(_LOOK_SECONDS)
        finally:
            watch.close()


def _read(files: list[Path]) -> bytes:
    """Nothing while one of them is away."""
    try:
        return b"\n".join(file.read_bytes() for file in files)
    except OSError:
        return b""


def _load(context: ssl.SSLContext, pair: bytes, name: str) -> bool:
    """A context that refuses a pair has lost its own: another one tries it first."""
    try:
        load_pair(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), pair)
        load_pair(context, pair)
    except ssl.SSLError as error:
        log.warning("Certificate not loaded, going on with the old one: file=%s error=%s", name, error)
        return False
    log.info("Loaded a new certificate: file=%s", name)
    return True
