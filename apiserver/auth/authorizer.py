"""What an authorizer is, and those that need no knowledge; --authorization-mode chooses and orders them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from apimachinery.errors import aggregate
from apimachinery.policy_rules import Rule
from apiserver.auth.attributes import Attributes
from apiserver.request import UserInfo


@dataclass(frozen=True, slots=True)
class Decision:
    """Neither allowed nor denied is no opinion: the next authorizer is asked, and at the end it means no."""

    allowed: bool = False
    denied: bool = False
    reason: str = ""
    error: str = ""
    """What went wrong on the way; whoever is not allowed gets an internal error instead of a no."""


ALLOWED = Decision(allowed=True)
NO_OPINION = Decision()
MASTERS = "system:masters"


@dataclass(frozen=True, slots=True)
class UserRules:
    """What a user may do in a namespace, the whole cluster included; the gaps say why that may not be all."""

    rules: Sequence[Rule] = ()
    gaps: Sequence[str] = ()


EVERYTHING = (Rule(("*",), ("*",), ("*",)), Rule(("*",), urls=("*",)))


class Authorizer(Protocol):
    """Most answer from memory, at once; a webhook is asked over the network."""

    async def authorize(self, attributes: Attributes) -> Decision: ...


class Resolver(Authorizer, Protocol):
    """One that may be among those that are configured."""

    def rules_of(self, user: UserInfo, namespace: str) -> UserRules: ...


class AlwaysAllow:
    async def authorize(self, attributes: Attributes) -> Decision:
        return ALLOWED

    def rules_of(self, user: UserInfo, namespace: str) -> UserRules:
        return UserRules(EVERYTHING)


class AlwaysDeny:
    async def authorize(self, attributes: Attributes) -> Decision:
        return Decision(reason="Everything is forbidden.")

    def rules_of(self, user: UserInfo, namespace: str) -> UserRules:
        return UserRules()


DecisionCount = list[int]
"""How often an authorizer has denied, and how often it has allowed."""


class Union:
    """Asks one after the other until one has an opinion. system:masters may do everything."""

    def __init__(self, authorizers: Sequence[Resolver], counts: Sequence[DecisionCount] = ()) -> None:
        """`counts`: where the decisions of each are counted, if they are."""
        self._authorizers = tuple(zip(authorizers, counts or [[0, 0] for _ in authorizers], strict=True))

    async def authorize(self, attributes: Attributes) -> Decision:
        if MASTERS in attributes.user.groups:
            return ALLOWED
        silent = []
        for each, count in self._authorizers:
            decision = await each.authorize(attributes)
            if decision.allowed or decision.denied:
                count[decision.allowed] += 1
                return decision
            if decision.reason or decision.error:
                silent.append(decision)
        return _together(silent) if silent else NO_OPINION

    def rules_of(self, user: UserInfo, namespace: str) -> UserRules:
        found = [each.rules_of(user, namespace) for each, _ in self._authorizers]
        return UserRules(
            [rule for each in found for rule in each.rules], [gap for each in found for gap in each.gaps]
        )


def _together(decisions: Sequence[Decision]) -> Decision:
    """No opinion, for all the reasons of those that have none."""
    reasons = [each.reason for each in decisions if each.reason]
    errors = [each.error for each in decisions if each.error]
    return Decision(reason="\n".join(reasons), error=aggregate(errors) if errors else "")
