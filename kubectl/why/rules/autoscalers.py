"""Why an autoscaler does not scale: what its controller wrote into its conditions."""

from __future__ import annotations

import json
import re

from apimachinery.conditions import condition_of
from apimachinery.objects import Object, get_path, name_of, namespace_of
from kubectl.why import fixes
from kubectl.why.diagnosis import Cause, Confidence, Diagnosis, Evidence, Fix, ranked, seen

_NO_REQUEST = re.compile(r"missing request for (\S+) in container (\S+) of Pod ")
_SOME = {"cpu": "100m", "memory": "64Mi"}
_UNABLE = "the HPA was unable to compute the replica count: "


def autoscaler(obj: Object) -> list[Diagnosis]:
    found = _unattended(obj) or _no_target(obj) or _inactive(obj) or _at_maximum(obj)
    return ranked([found])


def summary(obj: Object) -> str:
    current, spec = get_path(obj, "status.currentReplicas", 0), obj["spec"]
    return f"{_target(obj)} has {current} of {spec.get('minReplicas', 1)} to {spec['maxReplicas']} replicas"


def _target(obj: Object) -> str:
    reference = obj["spec"]["scaleTargetRef"]
    return f"{reference['kind'].lower()}/{reference['name']}"


def _evidence(obj: Object, condition: Object) -> Evidence:
    field = f"status.conditions[{condition['type']}]"
    return seen("hpa", obj, field, f"{condition['reason']}: {condition['message']}")


def _unattended(obj: Object) -> Diagnosis | None:
    if get_path(obj, "status.conditions"):
        return None
    return Diagnosis(
        cause=Cause.CONTROL_PLANE,
        headline="no controller has looked at it yet",
        confidence=Confidence.LIKELY,
        evidence=(seen("hpa", obj, "status.conditions", "none"),),
        fix=Fix("see whether the controller-manager works", "sampan doctor"),
    )


def _no_target(obj: Object) -> Diagnosis | None:
    condition = condition_of(obj, "AbleToScale")
    if condition is None or condition["status"] != "False":
        return None
    return Diagnosis(
        cause=Cause.CONFIG,
        headline=f"{_target(obj)} cannot be scaled: {condition['message'].partition(': ')[2]}",
        evidence=(_evidence(obj, condition),),
        fix=Fix("make it, or name another in spec.scaleTargetRef"),
    )


def _inactive(obj: Object) -> Diagnosis | None:
    condition = condition_of(obj, "ScalingActive")
    if condition is None or condition["status"] != "False":
        return None
    explain = _EXPLAINED.get(condition["reason"], _unmeasured)
    cause, headline, fix = explain(obj, condition["message"].removeprefix(_UNABLE))
    return Diagnosis(cause=cause, headline=headline, evidence=(_evidence(obj, condition),), fix=fix)


Explained = tuple[Cause, str, Fix]


def _disabled(obj: Object, text: str) -> Explained:
    headline = f"{_target(obj)} was scaled to zero, which switches its autoscaler off"
    command = fixes.command("scale", namespace_of(obj), _target(obj), "--replicas=1")
    return Cause.SPEC, headline, Fix("scale it up", command)


def _shared(obj: Object, text: str) -> Explained:
    return Cause.CONFIG, text, Fix("let each pod be one autoscaler's")


def _unmeasured(obj: Object, text: str) -> Explained:
    if found := _NO_REQUEST.search(text):
        return _unrequested(obj, *found.groups())
    fix = Fix("see what is measured", fixes.command("top pods", namespace_of(obj)))
    return Cause.DEPENDENCY, f"no metrics: {text}", fix


def _unrequested(obj: Object, resource: str, container: str) -> Explained:
    whose = f'container "{container}" of {_target(obj)}'
    words = (_target(obj), "-c", container, f"--requests={resource}={_SOME.get(resource, '1')}")
    fix = Fix(f"request some {resource}", fixes.command("set resources", namespace_of(obj), *words))
    return Cause.RESOURCES, f"{whose} requests no {resource}, of which a share is aimed at", fix


_EXPLAINED = {"ScalingDisabled": _disabled, "AmbiguousSelector": _shared, "InvalidSelector": _shared}


def _at_maximum(obj: Object) -> Diagnosis | None:
    condition = condition_of(obj, "ScalingLimited")
    if condition is None or condition["reason"] != "TooManyReplicas":
        return None
    most = obj["spec"]["maxReplicas"]
    patch = json.dumps({"spec": {"maxReplicas": 2 * most}})
    words = (f"hpa/{name_of(obj)}", "-p", patch)
    return Diagnosis(
        cause=Cause.SPEC,
        headline=f"{_target(obj)} has all {most} replicas that are allowed, and its metrics ask for more",
        evidence=(_evidence(obj, condition),),
        fix=Fix("allow more", fixes.command("patch", namespace_of(obj), *words)),
    )
