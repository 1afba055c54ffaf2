"""`api-versions`: every group/version the server serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl import session

if TYPE_CHECKING:
    from client.rest import Client


def api_versions() -> None:
    """Print the supported API versions on the server, in the form of "group/version"."""

    async def run(client: Client, _: str) -> list[str]:
        from client.discovery import discover

        return sorted({resource.api_version for resource in await discover(client)})

    print("".join(f"{version}\n" for version in session.run(run)), end="")
