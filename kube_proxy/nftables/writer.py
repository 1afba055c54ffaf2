"""The one file that talks to nftables: full syncs through `nft`, changes through libnftables in process."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import orjson

from kube_proxy import metrics
from kube_proxy.nftables import names
from kube_proxy.nftables.text import changes_text, cleanup_text, delete_chains_text, full_text
from kube_proxy.program import first_line, run
from kube_proxy.ruleset import Ruleset, compare
from kube_proxy.writer import RulesetError

log = logging.getLogger(__name__)

# Kernels before 6.2 can't delete a chain right after the last map entry that led there.
STALE_SECONDS = 1.0
# Longer texts take milliseconds: they are left to a process of their own.
MAX_IN_PROCESS = 64 * 1024


class Nftables:
    """One table of one family. `clock` gives seconds."""

    def __init__(self, ip: str = "ip", clock: Callable[[], float] = time.monotonic) -> None:
        self._ip = ip
        self._clock = clock
        self._stale: dict[str, float] = {}
        self._library: Any = None

    async def probe(self) -> None:
        """Raises RulesetError where there is no nftables, or this process may not use it."""
        await self._nft("", "list", "tables")

    async def replace(self, wanted: Ruleset) -> None:
        chains, sets = await self._existing("chains"), await self._existing("sets")
        await self._sync(self._nft(full_text(wanted, sets, self._ip)))
        left = [name for name in chains if names.is_service_chain(name) and name not in wanted.chains]
        self._note_stale(left, wanted)

    async def change(self, old: Ruleset, new: Ruleset) -> None:
        text = changes_text(old, new, self._ip)
        if text:
            await self._sync(self._run(text))
            self._note_stale(compare(old, new).gone_chains, new)

    async def tidy(self) -> None:
        limit = self._clock() - STALE_SECONDS
        due = [name for name, since in self._stale.items() if since <= limit]
        if not due:
            return
        for name in due:
            del self._stale[name]
        try:
            await self._run(delete_chains_text(due, self._ip))
        except RulesetError as error:
            metrics.NFTABLES_CLEANUP_FAILURES.labels(metrics.FAMILY).inc()
            log.warning("Stale chains were not deleted, will try later: err=%s", error)
            self._stale.update(dict.fromkeys(due, self._clock()))

    async def _sync(self, transaction: Awaitable[object]) -> None:
        try:
            await transaction
        except RulesetError:
            metrics.NFTABLES_SYNC_FAILURES.labels(metrics.FAMILY).inc()
            raise

    async def cleanup(self) -> None:
        await self._nft(cleanup_text())

    def _note_stale(self, gone: Iterable[str], wanted: Ruleset) -> None:
        now = self._clock()
        self._stale.update((name, now) for name in gone)
        for name in self._stale.keys() & wanted.chains.keys():
            del self._stale[name]

    async def _existing(self, what: str) -> list[str]:
        """The names of what our table has now."""
        listing = orjson.loads(await self._nft("", "-j", "list", what, self._ip) or b'{"nftables": []}')
        return [
            each[what[:-1]]["name"]
            for each in listing["nftables"]
            if each.get(what[:-1], {}).get("table") == names.TABLE
        ]

    async def _run(self, text: str) -> None:
        if len(text) > MAX_IN_PROCESS or not self._load():
            await self._nft(text)
            return
        code, _, error = self._library.cmd(text)
        if code:
            raise RulesetError(first_line(error))

    def _load(self) -> bool:
        """libnftables where it is installed; a process for each change is six times slower, but does."""
        if self._library is None:
            try:
                import nftables

                self._library = nftables.Nftables()
            except (ImportError, OSError) as error:
                log.info("libnftables can't be loaded, using nft: reason=%s", error)
                self._library = False
        return bool(self._library)

    async def _nft(self, text: str, *arguments: str) -> bytes:
        return await run("nft", *(arguments or ("-f", "-")), text=text)
