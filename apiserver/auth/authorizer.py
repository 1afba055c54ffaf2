"""What an authorizer is, and those that need no knowledge; --authorization-mode chooses and orders them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from apiserver.auth.attributes import Attributes


@dataclass(frozen=True, slots=True)
class Decision:
    """Neither allowed nor denied is no opinion: the next authorizer is asked, and at the end it means no."""

    allowed: bool = False
    denied: bool = False
    reason: str = ""


ALLOWED = Decision(allowed=True)
NO_OPINION = Decision()
MASTERS = "system:masters"


class Authorizer(Protocol):
    """Answers from memory, at once."""

    def authorize(self, attributes: Attributes) -> Decision: ...


class AlwaysAllow:
    def authorize(self, attributes: Attributes) -> Decision:
        return ALLOWED


class AlwaysDeny:
    def authorize(self, attributes: Attributes) -> Decision:
        return Decision(reason="Everything is forbidden.")


class Union:
    """Asks one after the other until one has an opinion. system:masters may do everything."""

    def __init__(self, authorizers: Sequence[Authorizer]) -> None:
        self._authorizers = tuple(authorizers)

    def authorize(self, attributes: Attributes) -> Decision:
        if MASTERS in attributes.user.groups:
            return ALLOWED
        reasons = []
        for each in self._authorizers:
            decision = each.authorize(attributes)
            if decision.allowed or decision.denied:
                return decision
            if decision.reason:
                reasons.append(decision.reason)
        return Decision(reason="\n".join(reasons)) if reasons else NO_OPINION
