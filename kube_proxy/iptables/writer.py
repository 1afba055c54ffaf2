"""The one file that runs iptables: what is there by iptables-save, what is wanted by iptables-restore."""

from __future__ import annotations

from kube_proxy import metrics
from kube_proxy.iptables.names import FILTER, NAT, TABLES
from kube_proxy.iptables.text import (
    Saved,
    changes_text,
    cleanup_text,
    full_text,
    parse_saved,
    rule_count,
    written_rule_count,
)
from kube_proxy.program import run
from kube_proxy.ruleset import Ruleset
from kube_proxy.writer import RulesetError

# Others write rules too; the old kind of iptables has one lock for all.
LOCK_SECONDS = 5


class Iptables:
    """Our chains in the machine's tables of IPv4."""

    async def replace(self, wanted: Ruleset) -> None:
        await self._write(full_text(wanted, await _saved()), wanted)

    async def change(self, old: Ruleset, new: Ruleset) -> None:
        text = changes_text(old, new)
        if not text:
            return
        try:
            await self._write(text, new)
        except RulesetError:
            metrics.IPTABLES_PARTIAL_RESTORE_FAILURES.labels(metrics.FAMILY).inc()
            raise

    async def tidy(self) -> None:
        """Chains are deleted with their last use."""

    async def cleanup(self) -> None:
        text = cleanup_text(await _saved())
        if text:
            await _restore(text)

    async def _write(self, text: str, wanted: Ruleset) -> None:
        try:
            await _restore(text)
        except RulesetError:
            metrics.IPTABLES_RESTORE_FAILURES.labels(metrics.FAMILY).inc()
            raise
        for table in (FILTER, NAT):
            total, written = rule_count(wanted, table), written_rule_count(text, table)
            metrics.IPTABLES_RULES.labels(table, metrics.FAMILY).set(total)
            metrics.IPTABLES_RULES_LAST.labels(table, metrics.FAMILY).set(written)


async def _saved() -> dict[str, Saved]:
    return {
        table: parse_saved((await run("iptables-save", "-t", table)).decode(errors="replace"))
        for table in TABLES
    }


async def _restore(text: str) -> None:
    flags = ("--wait", str(LOCK_SECONDS), "--noflush", "--counters")
    await run("iptables-restore", *flags, text=text)
