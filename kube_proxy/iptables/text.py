"""Rulesets and their changes as text for `iptables-restore --noflush`. Each table is one transaction.

The smallest change is to empty a chain, which is what naming it in front does, and to fill it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kube_proxy.iptables.base import JUMPS, Jump
from kube_proxy.iptables.names import FIREWALL, KUBELET_CANARY, TABLES, is_own_chain, is_service_chain
from kube_proxy.ruleset import Ruleset, compare


@dataclass(frozen=True, slots=True)
class Saved:
    """What iptables-save tells of one table, as far as it concerns us."""

    chains: frozenset[str]
    rules: tuple[str, ...]  # of the chains that every machine has

    def jump_rules(self, jump: Jump) -> list[str]:
        """The rules that are there for this jump, whatever they match on."""
        return [
            rule
            for rule in self.rules
            if rule.startswith(f"-A {jump.chain} ") and rule.endswith(f" -j {jump.target}")
        ]


def parse_saved(text: str) -> Saved:
    lines = text.splitlines()
    chains = frozenset(line[1:].split()[0] for line in lines if line.startswith(":"))
    builtin = tuple(f"-A {jump.chain} " for jump in JUMPS)
    return Saved(chains, tuple(line for line in lines if line.startswith(builtin)))


def full_text(wanted: Ruleset, saved: dict[str, Saved]) -> str:
    """Everything, whatever is there now; `saved` by table."""
    parts = []
    for table in TABLES:
        found = saved.get(table, Saved(frozenset(), ()))
        gone = sorted(
            chain
            for chain in found.chains
            if is_service_chain(chain) and f"{table} {chain}" not in wanted.chains
        )
        jumps = [
            f"-I {jump.chain} {jump.rule}"
            for jump in JUMPS
            if f"{jump.table} {jump.target}" in wanted.chains
            and jump.table == table
            and not found.jump_rules(jump)
        ]
        parts.append(_table(table, wanted, _of_table(table, wanted.chains), gone, jumps))
    return "".join(parts)


def changes_text(old: Ruleset, new: Ruleset) -> str:
    """Only the chains that differ; empty if none does."""
    changes = compare(old, new)
    changed = dict.fromkeys((*changes.new_chains, *changes.rewritten_chains))
    return "".join(
        _table(table, new, _of_table(table, changed), _of_table(table, changes.gone_chains))
        for table in TABLES
    )


def cleanup_text(saved: dict[str, Saved]) -> str:
    """Takes away the chains and jumps that are there; KUBE-FIREWALL unless upstream's kubelet has made it."""
    shared = any(KUBELET_CANARY in found.chains for found in saved.values())

    def is_ours(chain: str) -> bool:
        return is_own_chain(chain) or (chain == FIREWALL and not shared)

    parts = []
    for table, found in saved.items():
        jumps = [
            rule.replace("-A", "-D", 1)
            for jump in JUMPS
            if jump.table == table and is_ours(jump.target)
            for rule in found.jump_rules(jump)
        ]
        gone = sorted(filter(is_ours, found.chains))
        parts.append(_table(table, Ruleset(), (), gone, jumps))
    return "".join(parts)


def rule_count(ruleset: Ruleset, table: str) -> int:
    return sum(len(chain.rules) for name, chain in ruleset.chains.items() if name.startswith(f"{table} "))


def written_rule_count(text: str, table: str) -> int:
    """How many rules of a table a text for iptables-restore writes."""
    _, _, rest = text.partition(f"*{table}\n")
    return rest.partition("COMMIT\n")[0].count("\n-A ")


def _of_table(table: str, chains: Iterable[str]) -> list[str]:
    return [name.removeprefix(f"{table} ") for name in chains if name.startswith(f"{table} ")]


def _table(
    table: str, ruleset: Ruleset, filled: Sequence[str], gone: Sequence[str], jumps: Sequence[str] = ()
) -> str:
    if not (filled or gone or jumps):
        return ""
    rules = (f"-A {chain} {rule}" for chain in filled for rule in ruleset.chains[f"{table} {chain}"].rules)
    lines = (
        f"*{table}",
        *(f":{chain} - [0:0]" for chain in (*filled, *gone)),
        *jumps,
        *rules,
        *(f"-X {chain}" for chain in gone),
        "COMMIT",
    )
    return "\n".join(lines) + "\n"
