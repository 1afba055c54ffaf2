"""What each scheduler plugin says of a node: the scheduler's record, or else worked out from the objects."""

from __future__ import annotations

from collections.abc import Mapping

from apimachinery.objects import Object, get_path, labels_of, name_of, uid_of
from apimachinery.pods import add_up, pod_requests
from apimachinery.quantity import Quantity
from apimachinery.taints import NO_EXECUTE, NO_SCHEDULE, NODE_UNSCHEDULABLE, find_untolerated
from kubectl.evidence.asker import Objects
from kubectl.why.facts import PodFacts, Scheduling

FITS = "ok"

Verdicts = Mapping[str, list[str]]
"""Plugin -> its reasons against."""


def verdicts_of(facts: PodFacts, scheduling: Scheduling, node: Object) -> Verdicts:
    recorded = _recorded(facts, scheduling)
    if recorded is None:
        return _worked_out(facts.pod, scheduling, node)
    said: Mapping[str, str] = recorded.get(name_of(node)) or {}
    return {plugin: reasons.split(", ") for plugin, reasons in said.items() if reasons != FITS}


def _recorded(facts: PodFacts, scheduling: Scheduling) -> Mapping[str, Mapping[str, str]] | None:
    """The newest attempt for this very pod."""
    attempts = (each for each in scheduling.attempts or () if each.get("uid") == uid_of(facts.pod))
    newest = next(attempts, None)
    return newest["verdicts"] if newest else None


def _worked_out(pod: Object, scheduling: Scheduling, node: Object) -> Verdicts:
    """The filters that almost always say it: cordon, taints, nodeSelector, room."""
    found = {
        "NodeUnschedulable": ["node(s) were unschedulable"] if get_path(node, "spec.unschedulable") else [],
        "TaintToleration": _taints(pod, node),
        "NodeAffinity": _selector(pod, node),
        "NodeResourcesFit": _room(pod, scheduling, node),
    }
    return {plugin: reasons for plugin, reasons in found.items() if reasons}


def _taints(pod: Object, node: Object) -> list[str]:
    return ["node(s) had untolerated taint(s)"] if untolerated(pod, node) else []


def untolerated(pod: Object, node: Object) -> Object | None:
    """The first taint that keeps the pod away; that of a cordon has a verdict of its own."""
    taints = [t for t in get_path(node, "spec.taints") or () if t["key"] != NODE_UNSCHEDULABLE]
    return find_untolerated(taints, pod["spec"].get("tolerations") or (), (NO_SCHEDULE, NO_EXECUTE))


def _selector(pod: Object, node: Object) -> list[str]:
    wanted = pod["spec"].get("nodeSelector") or {}
    fits = all(labels_of(node).get(key) == value for key, value in wanted.items())
    return [] if fits else ["node(s) didn't match Pod's node affinity/selector"]


def _room(pod: Object, scheduling: Scheduling, node: Object) -> list[str]:
    if scheduling.pods is None:
        return []
    return [
        f"Insufficient {resource}"
        for resource, wanted in pod_requests(pod).items()
        if wanted > left_on(node, scheduling.pods, resource)
    ]


def left_on(node: Object, pods: Objects, resource: str) -> Quantity:
    """What the pods there leave of a resource; below zero if they take more than there is."""
    there = (each for each in pods if get_path(each, "spec.nodeName") == name_of(node))
    used = add_up(pod_requests(each) for each in there).get(resource, Quantity())
    return Quantity.parse((get_path(node, "status.allocatable") or {}).get(resource, "0")) - used
