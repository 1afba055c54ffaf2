"""No node takes the pod: what each of them has against it, and the smallest change that would make it fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from apimachinery.conditions import condition_of
from apimachinery.objects import get_path
from kubectl.why import fixes
from kubectl.why.diagnosis import Cause, Diagnosis, Evidence, Fix, seen
from kubectl.why.facts import PodFacts
from kubectl.why.records import event_evidence, last_event
from kubectl.why.rules.obstacles import Obstacle, obstacles_of

SHOWN_NODES = 10

ByNode = Mapping[str, Sequence[Obstacle]]


def gates(facts: PodFacts) -> Diagnosis | None:
    names = [each["name"] for each in facts.pod["spec"].get("schedulingGates") or ()]
    if not names:
        return None
    return Diagnosis(
        cause=Cause.SCHEDULING,
        headline=f"the pod is held back by scheduling gate {', '.join(names)}",
        evidence=(seen("pod", facts.pod, "spec.schedulingGates", ", ".join(names)),),
        fix=Fix(
            "let whoever put the gate there take it away",
            fixes.command(
                "patch", facts.namespace, f"pod/{facts.name}", "--type=merge",
                "-p", '{"spec":{"schedulingGates":null}}',
            ),
        ),
    )  # fmt: skip


def scheduling(facts: PodFacts) -> Diagnosis | None:
    condition = condition_of(facts.pod, "PodScheduled") or {}
    if facts.scheduling is None or condition.get("reason") != "Unschedulable":
        return None
    if facts.scheduling.nodes is not None and not facts.scheduling.nodes:
        return _NO_NODES
    by_node = obstacles_of(facts, facts.scheduling)
    if not by_node:
        return _only_told(facts, condition.get("message") or "")
    nominated = get_path(facts.pod, "status.nominatedNodeName")
    waits = f"; it waits for pods to go from {nominated}" if nominated else ""
    best = min(by_node, key=lambda name: (len(by_node[name]), sum(each.weight for each in by_node[name])))
    return Diagnosis(
        cause=_cause(by_node),
        headline=f"fits on none of {_nodes(len(by_node))}: {summary(by_node)}{waits}",
        evidence=(
            seen("pod", facts.pod, "status.conditions[PodScheduled]", condition.get("message") or ""),
            *_matrix(by_node),
        ),
        fix=by_node[best][0].fix,
    )


def _cause(by_node: ByNode) -> Cause:
    """Where room is all that lacks, it is about resources."""
    all_of_them = [each for obstacles in by_node.values() for each in obstacles]
    return Cause.RESOURCES if all(each.is_room for each in all_of_them) else Cause.SCHEDULING


def summary(by_node: ByNode) -> str:
    """`2 lack cpu (wanted 2, at most 700m free), 1 has taint gpu`: each node counts for all that it has."""
    counted: dict[str, list[Obstacle]] = {}
    for obstacles in by_node.values():
        for each in obstacles:
            counted.setdefault(each.kind, []).append(each)
    return ", ".join(f"{len(all_)} {_least(all_).text(len(all_))}" for all_ in counted.values())


def _least(obstacles: Sequence[Obstacle]) -> Obstacle:
    return min(obstacles, key=lambda each: each.weight)


def _nodes(count: int) -> str:
    return "1 node" if count == 1 else f"{count} nodes"


def _matrix(by_node: ByNode) -> list[Evidence]:
    rows = [
        Evidence(f"scheduler, node/{name}", ", ".join(dict.fromkeys(o.plugin for o in obstacles)),
                 "; ".join(o.reason for o in obstacles))
        for name, obstacles in by_node.items()
    ]  # fmt: skip
    return rows[:SHOWN_NODES]


_NO_NODES = Diagnosis(
    cause=Cause.SCHEDULING,
    headline="there is no node in this cluster",
    evidence=(Evidence("nodes", "metadata.name", "none"),),
    fix=Fix("start a kubelet; on this machine: sampan up", "sampan up"),
)


def _only_told(facts: PodFacts, message: str) -> Diagnosis:
    """Nothing but the aggregated message is to be had."""
    event = last_event(facts, "FailedScheduling")
    return Diagnosis(
        cause=Cause.SCHEDULING,
        headline=f"no node takes the pod: {message}",
        evidence=(event_evidence(facts, event),) if event else (),
        fix=Fix("give the pod what the message asks for, or a node that has it"),
    )
