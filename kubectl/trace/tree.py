"""Builds the tree: each write under the one that caused it, and between them what was no write. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from apimachinery.objects import NamespacedName, Object
from kubectl.trace.steps import Step, of_attempt, of_node_steps, of_probes, of_programming, of_write
from kubectl.trace.writes import Write


@dataclass(frozen=True, slots=True)
class PodRecord:
    """What scheduler and kubelet tell of a pod."""

    node: str = ""
    attempts: Sequence[Object] = ()
    steps: Sequence[Object] = ()
    probes: Sequence[Object] = ()


@dataclass(frozen=True, slots=True)
class ServiceRecord:
    """What the kube-proxy of a node programmed for a Service."""

    node: str
    service: str
    programmed: Sequence[Object]


@dataclass(frozen=True, slots=True)
class Records:
    pods: Mapping[NamespacedName, PodRecord] = field(default_factory=dict)
    services: Sequence[ServiceRecord] = ()


def caused_by(roots: Sequence[Write], writes: Iterable[Write]) -> list[Write]:
    """The roots and everything that follows from them, in the order of revisions.

    A write that changed nothing bears a revision that is known already.
    """
    known = {each.revision: each for each in roots}
    for write in sorted(writes, key=lambda each: each.revision):
        if write.revision not in known and any(cause in known for cause in write.causes):
            known[write.revision] = write
    return [known[revision] for revision in sorted(known)]


def build(roots: Sequence[Write], caused: Sequence[Write], records: Records) -> list[Step]:
    """The trees of the roots."""
    steps = {each.revision: of_write(each) for each in caused}
    top = {each.revision for each in roots}
    for write in caused:
        if write.revision not in top:
            cause = max(each for each in write.causes if each in steps)
            steps[cause].children.append(steps[write.revision])
    for write in caused:
        _put_between(write, caused, steps, records)
    for step in steps.values():
        step.children.sort(key=lambda each: each.begin)
    return [steps[revision] for revision in sorted(top)]


def _put_between(write: Write, caused: Sequence[Write], steps: Mapping[int, Step], records: Records) -> None:
    step = steps[write.revision]
    pod = records.pods.get(write.key) if write.resource == "pods" else None
    if pod is not None and write.verb == "create" and not write.subresource:
        _put_decision(step, pod, [each for each in caused if _binds(each, write.key)], steps)
    elif pod is not None and write.subresource == "binding":
        step.children += of_node_steps(step.object, pod.node, pod.steps)
        step.children += of_probes(step.object, pod.node, pod.probes)
    elif write.resource == "endpointslices.discovery.k8s.io":
        step.children += _programmings(write, records.services)


def _put_decision(
    creation: Step, pod: PodRecord, bindings: Sequence[Write], steps: Mapping[int, Step]
) -> None:
    """Between a pod's creation and its binding there is the scheduler's choice."""
    attempts = [of_attempt(creation.object, each) for each in pod.attempts]
    creation.children += attempts
    if not attempts or not bindings:
        return
    binding = steps[bindings[0].revision]
    if binding in creation.children:
        creation.children.remove(binding)
        max(attempts, key=lambda each: each.begin).children.append(binding)


def _binds(write: Write, key: NamespacedName) -> bool:
    return write.resource == "pods" and write.subresource == "binding" and write.key == key


def _programmings(write: Write, services: Iterable[ServiceRecord]) -> Iterable[Step]:
    """The first time that a proxy had this revision of the slice, or a later one."""
    for record in services:
        for each in record.programmed:
            revision = each["endpointSlices"].get(write.key.name, "")
            if revision.isdigit() and int(revision) >= write.revision:
                yield of_programming(record.node, record.service, each)
                break
