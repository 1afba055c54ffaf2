"""Why an autoscaler does not scale."""

from __future__ import annotations

import pytest

from apimachinery.objects import Object
from kubectl.why.rules.autoscalers import autoscaler, summary

UNABLE = "the HPA was unable to compute the replica count: failed to get cpu utilization: "


def make(*conditions: tuple[str, bool, str, str]) -> Object:
    listed = [
        {"type": sort, "status": str(status), "reason": reason, "message": message}
        for sort, status, reason, message in conditions
    ]
    return {
        "metadata": {"name": "web", "namespace": "ns"},
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "minReplicas": 2, "maxReplicas": 5},
        "status": {"currentReplicas": 3, "conditions": listed},
    }


CASES = {
    "nobody looks": (make(), "control-plane", "no controller has looked at it yet", "sampan doctor"),
    "no target": (
        make(("AbleToScale", False, "FailedGetScale", 'unable: deployments.apps "web" not found')),
        "config",
        'deployment/web cannot be scaled: deployments.apps "web" not found',
        "",
    ),
    "off": (
        make(("ScalingActive", False, "ScalingDisabled", "scaling is disabled")),
        "spec",
        "deployment/web was scaled to zero, which switches its autoscaler off",
        "kubectl scale deployment/web --replicas=1 -n ns",
    ),
    "no request": (
        make(
            (
                "ScalingActive",
                False,
                "FailedGetResourceMetric",
                f"{UNABLE}missing request for cpu in container c of Pod web-1",
            )
        ),
        "resources",
        'container "c" of deployment/web requests no cpu, of which a share is aimed at',
        "kubectl set resources deployment/web -c c --requests=cpu=100m -n ns",
    ),
    "no metrics": (
        make(("ScalingActive", False, "FailedGetResourceMetric", f"{UNABLE}no metrics returned")),
        "dependency",
        "no metrics: failed to get cpu utilization: no metrics returned",
        "kubectl top pods -n ns",
    ),
    "two of them": (
        make(("ScalingActive", False, "AmbiguousSelector", "pods are controlled by multiple HPAs")),
        "config",
        "pods are controlled by multiple HPAs",
        "",
    ),
    "at its maximum": (
        make(("ScalingLimited", True, "TooManyReplicas", "more than the maximum")),
        "spec",
        "deployment/web has all 5 replicas that are allowed, and its metrics ask for more",
        """kubectl patch hpa/web -p '{"spec": {"maxReplicas": 10}}' -n ns""",
    ),
}


@pytest.mark.parametrize(("obj", "cause", "headline", "command"), CASES.values(), ids=CASES.keys())
def test_its_conditions_say_what_keeps_it(obj: Object, cause: str, headline: str, command: str) -> None:
    [found] = autoscaler(obj)
    assert (found.cause.value, found.headline) == (cause, headline)
    assert found.fix is not None
    assert found.fix.command == command


def test_one_that_scales_is_well() -> None:
    obj = make(
        ("AbleToScale", True, "ReadyForNewScale", "it is"),
        ("ScalingLimited", True, "TooFewReplicas", "less than the minimum"),
    )
    assert (autoscaler(obj), summary(obj)) == ([], "deployment/web has 3 of 2 to 5 replicas")
