"""The journal: the last attempts to schedule, each with what every plugin said of every node.

Kept in memory for people who ask why; nothing is decided from it.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from apimachinery.objects import NamespacedName, Object
from scheduler.framework.interface import EXTENDER, Verdict
from scheduler.framework.profile import Profile
from scheduler.node_info import NodeInfo
from scheduler.pod_info import PodInfo
from scheduler.selection import Rejected, Selected

SIZE = 256
FITS = "ok"
UNSCHEDULABLE = "unschedulable"
# In larger clusters a rejection is kept with the first plugin that said no, not with all of them.
MATRIX_NODES = 100

Matrix = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. `verdicts`: node -> plugin -> "ok" or the reasons against."""

    pod: NamespacedName
    uid: str
    time: str
    attempt: int
    profile: str
    milliseconds: float
    result: str = ""
    node: str = ""
    message: str = ""
    evaluated: int = 0
    feasible: int = 0
    verdicts: Matrix = field(default_factory=dict)
    scores: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def to_object(self) -> Object:
        return {
            "namespace": self.pod.namespace,
            "name": self.pod.name,
            "uid": self.uid,
            "time": self.time,
            "attempt": self.attempt,
            "schedulerName": self.profile,
            "result": self.result,
            "node": self.node,
            "message": self.message,
            "evaluatedNodes": self.evaluated,
            "feasibleNodes": self.feasible,
            "milliseconds": round(self.milliseconds, 3),
            "verdicts": self.verdicts,
            "scores": self.scores,
        }


class Journal:
    """The last attempts of all pods, and of those that wait the last one, however long ago it was."""

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._attempts: deque[Attempt] = deque(maxlen=size)
        self._rejected: OrderedDict[str, Attempt] = OrderedDict()

    def add(self, attempt: Attempt) -> None:
        self._attempts.append(attempt)
        self._rejected.pop(attempt.uid, None)
        if attempt.result == UNSCHEDULABLE:
            self._rejected[attempt.uid] = attempt
            if len(self._rejected) > self._size:
                self._rejected.popitem(last=False)

    def attempts(self, *, namespace: str = "", name: str = "") -> list[Attempt]:
        """The newest first; of one namespace, or one pod, if asked so."""
        return [
            each
            for each in self._newest_first()
            if namespace in ("", each.pod.namespace) and name in ("", each.pod.name)
        ]

    def _newest_first(self) -> Iterator[Attempt]:
        yield from reversed(self._attempts)
        recent = set(map(id, self._attempts))
        yield from (each for each in reversed(self._rejected.values()) if id(each) not in recent)


def of_selected(base: Attempt, selected: Selected) -> Attempt:
    """Scores are there if nodes were compared one by one."""
    scores = {
        node: {plugin: values[index] for plugin, values in selected.scores.items()}
        for index, node in enumerate(selected.feasible_nodes)
    }
    return replace(
        base,
        result="scheduled",
        node=selected.node,
        evaluated=selected.evaluated,
        feasible=selected.feasible,
        verdicts={node: _words({verdict.plugin: verdict}) for node, verdict in selected.verdicts.items()},
        scores=scores,
    )


def of_rejected(base: Attempt, verdicts: Matrix, message: str) -> Attempt:
    return replace(base, result=UNSCHEDULABLE, message=message, evaluated=len(verdicts), verdicts=verdicts)


def rejected_matrix(pod: PodInfo, profile: Profile, rejected: Rejected, nodes: Sequence[NodeInfo]) -> Matrix:
    """What each plugin says of each node; in large clusters, the first no of each."""
    error = rejected.error
    if error.everywhere is not None or len(nodes) > MATRIX_NODES:
        first = {node.name: error.verdict(node.name) for node in nodes}
        return {name: _words({verdict.plugin: verdict}) for name, verdict in first.items() if verdict}
    return {
        node.name: _words(
            {**profile.verdicts(pod, node, rejected.states), **_of_extenders(error.verdict(node.name))}
        )
        for node in nodes
    }


def _of_extenders(verdict: Verdict | None) -> dict[str, Verdict]:
    return {EXTENDER: verdict} if verdict is not None and verdict.plugin == EXTENDER else {}


def _words(verdicts: Mapping[str, Verdict | None]) -> dict[str, str]:
    return {
        plugin: FITS if verdict is None else ", ".join(verdict.reasons)
        for plugin, verdict in verdicts.items()
    }
