"""The twin of the real writers: keeps rulesets instead of programming them, for tests."""

from __future__ import annotations

from kube_proxy.nftables.text import changes_text, full_text
from kube_proxy.ruleset import Ruleset
from kube_proxy.writer import RulesetError


class Recorded:
    """Knows the ruleset as the kernel would, and the text of every transaction."""

    def __init__(self) -> None:
        self.ruleset: Ruleset | None = None
        self.transactions: list[str] = []
        self.refuse = ""

    async def replace(self, wanted: Ruleset) -> None:
        self._check()
        self.transactions.append(full_text(wanted, (), "ip"))
        self.ruleset = wanted

    async def change(self, old: Ruleset, new: Ruleset) -> None:
        self._check()
        if old != self.ruleset:
            raise RulesetError("the ruleset isn't what it is said to be")
        text = changes_text(old, new, "ip")
        if text:
            self.transactions.append(text)
        self.ruleset = new

    async def tidy(self) -> None:
        return

    async def cleanup(self) -> None:
        self._check()
        self.ruleset = None

    def _check(self) -> None:
        if self.refuse:
            raise RulesetError(self.refuse)
