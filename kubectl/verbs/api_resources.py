"""`api-resources`: what the server serves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from apimachinery.scheme import Resource
from kubectl import session
from kubectl.arguments import Flag
from kubectl.failures import CommandError
from kubectl.flags import NoHeaders
from kubectl.printers.table import align

if TYPE_CHECKING:
    from client.rest import Client


def api_resources(
    group: Annotated[str | None, Flag("--api-group", help="Only of this group.")] = None,
    namespaced: Annotated[
        bool | None, Flag("--namespaced", help="Only those in namespaces, or only the others.")
    ] = None,
    verbs: Annotated[list[str] | None, Flag("--verbs", help="Only with all of these verbs.")] = None,
    categories: Annotated[list[str] | None, Flag("--categories", help="Only of these categories.")] = None,
    output: Annotated[str, Flag("--output", "-o", help="wide or name")] = "",
    sort_by: Annotated[str, Flag("--sort-by", help="name or kind")] = "",
    no_headers: NoHeaders = False,
    cached: Annotated[bool, Flag("--cached", help="Ignored: discovery is always asked.")] = False,
) -> None:
    """Print the supported API resources on the server."""
    if output not in ("", "wide", "name"):
        raise CommandError(f"--output {output} is not available")
    if sort_by not in ("", "name", "kind"):
        raise CommandError("--sort-by accepts only name or kind")

    def wanted(resource: Resource) -> bool:
        return (
            bool(resource.verbs)
            and (group is None or resource.group == group)
            and (namespaced is None or resource.namespaced == namespaced)
            and set(_words(verbs)) <= set(resource.verbs)
            and set(_words(categories)) <= set(resource.categories)
        )

    async def run(client: Client, _: str) -> list[Resource]:
        from client.discovery import discover, preferred

        return preferred([resource for resource in await discover(client) if wanted(resource)])

    found = session.run(run)
    found.sort(key=lambda r: r.kind if sort_by == "kind" else r.plural if sort_by else (r.group, r.plural))
    if output == "name":
        print("".join(f"{resource.group_resource}\n" for resource in found), end="")
        return
    wide = output == "wide"
    heading = ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND", *(["VERBS", "CATEGORIES"] * wide)]
    rows = [] if no_headers else [heading]
    print(align([*rows, *(_row(resource, wide) for resource in found)]), end="")


def _words(values: list[str] | None) -> list[str]:
    return [word for value in values or () for word in value.split(",")]


def _row(resource: Resource, wide: bool) -> list[str]:
    row = [
        resource.plural,
        ",".join(resource.short_names),
        resource.api_version,
        str(resource.namespaced).lower(),
        resource.kind,
    ]
    return row + ([",".join(resource.verbs), ",".join(resource.categories)] if wide else [])
