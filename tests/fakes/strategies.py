"""The strategies of all kinds as a server has them, with ranges of addresses and node ports for tests."""

from __future__ import annotations

import random

from apimachinery.scheme import Resource
from apiserver.registry.allocators_ports import PortAllocator
from apiserver.registry.allocators_ranges import AddressRanges
from apiserver.registry.strategies.registered import build_strategies
from apiserver.registry.strategies.service_allocation import ServiceAllocator
from apiserver.registry.strategy import Strategy

_DICE = random.Random(0)
_ALLOCATOR = ServiceAllocator(AddressRanges("10.96.0.0/12", _DICE), PortAllocator("30000-32767", _DICE))
_PLAIN = Strategy()

STRATEGIES = build_strategies(_ALLOCATOR)


def strategy_for(resource: Resource) -> Strategy:
    """The plain one for kinds that have none of their own."""
    return STRATEGIES.get((resource.group, resource.plural), _PLAIN)
