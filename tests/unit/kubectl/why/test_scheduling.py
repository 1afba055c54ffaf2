"""Why no node takes a pod: from the scheduler's verdicts, or without them, to the smallest change."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from kubectl.why.diagnosis import Cause
from kubectl.why.facts import PodFacts
from kubectl.why.rules.pods import pod as why_pod
from tests.unit.kubectl.why.builders import make_container, make_facts, make_node, make_pod, make_scheduling

UNSCHEDULABLE = {
    "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
    "message": "0/1 nodes are available",
}  # fmt: skip


def wants(**requests: str) -> Object:
    return make_container(resources={"requests": requests})


def on(node: str, **requests: str) -> Object:
    return make_pod(wants(**requests), node=node)


def unschedulable(*nodes: Object, pods: list[Object] | None = None, container: Object | None = None,
                  attempts: list[Object] | None = None, **spec: Any) -> PodFacts:  # fmt: skip
    pod = make_pod(container or make_container(), node="", conditions=[UNSCHEDULABLE], **spec)
    return make_facts(pod, node=None, scheduling=make_scheduling(*nodes, pods=pods or [], attempts=attempts))


def verdict(node: str, **plugins: str) -> Object:
    return {"uid": "u1", "verdicts": {node: plugins}}


GPU = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("facts", "cause", "headline", "command"),
    [
        pytest.param(
            unschedulable(),
            Cause.SCHEDULING,
            "there is no node in this cluster",
            "sampan up",
            id="no nodes",
        ),
        pytest.param(
            unschedulable(
                make_node("a"),
                make_node("b"),
                container=wants(cpu="1"),
                pods=[on("a", cpu="1500m"), on("b", cpu="1200m")],
            ),
            Cause.RESOURCES,
            "fits on none of 2 nodes: 2 lack cpu (wanted 1, at most 800m free)",
            "kubectl set resources deployment/cart -c web --requests=cpu=800m -n shop",
            id="not enough room anywhere: the fullest counts least",
        ),
        pytest.param(
            unschedulable(
                make_node("a", taints=[GPU]),
                make_node("b", labels={"disk": "hdd"}),
                nodeSelector={"disk": "ssd"},
            ),
            Cause.SCHEDULING,
            "fits on none of 2 nodes: 1 has taint gpu=yes, 2 lack label disk=ssd",
            "kubectl label node/b disk=ssd --overwrite",
            id="the node with the fewest obstacles is mended",
        ),
        pytest.param(
            unschedulable(make_node("a", taints=[GPU])),
            Cause.SCHEDULING,
            "fits on none of 1 node: 1 has taint gpu=yes",
            'kubectl patch deployment/cart -p \'{"spec":{"template":{"spec":{"tolerations":[{"key":"gpu",'
            '"operator":"Equal","value":"yes"}]}}}}\' -n shop',
            id="a taint",
        ),
        pytest.param(
            unschedulable(make_node("a", unschedulable=True)),
            Cause.SCHEDULING,
            "fits on none of 1 node: 1 is cordoned",
            "kubectl uncordon a",
            id="cordoned",
        ),
        pytest.param(
            unschedulable(
                make_node("a", taints=[{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}])
            ),
            Cause.SCHEDULING,
            "fits on none of 1 node: 1 is not-ready",
            "sampan why node/a",
            id="a node that is not ready",
        ),
        pytest.param(
            unschedulable(
                make_node("a"),
                attempts=[
                    verdict(
                        "a",
                        NodePorts="node(s) didn't have free ports for the requested pod ports",
                        NodeResourcesFit="ok",
                    )
                ],
            ),
            Cause.SCHEDULING,
            "fits on none of 1 node: 1 has the host port taken",
            "",
            id="what only the scheduler knows",
        ),
        pytest.param(
            unschedulable(
                make_node("a"),
                attempts=[
                    verdict("a", PodTopologySpread="node(s) didn't match pod topology spread constraints")
                ],
            ),
            Cause.SCHEDULING,
            "fits on none of 1 node: 1 didn't match pod topology spread constraints",
            "",
            id="a plugin that nothing more is known of",
        ),
        pytest.param(
            unschedulable(make_node("a"), attempts=[{"uid": "other", "verdicts": {"a": {"X": "no"}}}]),
            Cause.SCHEDULING,
            "no node takes the pod: 0/1 nodes are available",
            "",
            id="an attempt for another pod of that name says nothing",
        ),
    ],
)
def test_what_every_node_has_against_it(facts: PodFacts, cause: Cause, headline: str, command: str) -> None:
    found = why_pod(facts)[0]
    assert (found.cause, found.headline) == (cause, headline)
    assert (found.fix.command if found.fix else "") == command


def test_each_nodes_verdict_is_evidence() -> None:
    attempt = {"uid": "u1", "verdicts": {"a": {"NodeResourcesFit": "Insufficient cpu, Insufficient memory"}}}
    facts = unschedulable(
        make_node("a"), container=wants(cpu="9", memory="9Gi"), attempts=[attempt], pods=[on("a", cpu="1")]
    )
    found = why_pod(facts)[0]
    assert found.headline == (
        "fits on none of 1 node: 1 lacks cpu (wanted 9, 1 free), 1 lacks memory (wanted 9Gi, 4Gi free)"
    )
    assert str(found.evidence[1]) == (
        "scheduler, node/a NodeResourcesFit: Insufficient cpu; Insufficient memory"
    )


def test_a_preemptor_says_what_it_waits_for() -> None:
    facts = unschedulable(make_node("a"), container=wants(cpu="9"))
    facts.pod["status"]["nominatedNodeName"] = "a"
    assert why_pod(facts)[0].headline.endswith("; it waits for pods to go from a")
