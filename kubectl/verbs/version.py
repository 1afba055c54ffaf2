"""`version`: the client's and the server's."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from kubectl import session

if TYPE_CHECKING:
    from client.rest import Client

app = typer.Typer()


@app.command("version")
def version(
    client_only: Annotated[bool, typer.Option("--client", help="The client's version only.")] = False,
    output: Annotated[str, typer.Option("--output", "-o", help="json or yaml")] = "",
) -> None:
    """Print the client and server version information."""
    versions: dict[str, dict[str, str]] = {"clientVersion": {"gitVersion": f"v{metadata.version('sampan')}"}}
    if not client_only:
        versions["serverVersion"] = session.run(_server_version)
    if output == "json":
        typer.echo(orjson.dumps(versions, option=orjson.OPT_INDENT_2).decode())
    elif output == "yaml":
        from apimachinery.serialize import to_yaml

        typer.echo(to_yaml(versions), nl=False)
    else:
        typer.echo(f"Client Version: {versions['clientVersion']['gitVersion']}")
        if "serverVersion" in versions:
            typer.echo(f"Server Version: {versions['serverVersion']['gitVersion']}")


async def _server_version(client: Client, _: str) -> dict[str, str]:
    answer: dict[str, str] = orjson.loads(await client.request("GET", "/version"))
    return answer
