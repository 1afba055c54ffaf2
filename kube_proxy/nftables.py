"""The one file that talks to nftables: full syncs through `nft`, changes through libnftables in process."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import orjson

from kube_proxy import names
from kube_proxy.nftables_text import changes_text, cleanup_text, delete_chains_text, full_text
from kube_proxy.ruleset import Ruleset, compare

log = logging.getLogger(__name__)

# Kernels before 6.2 can't delete a chain right after the last map entry that led there.
STALE_SECONDS = 1.0
# Longer texts take milliseconds: they are left to a process of their own.
MAX_IN_PROCESS = 64 * 1024


class RulesetError(Exception):
    """The kernel, or nft, refused; nothing was changed."""


class RulesetWriter(Protocol):
    """Where rulesets go. What it is told, it does completely or not at all (RulesetError)."""

    async def replace(self, wanted: Ruleset) -> None:
        """Makes the rules those wanted, whatever they were."""

    async def change(self, old: Ruleset, new: Ruleset) -> None:
        """Makes the rules those wanted, knowing what they are."""

    async def tidy(self) -> None:
        """Deletes leftovers whose time has come."""

    async def cleanup(self) -> None:
        """Takes all rules away."""


class Nftables:
    """One table of one family. `clock` gives seconds."""

    def __init__(self, ip: str = "ip", clock: Callable[[], float] = time.monotonic) -> None:
        self._ip = ip
        self._clock = clock
        self._stale: dict[str, float] = {}
        self._library: Any = None

    async def replace(self, wanted: Ruleset) -> None:
        chains, sets = await self._existing("chains"), await self._existing("sets")
        await self._nft(full_text(wanted, sets, self._ip))
        left = [name for name in chains if names.is_service_chain(name) and name not in wanted.chains]
        self._note_stale(left, wanted)

    async def change(self, old: Ruleset, new: Ruleset) -> None:
        text = changes_text(old, new, self._ip)
        if text:
            await self._run(text)
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
            log.warning("Stale chains were not deleted, will try later: err=%s", error)
            self._stale.update(dict.fromkeys(due, self._clock()))

    async def cleanup(self) -> None:
        await self._nft(cleanup_text(self._ip))

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
            raise RulesetError(_first_line(error))

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
        try:
            process = await asyncio.create_subprocess_exec(
                "nft",
                *(arguments or ("-f", "-")),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise RulesetError(f"nft can't be run: {error}") from error
        output, errors = await process.communicate(text.encode())
        if process.returncode:
            raise RulesetError(_first_line(errors.decode(errors="replace")))
        return output


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0][:500]
