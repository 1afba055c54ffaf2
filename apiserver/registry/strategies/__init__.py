"""Which strategy serves which kind: the one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from apimachinery.scheme import Resource
from apiserver.registry.strategy import Strategy


@dataclass(frozen=True, slots=True)
class StrategyConfig:
    """What the flags say about allocation."""

    service_cluster_ip_range: str = "10.96.0.0/12"
    service_node_port_range: str = "30000-32767"


def build_strategies(config: StrategyConfig) -> Mapping[tuple[str, str], Strategy]:
    """(group, plural) -> the strategy of every kind that has one of its own."""
    return {}


_DEFAULTS = build_strategies(StrategyConfig())
_PLAIN = Strategy()


def strategy_for(resource: Resource) -> Strategy:
    """The strategy of a kind with upstream's default ranges; for kinds nobody has said anything about, the plain one."""
    return _DEFAULTS.get((resource.group, resource.plural), _PLAIN)
