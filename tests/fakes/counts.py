"""How much the kubelet's metrics have grown."""

from __future__ import annotations

from prometheus_client import REGISTRY


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"kubelet_{name}", labels) or 0.0


class Counts:
    """How much samples have grown since they were first asked for."""

    def __init__(self, **names: tuple[str, dict[str, str]]) -> None:
        self._names = names
        self._before = self._now()

    def _now(self) -> dict[str, float]:
        return {key: sample(name, **labels) for key, (name, labels) in self._names.items()}

    def grown(self) -> dict[str, float]:
        return {key: value - self._before[key] for key, value in self._now().items()}
