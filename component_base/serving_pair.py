"""The certificate and key that a server was given as files: loaded again when they have changed.

Source: https://github.com/kubernetes/apiserver/blob/v0.34.0/pkg/server/dynamiccertificates
"""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from component_base.certificates import load_pair
from component_base.folder_watch import FolderWatch

log = logging.getLogger(__name__)

_LOOK_SECONDS = 60.0
"""However little the kernel tells of a file."""


async def keep_fresh(context: ssl.SSLContext, cert_file: str, key_file: str) -> None:
    """Never ends. Who connects after a change gets the new certificate; one that is wrong changes nothing."""
    files = [Path(cert_file), Path(key_file)]
    watch = FolderWatch()
    loaded = _read(files)
    try:
        while True:
            for file in files:
                watch.arm(file.parent)
            found = _read(files)
            if found and found != loaded and _load(context, found, cert_file):
                loaded = found
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
