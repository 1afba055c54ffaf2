"""The proxy modes: how each plans rules, writes them, and notices that somebody took them away."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from kube_proxy.context import Context
from kube_proxy.iptables.base import base_rules as iptables_base_rules
from kube_proxy.iptables.canary import watch_canary
from kube_proxy.iptables.port_rules import port_rules as iptables_port_rules
from kube_proxy.iptables.writer import Iptables
from kube_proxy.nftables.base import base_rules as nftables_base_rules
from kube_proxy.nftables.port_rules import port_rules as nftables_port_rules
from kube_proxy.nftables.table_watch import watch_table
from kube_proxy.nftables.writer import Nftables
from kube_proxy.port_plan import PortPlan
from kube_proxy.ruleset import Fragment, Ruleset
from kube_proxy.writer import RulesetError, RulesetWriter


@dataclass(frozen=True, slots=True)
class Backend:
    """One mode, and the program it needs.

    `watch` calls what it is given each time the rules were, or may have been, taken away.
    """

    mode: str
    program: str
    base_rules: Callable[[Context], Ruleset]
    port_rules: Callable[[PortPlan, Context], Fragment]
    writer: Callable[[], RulesetWriter]
    watch: Callable[[Callable[[], None]], Coroutine[Any, Any, None]]


NFTABLES = Backend("nftables", "nft", nftables_base_rules, nftables_port_rules, Nftables, watch_table)
IPTABLES = Backend(
    "iptables", "iptables-save", iptables_base_rules, iptables_port_rules, Iptables, watch_canary
)
BACKENDS = {backend.mode: backend for backend in (NFTABLES, IPTABLES)}


async def clean_up(mode: str) -> RulesetError | None:
    """Takes away what a mode left; where there is no program for it, nothing is. Returns what went wrong."""
    backend = BACKENDS[mode]
    if shutil.which(backend.program) is None:
        return None
    try:
        await backend.writer().cleanup()
    except RulesetError as error:
        return error
    return None


async def default_mode() -> str:
    """nftables where the machine has it."""
    try:
        await Nftables().probe()
    except RulesetError:
        return IPTABLES.mode
    return NFTABLES.mode
