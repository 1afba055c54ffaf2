"""RulesetWriter: where rulesets go. nftables, iptables, and a recorded twin of both."""

from __future__ import annotations

from typing import Protocol

from kube_proxy.ruleset import Ruleset


class RulesetError(Exception):
    """The kernel, or the program that speaks to it, refused. What was asked for has to be written anew."""


class RulesetWriter(Protocol):
    """What it is told, it does completely or not at all (RulesetError); with iptables a table at a time."""

    async def replace(self, wanted: Ruleset) -> None:
        """Makes the rules those wanted, whatever they were."""

    async def change(self, old: Ruleset, new: Ruleset) -> None:
        """Makes the rules those wanted, knowing what they are."""

    async def tidy(self) -> None:
        """Deletes leftovers whose time has come."""

    async def cleanup(self) -> None:
        """Takes all rules away."""
