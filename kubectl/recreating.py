"""`--force` of apply and replace: what can't be changed is deleted and made anew."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, NamedTuple

from apimachinery.objects import Object
from apimachinery.scheme import Resource
from client.waiting import until_gone
from kubectl.arguments import Flag
from kubectl.deleting import propagation
from kubectl.failures import CommandError

if TYPE_CHECKING:
    from client.rest import Client


class Forcing(NamedTuple):
    """How what can't be changed is made anew."""

    force: Annotated[bool, Flag("--force", help="Delete and create anew what can't be changed.")] = False
    cascade: Annotated[
        str, Flag("--cascade", bare="background", help="background, foreground or orphan.")
    ] = "background"
    grace_period: Annotated[int, Flag("--grace-period", help="Seconds; -1: the object's own.")] = -1
    timeout: Annotated[float, Flag("--timeout", help="How long the deletion may take; 0: as it likes.")] = 0.0
    wait: Annotated[bool, Flag("--wait", help="Wait until it is gone, which is done in any case.")] = False

    @property
    def options(self) -> Object:
        grace = {} if self.grace_period < 0 else {"gracePeriodSeconds": self.grace_period}
        return {"propagationPolicy": propagation(self.cascade), **grace}

    async def wait_until_gone(self, client: Client, resource: Resource, name: str, namespace: str) -> None:
        """Raises CommandError."""
        try:
            async with asyncio.timeout(self.timeout or None):
                await until_gone(client, resource, name, namespace)
        except TimeoutError:
            raise CommandError("timed out waiting for the condition") from None


NOT_FORCED = Forcing()
