"""FitError: why no node would do, per node and as the sentence users know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from scheduler.framework.interface import EXTENDER, Verdict

NO_NODES = "no nodes available to schedule pods"


@dataclass(frozen=True, slots=True)
class FitError:
    """A value, not an exception: the result of an attempt that found nothing.

    `verdicts` has the nodes that were looked at; `absent` stands for all others.
    `everywhere` is the no of a plugin that didn't have to look at nodes. `by_extenders`: they had a
    say, maybe without a reason.
    """

    node_count: int
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    absent: Verdict | None = None
    everywhere: Verdict | None = None
    by_extenders: bool = False

    @property
    def plugins(self) -> frozenset[str]:
        """The plugins that said no; an event that concerns one of them wakes the pod."""
        said_no = [*self.verdicts.values(), self.absent, self.everywhere]
        plugins = frozenset(each.plugin for each in said_no if each is not None)
        return plugins | {EXTENDER} if self.by_extenders else plugins

    def verdict(self, node: str) -> Verdict | None:
        return self.everywhere or self.verdicts.get(node) or self.absent

    def message(self, post_filter: str = "") -> str:
        """Upstream's sentence; `post_filter` is what preemption has to say."""
        if not self.node_count:
            return NO_NODES
        text = f"0/{self.node_count} nodes are available:"
        if self.everywhere is not None:
            text += f" {', '.join(self.everywhere.reasons)}."
        elif reasons := self._histogram():
            text += f" {', '.join(reasons)}."
        return f"{text} {post_filter}" if post_filter else text

    def _histogram(self) -> list[str]:
        counted = Counter(reason for verdict in self.verdicts.values() for reason in verdict.reasons)
        for reason in self.absent.reasons if self.absent else ():
            counted[reason] += self.node_count - len(self.verdicts)
        return sorted(f"{count} {reason}" for reason, count in counted.items() if count)
