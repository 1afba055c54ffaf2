"""Workloads that get no pods, nodes, claims."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from kubectl.why.diagnosis import Cause, Confidence, Diagnosis, ranked
from kubectl.why.facts import ClaimFacts, WorkloadFacts
from kubectl.why.rules.claims import claim
from kubectl.why.rules.nodes import NodeFacts
from kubectl.why.rules.nodes import node as why_node
from kubectl.why.rules.workloads import workload
from tests.unit.kubectl.why.builders import NOW, STALE, make_event, make_lease, make_node, make_pod


def replica_set(message: str) -> Object:
    condition = {"type": "ReplicaFailure", "status": "True", "message": message}
    return {"metadata": {"name": "cart-1", "namespace": "shop", "resourceVersion": "8"},
            "status": {"conditions": [condition]}}  # fmt: skip


def make_workload(*sets: Object, spec: Object | None = None, **facts: Any) -> WorkloadFacts:
    obj = {
        "metadata": {"name": "cart", "namespace": "shop", "generation": 2},
        "spec": {"replicas": 3, **(spec or {})},
        "status": {"observedGeneration": 2, "readyReplicas": 3},
    }
    defaults: dict[str, Any] = {
        "kind": "Deployment", "obj": obj, "now": NOW, "lease": make_lease(name="kube-controller-manager"),
    }  # fmt: skip
    return WorkloadFacts(sets=sets, **(defaults | facts))


FORBIDDEN = 'pods "cart-1-" is forbidden: '


@pytest.mark.parametrize(
    ("message", "cause", "what", "command"),
    [
        pytest.param(
            f"{FORBIDDEN}exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2",
            Cause.RESOURCES,
            'quota "q" allows pods=2; used are pods=2, and pods=1 more are asked for',
            "kubectl describe resourcequota/q -n shop",
            id="a quota",
        ),
        pytest.param(
            f"{FORBIDDEN}failed quota: q: must specify limits.cpu",
            Cause.RESOURCES,
            'quota "q" wants every container to say its limits.cpu',
            "",
            id="what a quota wants",
        ),
        pytest.param(
            f"{FORBIDDEN}maximum cpu usage per Container is 1, but limit is 2",
            Cause.RESOURCES,
            "a LimitRange forbids it: maximum cpu usage per Container is 1, but limit is 2",
            "kubectl describe limitrange -n shop",
            id="a LimitRange",
        ),
        pytest.param(
            f'{FORBIDDEN}violates PodSecurity "restricted:latest": privileged (container "c" must not ...)',
            Cause.SECURITY,
            'namespace "shop" enforces PodSecurity "restricted:latest", which the pod violates: '
            'privileged (container "c" must not ...)',
            "",
            id="PodSecurity",
        ),
        pytest.param(
            f'{FORBIDDEN}error looking up service account shop/bot: serviceaccount "bot" not found',
            Cause.DEPENDENCY,
            'ServiceAccount "bot" does not exist in namespace "shop"',
            "kubectl create serviceaccount bot -n shop",
            id="an account",
        ),
        pytest.param(
            f"{FORBIDDEN}no PriorityClass with name high was found",
            Cause.DEPENDENCY,
            'PriorityClass "high" does not exist',
            "kubectl create priorityclass high --value=0",
            id="a priority class",
        ),
        pytest.param(
            'admission webhook "w.example.com" denied the request: no latest',
            Cause.SECURITY,
            'webhook "w.example.com" denies it: no latest',
            "",
            id="a webhook's no",
        ),
        pytest.param(
            'Internal error occurred: failed calling webhook "w.example.com": connection refused',
            Cause.CONTROL_PLANE,
            'webhook "w.example.com" does not answer: connection refused',
            "kubectl get mutatingwebhookconfigurations,validatingwebhookconfigurations",
            id="a webhook's silence",
        ),
        pytest.param(
            'Pod "cart-1-x" is invalid: spec.containers[0].image: Required value',
            Cause.SPEC,
            'Pod "cart-1-x" is invalid: spec.containers[0].image: Required value',
            "",
            id="an invalid template",
        ),
    ],
)
def test_why_no_pod_is_created(message: str, cause: Cause, what: str, command: str) -> None:
    found = workload(make_workload(replica_set(message)))[0]
    assert found.headline == f"no pod can be created for deployment/cart: {what}"
    assert (found.cause, found.fix.command if found.fix else "") == (cause, command)


def trouble(headline: str) -> Diagnosis:
    return Diagnosis(cause=Cause.IMAGE, headline=headline)


@pytest.mark.parametrize(
    ("facts", "headlines"),
    [
        pytest.param(make_workload(), [], id="well"),
        pytest.param(
            make_workload(spec={"replicas": 0}),
            ["deployment/cart wants no pods: spec.replicas is 0"],
            id="none",
        ),
        pytest.param(
            make_workload(spec={"paused": True}), ["the rollout of deployment/cart is paused"], id="paused"
        ),
        pytest.param(
            make_workload(troubles=[trouble("a"), trouble("b"), trouble("a")]),
            ["a", "b"],
            id="each trouble once",
        ),
        pytest.param(
            make_workload(events=[make_event("FailedCreate", "no")]),
            ["no pod can be created for deployment/cart: no"],
            id="from an Event",
        ),
        pytest.param(
            make_workload(events=[make_event("FailedCreate", "no")], pods=[make_pod()]),
            [],
            id="an old Event",
        ),
    ],
)
def test_why_a_workload_is_not_well(facts: WorkloadFacts, headlines: list[str]) -> None:
    assert [each.headline for each in workload(facts)] == headlines


def test_a_rollout_that_is_on_its_way_is_not_called_well() -> None:
    facts = make_workload()
    facts.obj["status"]["readyReplicas"] = 1
    (found,) = workload(facts)
    assert found.headline == "1 of 3 pods are ready, and nothing is wrong with the others so far"


@pytest.mark.parametrize(
    ("condition", "headlines"),
    [
        pytest.param({"type": "Complete", "status": "True"}, [], id="done"),
        pytest.param(
            {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "too often"},
            ["job/cart has failed and is not tried again: too often"],
            id="given up",
        ),
    ],
)
def test_a_job_is_well_until_it_has_failed(condition: Object, headlines: list[str]) -> None:
    facts = make_workload(kind="Job", spec={"parallelism": 2})
    facts.obj["status"] = {"conditions": [condition], "observedGeneration": 2}
    assert [each.headline for each in workload(facts)] == headlines


def test_nobody_looks_after_it() -> None:
    facts = make_workload(lease=make_lease(STALE, name="kube-controller-manager"))
    facts.obj["status"]["observedGeneration"] = 1
    (found,) = workload(facts)
    assert found.headline == (
        "no controller looks after deployment/cart: "
        "kube-controller-manager has not renewed its lease for 120 s"
    )


def claim_of(class_name: str | None = None, phase: str = "Pending") -> Object:
    spec = {} if class_name is None else {"storageClassName": class_name}
    return {"metadata": {"name": "data", "namespace": "shop", "resourceVersion": "6"}, "spec": spec,
            "status": {"phase": phase}}  # fmt: skip


def storage_class(name: str, provisioner: str = "p.example.com", **fields: Any) -> Object:
    return {"metadata": {"name": name, "annotations": {}}, "provisioner": provisioner, **fields}


LATER = {"volumeBindingMode": "WaitForFirstConsumer"}


@pytest.mark.parametrize(
    ("facts", "headline"),
    [
        pytest.param(ClaimFacts("data", claim_of(phase="Bound")), None, id="bound"),
        pytest.param(
            ClaimFacts("data", claim_of("fast"), [storage_class("standard")]),
            'claim "data" wants storage class "fast"; there is only standard',
            id="another class",
        ),
        pytest.param(
            ClaimFacts("data", claim_of("fast")),
            'claim "data" wants storage class "fast"; there is none',
            id="no class at all",
        ),
        pytest.param(
            ClaimFacts("data", claim_of()),
            'claim "data" names no storage class, and none is the default',
            id="no default class",
        ),
        pytest.param(
            ClaimFacts("data", claim_of("fast"), [storage_class("fast", **LATER)]),
            None,
            id="waits for a pod",
        ),
        pytest.param(
            ClaimFacts("data", claim_of("fast"), [storage_class("fast")]),
            'claim "data" waits for provisioner p.example.com to make a volume',
            id="waits for the provisioner",
        ),
        pytest.param(
            ClaimFacts(
                "data",
                claim_of("fast"),
                [storage_class("fast")],
                events=[make_event("ProvisioningFailed", "disk full")],
            ),
            'claim "data" gets no volume: disk full',
            id="the provisioner failed",
        ),
        pytest.param(
            ClaimFacts("data", claim_of("", "Lost") | {"spec": {"volumeName": "pv1"}}),
            'claim "data" has lost its volume "pv1", which no longer exists',
            id="lost",
        ),
    ],
)
def test_why_a_claim_has_no_volume(facts: ClaimFacts, headline: str | None) -> None:
    found = claim(facts, "shop")
    assert (found.headline if found else None) == headline


def node_with(**condition: str) -> Object:
    made = make_node()
    made["status"]["conditions"] = [condition]
    return made


@pytest.mark.parametrize(
    ("node", "renewed", "headline"),
    [
        pytest.param(
            make_node(),
            STALE,
            "the kubelet of node n1 is silent: it has not renewed its lease for 120 s",
            id="silent",
        ),
        pytest.param(
            node_with(type="Ready", status="False", message="runtime is down"),
            "",
            "node n1 is not ready: runtime is down",
            id="not ready",
        ),
        pytest.param(
            node_with(type="DiskPressure", status="True", message="90% used"),
            "",
            "node n1 is short of disk: 90% used",
            id="pressure",
        ),
        pytest.param(
            make_node(unschedulable=True), "", "node n1 is cordoned: it takes no new pods", id="cordoned"
        ),
    ],
)
def test_why_a_node_is_not_well(node: Object, renewed: str, headline: str) -> None:
    lease = make_lease(renewed, name="n1") if renewed else make_lease(name="n1")
    assert [each.headline for each in why_node(NodeFacts(node, lease, NOW))] == [headline]


def test_what_is_certain_comes_before_what_is_likely_and_causes_before_consequences() -> None:
    likely = Diagnosis(cause=Cause.SCHEDULING, headline="likely", confidence=Confidence.LIKELY)
    late = Diagnosis(cause=Cause.PROBE, headline="late")
    early = Diagnosis(cause=Cause.CONTROL_PLANE, headline="early")
    assert [each.headline for each in ranked([likely, late, None, early])] == ["early", "late", "likely"]
