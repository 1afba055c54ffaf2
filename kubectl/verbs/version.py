"""`version`: the client's and the server's."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING, Annotated, Any

import orjson

from kubectl import kustomize, session
from kubectl.arguments import Flag
from kubectl.failures import CommandError

if TYPE_CHECKING:
    from client.rest import Client


def version(
    client_only: Annotated[bool, Flag("--client", help="The client's version only.")] = False,
    output: Annotated[str, Flag("--output", "-o", help="json or yaml")] = "",
) -> None:
    """Print the client and server version information."""
    if output not in ("", "json", "yaml"):
        raise CommandError("--output must be 'yaml' or 'json'")
    versions: dict[str, Any] = {
        "clientVersion": {"gitVersion": f"v{metadata.version('sampan')}"},
        "kustomizeVersion": kustomize.VERSION,
    }
    if not client_only:
        versions["serverVersion"] = session.run(_server_version)
    if output == "json":
        print(orjson.dumps(versions, option=orjson.OPT_INDENT_2).decode())
    elif output == "yaml":
        from apimachinery.serialize import to_yaml

        print(to_yaml(versions), end="")
    else:
        print(f"Client Version: {versions['clientVersion']['gitVersion']}")
        print(f"Kustomize Version: {kustomize.VERSION}")
        if "serverVersion" in versions:
            print(f"Server Version: {versions['serverVersion']['gitVersion']}")


async def _server_version(client: Client, _: str) -> dict[str, str]:
    answer: dict[str, str] = await client.document("/version")
    return answer
