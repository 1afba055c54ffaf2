"""The files of an image: saved by the engine, unpacked by us. Before version 28 Docker mounts no images."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from kubelet.runtime.docker.connection import Connector, Request
from kubelet.runtime.docker.layers import ArchiveError, unpack_image
from kubelet.runtime.interface import ContainerRuntimeError
from kubelet.tasks import uninterrupted


async def copy_files(connector: Connector, image_id: str, folder: Path) -> None:
    """Into an empty folder; the archive lies beside it meanwhile. Raises ContainerRuntimeError."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder.parent, prefix="saved-") as archive:
            async with await connector.open(Request("GET", f"/images/{image_id}/get")) as connection:
                async for piece in connection.pieces():
                    await asyncio.to_thread(archive.write, piece)
            await asyncio.to_thread(archive.flush)
            await uninterrupted(asyncio.to_thread(unpack_image, Path(archive.name), folder))
    except (ArchiveError, OSError) as error:
        raise ContainerRuntimeError(f"failed to mount image {image_id}: {error}") from error
