"""Notices when somebody flushes iptables: an empty chain of ours in each table is gone then.

The kernel tells nobody of that, so the chain is looked for now and then, as upstream does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from kube_proxy.iptables.names import CANARY, TABLES
from kube_proxy.program import run
from kube_proxy.writer import RulesetError

log = logging.getLogger(__name__)

PERIOD = 30.0


async def watch_canary(gone: Callable[[], None], period: float = PERIOD) -> None:
    """Calls `gone` each time the chain is missing from a table; never ends."""
    while True:
        await asyncio.sleep(period)
        for table in TABLES:
            if not await _is_there(table):
                log.warning("The rules were taken away, writing them anew: table=%s", table)
                gone()
                break


async def _is_there(table: str) -> bool:
    try:
        await run("iptables", "--wait", "5", "-t", table, "-S", CANARY)
    except RulesetError as error:
        log.debug("Canary chain was not found: table=%s err=%s", table, error)
        return False
    return True
