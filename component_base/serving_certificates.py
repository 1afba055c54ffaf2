"""The certificates of a server: loaded from files, again when these change, each shown to whom it is for."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from component_base.certificates import CertificateError, inspect
from component_base.named_pairs import Names, NameTable
from component_base.serving_pair import FilePair

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shown:
    """A pair, and what it is told to be for. One without files is in its context already."""

    context: ssl.SSLContext
    pair: FilePair | None = None
    patterns: tuple[str, ...] = ()

    async def names(self) -> Names:
        """Raises CertificateError, OSError."""
        if self.pair is None:
            return Names()
        said = await inspect(self.pair.certificate())
        return Names(self.patterns, said.common_name, said.dns)


class ServingCertificates:
    """A server listens with the context of the ordinary one, which hands over to those of others by name."""

    def __init__(self, ordinary: Shown, named: Sequence[Shown] = (), *, address: str = "") -> None:
        """The contexts are alike but for their pairs. `address`: where clients connect to, if it is one."""
        self.context = ordinary.context
        self._all = (ordinary, *named)
        self._names = [Names()] * len(self._all)
        self._table = NameTable(Names(), ())
        self._address = address

    async def load(self) -> None:
        """Raises CertificateError."""
        for place, each in enumerate(self._all):
            try:
                if each.pair is not None:
                    each.pair.load()
                await self._look_at(place)
            except OSError as error:
                purpose = "SNI cert and key" if place else "serving cert and key"
                raise CertificateError(f"failed to load {purpose}: {error}") from None
        if len(self._all) > 1:
            self.context.sni_callback = self._hand_over

    async def run(self) -> None:
        """Loads again what changes; never ends."""
        async with asyncio.TaskGroup() as group:
            for place, each in enumerate(self._all):
                if each.pair is not None:
                    group.create_task(each.pair.keep_fresh(partial(self._look_again, place)))

    def _hand_over(self, connection: ssl.SSLObject, host: str | None, _: ssl.SSLContext) -> None:
        place = self._table.of_host(host) if host else self._table.of_address(self._address)
        connection.context = self._all[place].context

    async def _look_at(self, place: int) -> None:
        """Names only matter where there are several."""
        if len(self._all) > 1:
            self._names[place] = await self._all[place].names()
            self._table = NameTable(self._names[0], self._names[1:])

    async def _look_again(self, place: int) -> None:
        """A new certificate may have other names."""
        try:
            await self._look_at(place)
        except (CertificateError, OSError) as error:
            log.warning("Names of a certificate not read, going on with the old ones: error=%s", error)
