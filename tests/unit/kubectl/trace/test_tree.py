"""From the journal's lines and the daemons' records to a tree of causes, and to its text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apimachinery.objects import NamespacedName, Object
from apimachinery.times import format_micro_time
from kubectl.trace.follow import root_of
from kubectl.trace.report import render, to_object
from kubectl.trace.settling import is_settled
from kubectl.trace.tree import PodRecord, Records, ServiceRecord, build, caused_by
from kubectl.trace.writes import Write, parse_write

START = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def at(milliseconds: float) -> str:
    return format_micro_time(START + timedelta(milliseconds=milliseconds))


def programmed(end: int, revision: str) -> Object:
    return {"time": at(end), "milliseconds": 2.0, "endpointSlices": {"web-x": revision}}


def line(revision: int, verb: str, resource: str, name: str, *causes: int, **fields: Any) -> Write:
    told: Object = {
        "revision": revision, "verb": verb, "resource": resource, "namespace": "shop", "name": name,
        "time": at(revision), "milliseconds": 1.0, "user": "system:kube-controller-manager",
        "userAgent": "kube-controller-manager", "actor": "", "trace": "", "code": 200,
        "causes": [str(each) for each in causes],
    }  # fmt: skip
    return parse_write(told | fields)


PERSON = {"user": "jane", "userAgent": "kubectl/v1.34"}
SCHEDULER = {"userAgent": "kube-scheduler"}
KUBELET = {"user": "system:node:n1", "userAgent": "kubelet"}

APPLY = line(10, "create", "deployments.apps", "web", **PERSON)
WRITES = [
    APPLY,
    line(20, "create", "replicasets.apps", "web-1", 10, actor="deployment-controller"),
    line(25, "update", "configmaps", "other", 5),
    line(30, "create", "pods", "web-1-a", 20, actor="replicaset-controller"),
    line(40, "create", "pods/binding", "web-1-a", 30, **SCHEDULER),
    line(90, "patch", "pods/status", "web-1-a", 40, **KUBELET),
    line(95, "update", "endpointslices.discovery.k8s.io", "web-x", 90, 12, userAgent="slices"),
    line(95, "update", "endpointslices.discovery.k8s.io", "web-x", 90),
]
RECORDS = Records(
    {
        NamespacedName("shop", "web-1-a"): PodRecord(
            "n1",
            [{"time": at(38), "milliseconds": 2.0, "result": "scheduled", "node": "n1", "feasibleNodes": 1,
              "evaluatedNodes": 2, "message": ""}],
            [{"step": "seen", "time": at(42)},
             {"step": "volumes", "time": at(43), "milliseconds": 0.2},
             {"step": "image", "time": at(50), "milliseconds": 5.0, "container": "web", "error": "no"}],
            [{"container": "web", "probe": "Readiness", "healthy": True, "since": at(80)},
             {"container": "web", "probe": "Liveness", "healthy": False, "since": at(81)}],
        )
    },
    [ServiceRecord("n1", "web", [programmed(60, "50"), programmed(99, "95"), programmed(120, "110")])],
)  # fmt: skip

TEXT = """\
      0.0 ms  kubectl creates deployment.apps/web  @10  1.0 ms
     10.0 ms  └─ deployment-controller creates replicaset.apps/web-1  @20  1.0 ms
     20.0 ms     └─ replicaset-controller creates pod/web-1-a  @30  1.0 ms
     27.0 ms        └─ kube-scheduler chooses node n1, 1 of 2 fit  2.0 ms
     30.0 ms           └─ kube-scheduler binds pod/web-1-a  @40  1.0 ms
     33.0 ms              ├─ kubelet of n1 sees the pod
     41.0 ms              ├─ kubelet of n1 has image of web, which fails: no  5.0 ms
     71.0 ms              ├─ kubelet of n1 readiness probe of web succeeds
     80.0 ms              └─ kubelet of n1 reports the status of pod/web-1-a  @90  1.0 ms
     85.0 ms                 └─ slices updates endpointslice.discovery.k8s.io/web-x  @95  1.0 ms
     88.0 ms                    └─ kube-proxy of n1 programs the rules of service/web  2.0 ms
"""


def test_each_step_is_under_its_cause() -> None:
    caused = caused_by([APPLY], WRITES)
    assert [each.revision for each in caused] == [10, 20, 30, 40, 90, 95]
    assert render(build([APPLY], caused, RECORDS)) == TEXT


def test_json_has_component_object_revision_and_causes() -> None:
    told = to_object(build([APPLY], caused_by([APPLY], WRITES), RECORDS), settled=True)
    assert (told["kind"], told["settled"], told["milliseconds"]) == ("Trace", True, 88.0)
    replica_set = told["steps"][0]["steps"][0]
    assert replica_set | {"steps": []} == {
        "time": at(19), "milliseconds": 1.0, "component": "deployment-controller",
        "action": "creates replicaset.apps/web-1", "object": "replicaset.apps/web-1", "revision": 20,
        "causes": [10], "steps": [],
    }  # fmt: skip


def test_of_several_causes_the_newest_counts() -> None:
    writes = [line(20, "update", "pods", "a", 10), line(30, "update", "pods", "b", 20, 10)]
    (root,) = build([APPLY], caused_by([APPLY], [APPLY, *writes]), Records())
    assert [each.revision for each in root.children] == [20]
    assert [each.revision for each in root.children[0].children] == [30]


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        pytest.param(line(1, "patch", "deployments/scale.apps", "web", **PERSON),
                     "kubectl patches scale of deployment.apps/web", id="a subresource of a group"),
        pytest.param(line(1, "update", "leases.coordination.k8s.io", "n1", **KUBELET),
                     "kubelet of n1 updates lease.coordination.k8s.io/n1", id="a node"),
        pytest.param(line(1, "create", "things.example.com", "t", actor="thing"),
                     "thing controller creates things.example.com/t", id="a kind that is not built in"),
        pytest.param(line(1, "update", "endpoints", "web"),
                     "kube-controller-manager updates endpoints/web", id="endpoints are one thing"),
    ],
)  # fmt: skip
def test_who_did_what(write: Write, expected: str) -> None:
    assert f"{write.component} {write.action}" == expected


def test_the_root_is_the_last_change_that_a_person_made() -> None:
    scaled = line(50, "patch", "deployments/scale.apps", "web", **PERSON)
    status = line(60, "update", "deployments/status.apps", "web")
    made = line(20, "update", "deployments.apps", "web", 10)
    assert root_of([APPLY, made, scaled, status]) is scaled
    assert root_of([line(30, "create", "pods", "a", 20), line(40, "patch", "pods", "a", 30)]).revision == 30


def workload(kind: str, status: Object | None = None, **spec: Any) -> Object:
    return {"kind": kind, "metadata": {"name": "web", "generation": 1}, "spec": spec, "status": status or {}}


READY = {"conditions": [{"type": "Ready", "status": "True"}]}
ROLLED_OUT = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}


@pytest.mark.parametrize(
    ("obj", "settled"),
    [
        pytest.param(workload("ConfigMap"), True, id="has no life of its own"),
        pytest.param(workload("Pod"), False, id="a pod on its way"),
        pytest.param(workload("Pod", READY), True, id="a pod that is ready"),
        pytest.param(workload("Deployment", replicas=1), False, id="a rollout on its way"),
        pytest.param(workload("Deployment", ROLLED_OUT, replicas=1), True, id="a rollout that is done"),
        pytest.param(workload("ReplicaSet", {"readyReplicas": 1}, replicas=2), False, id="too few replicas"),
        pytest.param(
            workload("Job", {"conditions": [{"type": "Failed", "status": "True"}]}),
            True,
            id="a job that failed",
        ),
    ],
)
def test_when_all_is_at_rest(obj: Object, settled: bool) -> None:
    assert is_settled(obj) is settled
