"""Which resource a kind belongs to, built in or of a definition that may have come since we looked last."""

from __future__ import annotations

from apimachinery.resource import Resource
from apimachinery.scheme import BUILTIN
from client.discovery import discover, preferred
from client.rest import Client

_BUILTIN = {(each.group, each.kind): each for each in reversed(BUILTIN)}


class UnknownKind(Exception):
    """Nobody serves it."""


class Kinds:
    def __init__(self, client: Client) -> None:
        self._client = client
        self._discovered: dict[tuple[str, str], Resource] = {}

    async def resource(self, group: str, kind: str) -> Resource:
        """In the version that the server prefers. Raises UnknownKind, StatusError, ConnectionFailed."""
        wanted = (group, kind)
        found = _BUILTIN.get(wanted) or self._discovered.get(wanted)
        if found is None:
            resources = preferred(await discover(self._client))
            self._discovered = {(each.group, each.kind): each for each in reversed(resources)}
            found = self._discovered.get(wanted)
        if found is None:
            raise UnknownKind(f'no matches for kind "{kind}" in group "{group}"')
        return found
