"""Which pods make room for a critical one that a full node would have to turn away. Pure.

As few and as cheap as possible: BestEffort rather than Burstable rather than Guaranteed, and each time the
pod that comes nearest to what is missing. Source: pkg/kubelet/preemption of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from apimachinery.objects import Object
from apimachinery.pods import BEST_EFFORT, BURSTABLE, GUARANTEED, is_terminal, pod_requests, qos_class
from apimachinery.quantity import Quantity
from kubelet.pods.admission import in_order
from kubelet.pods.critical import is_critical


class NoVictims(Exception):
    """All that may be ended together would not do; upstream's words."""


Amounts = Mapping[str, float]
"""By resource name, pods among them; only what is more than nothing."""


def victims(pod: Object, allocatable: Mapping[str, str], others: Sequence[Object]) -> list[Object]:
    """Empty if nothing is missing. Raises NoVictims."""
    candidates = [each for each in others if _may_preempt(pod, each) and not is_terminal(each)]
    lacking = _missing(pod, allocatable, others)
    if left := _less(lacking, candidates):
        raise NoVictims(f"no set of running pods found to reclaim resources: [{_shown(left)}]")
    classes = {name: [each for each in candidates if qos_class(each) == name] for name in _QUALITIES}
    best_effort, burstable, guaranteed = (classes[name] for name in _QUALITIES)
    dear = _nearest(guaranteed, _less(lacking, [*best_effort, *burstable]))
    middling = _nearest(burstable, _less(lacking, [*best_effort, *dear]))
    cheap = _nearest(best_effort, _less(lacking, [*middling, *dear]))
    return [*cheap, *middling, *dear]


_QUALITIES = (BEST_EFFORT, BURSTABLE, GUARANTEED)


def _may_preempt(pod: Object, other: Object) -> bool:
    if is_critical(pod) and not is_critical(other):
        return True
    return _priority(pod) > _priority(other)


def _priority(pod: Object) -> int:
    return int((pod.get("spec") or {}).get("priority") or 0)


def _asked(pod: Object) -> dict[str, float]:
    return {"pods": 1.0, **{name: float(value) for name, value in pod_requests(pod).items()}}


def _missing(pod: Object, allocatable: Mapping[str, str], others: Iterable[Object]) -> Amounts:
    used: dict[str, float] = {}
    for each in [pod, *(other for other in others if not is_terminal(other))]:
        for name, value in _asked(each).items():
            used[name] = used.get(name, 0.0) + value
    over = {
        name: used[name] - float(Quantity.parse(allocatable[name]))
        for name in _asked(pod)
        if name in allocatable
    }
    return {name: amount for name, amount in over.items() if amount > 0}


def _less(lacking: Amounts, pods: Iterable[Object]) -> Amounts:
    """What is still missing once these have ended."""
    rest = dict(lacking)
    for pod in pods:
        for name, value in _asked(pod).items():
            if name in rest:
                rest[name] -= value
    return {name: amount for name, amount in rest.items() if amount > 0}


def _shown(lacking: Amounts) -> str:
    """Processors in thousandths."""
    return "".join(
        f"(res: {name}, q: {round(lacking[name] * (1000 if name == 'cpu' else 1))}), "
        for name in in_order(lacking)
    )


def _nearest(pods: Sequence[Object], lacking: Amounts) -> list[Object]:
    chosen: list[Object] = []
    left = list(pods)
    while lacking and left:
        best = min(left, key=lambda pod: (_distance(pod, lacking), *_size(pod)))
        left.remove(best)
        chosen.append(best)
        lacking = _less(lacking, [best])
    return chosen


def _distance(pod: Object, lacking: Amounts) -> float:
    """0 if the pod alone would do."""
    rest = _less(lacking, [pod])
    return sum((rest[name] / lacking[name]) ** 2 for name in rest)


def _size(pod: Object) -> tuple[float, float]:
    asked = _asked(pod)
    return asked.get("memory", 0.0), asked.get("cpu", 0.0)
