"""A Step of a trace; and those between its writes: what scheduler, kubelet and kube-proxy did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from apimachinery.objects import Object
from apimachinery.times import format_micro_time, parse_time
from kubectl.trace.writes import Write

_KUBELET = {
    "seen": "sees the pod",
    "refused": "refuses the pod",
    "volumes": "sets up its volumes",
    "sandbox": "makes its sandbox",
    "image": "has image of",
    "config": "has configuration of",
    "create": "creates container",
    "start": "starts container",
    "postStart": "runs postStart of",
    "all started": "has started all containers",
    "stop": "stops it",
    "removed": "has removed it",
}
_PASSED = {"volumes": 1.0, "config": 1.0}
"""Steps that are only worth a line if they took so many milliseconds, or failed."""


@dataclass(slots=True)
class Step:
    begin: datetime
    milliseconds: float | None
    """None for a moment."""
    component: str
    action: str
    """In words, with the object where it is not that of the step above."""
    object: str
    revision: int = 0
    """That it made, if it was a write."""
    causes: tuple[int, ...] = ()
    children: list[Step] = field(default_factory=list)

    def to_object(self) -> Object:
        return {
            "time": format_micro_time(self.begin),
            "milliseconds": None if self.milliseconds is None else round(self.milliseconds, 3),
            "component": self.component,
            "action": self.action,
            "object": self.object,
            "revision": self.revision or None,
            "causes": list(self.causes),
            "steps": [each.to_object() for each in self.children],
        }


def of_write(write: Write) -> Step:
    return Step(
        write.begin,
        write.milliseconds,
        write.component,
        write.action,
        write.label,
        write.revision,
        write.causes,
    )


def of_attempt(pod: str, attempt: Object) -> Step:
    """The scheduler's decision. Its journal notes the moment after it."""
    took = attempt["milliseconds"]
    if attempt["result"] == "scheduled":
        feasible, evaluated = attempt["feasibleNodes"], attempt["evaluatedNodes"]
        action = f"chooses node {attempt['node']}, {feasible} of {evaluated} fit"
    else:
        action = f"finds no node: {attempt['message']}"
    return Step(
        parse_time(attempt["time"]) - timedelta(milliseconds=took), took, "kube-scheduler", action, pod
    )


def of_node_steps(pod: str, node: str, steps: Iterable[Object]) -> Iterator[Step]:
    """What a kubelet did for a pod."""
    for each in steps:
        took = each.get("milliseconds")
        if took is not None and took < _PASSED.get(each["step"], 0.0) and not each.get("error"):
            continue
        action = " ".join(filter(None, (_KUBELET.get(each["step"], each["step"]), each.get("container"))))
        if each.get("error"):
            action += f", which fails: {each['error']}"
        yield Step(parse_time(each["time"]), took, f"kubelet of {node}", action, pod)


def of_probes(pod: str, node: str, probes: Iterable[Object]) -> Iterator[Step]:
    """When a probe's verdict last turned to yes."""
    for each in probes:
        if each["healthy"] and each["since"]:
            action = f"{each['probe'].lower()} probe of {each['container']} succeeds"
            yield Step(parse_time(each["since"]), None, f"kubelet of {node}", action, pod)


def of_programming(node: str, service: str, programmed: Object) -> Step:
    took = programmed["milliseconds"]
    begin = parse_time(programmed["time"]) - timedelta(milliseconds=took)
    label = f"service/{service}"
    return Step(begin, took, f"kube-proxy of {node}", f"programs the rules of {label}", label)
