"""The way to a Service's pods is known, and some node's kube-proxy has not built it."""

from __future__ import annotations

from collections.abc import Sequence

from apimachinery.objects import Object, get_path, name_of, resource_version_of
from kubectl.why.diagnosis import Cause, Diagnosis, Evidence, Fix, seen
from kubectl.why.facts import ServiceFacts


def is_not_programmed(facts: ServiceFacts) -> Diagnosis | None:
    if get_path(facts.service, "spec.clusterIP") == "None":
        return None
    for node, programmed in facts.programmed.items():
        if programmed is None:
            return _no_proxy(facts, node)
        if late := behind(programmed, facts.slices):
            return _behind(facts, node, late[0], programmed)
    return None


def behind(programmed: Sequence[Object], slices: Sequence[Object]) -> list[Object]:
    """The slices whose present revision is not in the rules yet."""
    return [each for each in slices if not _has(programmed, each)]


def _has(programmed: Sequence[Object], slice_: Object) -> bool:
    """Whether this revision of the slice, or a later one, is in the rules."""
    name, wanted = name_of(slice_), int(resource_version_of(slice_) or 0)
    return any(int(each["endpointSlices"].get(name) or 0) >= wanted for each in programmed[-1:])


def _no_proxy(facts: ServiceFacts, node: str) -> Diagnosis:
    return Diagnosis(
        cause=Cause.CONTROL_PLANE,
        headline=f"kube-proxy of node {node} does not answer: there the rules of Service "
        f'"{name_of(facts.service)}" stay as they were, if there are any',
        evidence=(Evidence(f"kube-proxy/{node}", "/debug/services", "no answer"),),
        fix=Fix(f"start kube-proxy on {node} again", "sampan why"),
    )


def _behind(facts: ServiceFacts, node: str, slice_: Object, programmed: Sequence[Object]) -> Diagnosis:
    last = programmed[-1] if programmed else None
    had = last["endpointSlices"].get(name_of(slice_)) if last else None
    told = f"revision {had} at {last['time']}" if last and had else "never"
    return Diagnosis(
        cause=Cause.CONTROL_PLANE,
        headline=f'the rules of Service "{name_of(facts.service)}" are not up to date on node {node}',
        evidence=(
            seen("endpointslice", slice_, "metadata.resourceVersion", resource_version_of(slice_)),
            Evidence(f"kube-proxy/{node}", f"programmed {name_of(slice_)}", told),
        ),
        fix=Fix(f"see what kube-proxy on {node} is doing", "sampan why"),
    )
