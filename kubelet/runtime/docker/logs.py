"""A container's log through Docker's API: options turned into its query, frames into lines of bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator

from kubelet.runtime.docker.connection import Connector, Request, path_of
from kubelet.runtime.docker.streams import demultiplexed
from kubelet.runtime.interface import LogOptions


def logs_path(docker_id: str, options: LogOptions) -> str:
    return path_of(
        f"/containers/{docker_id}/logs",
        stdout=options.stream != "Stderr",
        stderr=options.stream != "Stdout",
        follow=options.follow,
        timestamps=options.timestamps,
        tail="all" if options.tail is None else options.tail,
        since=f"{options.since:.9f}" if options.since else None,
    )


async def read_logs(
    connector: Connector, docker_id: str, options: LogOptions, *, tty: bool
) -> AsyncIterator[bytes]:
    left = options.limit_bytes
    async with await connector.open(Request("GET", logs_path(docker_id, options))) as connection:
        async for _, data in demultiplexed(connection.pieces(), tty=tty):
            if left is None:
                yield data
                continue
            yield data[:left]
            left -= len(data)
            if left <= 0:
                return
