"""Why a pod does not run: a row a disaster, with the headline and the command that mends it."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from kubectl.evidence.asker import ABSENT
from kubectl.why.diagnosis import Cause, Diagnosis
from kubectl.why.facts import ClaimFacts, Owner, PodFacts, Reference
from kubectl.why.rules.devices import devices
from kubectl.why.rules.pods import pod as why_pod
from tests.unit.kubectl.why.builders import (
    FRESH,
    STALE,
    ended,
    make_container,
    make_event,
    make_facts,
    make_lease,
    make_node,
    make_pod,
    make_scheduling,
    make_status,
    make_step,
    record,
    waiting,
    with_container,
)


def of_status(*statuses: Object, **facts: Any) -> PodFacts:
    return make_facts(make_pod(statuses=statuses), **facts)


PULL = waiting("ErrImagePull", "manifest unknown")
TOO_SMALL = make_container(resources={"limits": {"memory": "64Mi"}})
WANTS_PASSWORD = make_container(
    env=[{"name": "P", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}]
)
READY = {"type": "Ready", "status": "True"}


@pytest.mark.parametrize(
    ("facts", "cause", "headline", "command"),
    [
        pytest.param(
            of_status(make_status(**PULL), node=make_node(images=["busybox:1.35", "redis:7", "busybox:2"])),
            Cause.IMAGE,
            'container "web" cannot get image busybox:1.36; node n1 has busybox:1.35, busybox:2',
            "kubectl set image deployment/cart web=busybox:1.35 -n shop",
            id="another tag is there",
        ),
        pytest.param(
            of_status(make_status(**waiting("ImagePullBackOff", "unauthorized: who are you"))),
            Cause.IMAGE,
            'container "web" cannot get image busybox:1.36',
            "kubectl create secret docker-registry registry --docker-server=REGISTRY --docker-username=USER "
            "--docker-password=PASSWORD -n shop",
            id="the registry wants a password",
        ),
        pytest.param(
            of_status(make_status(**waiting("ErrImageNeverPull"))),
            Cause.IMAGE,
            'container "web" cannot get image busybox:1.36',
            'kubectl patch deployment/cart -p \'{"spec":{"template":{"spec":{"containers":'
            '[{"name":"web","imagePullPolicy":"IfNotPresent"}]}}}}\' -n shop',
            id="may not be pulled",
        ),
        pytest.param(
            of_status(make_status(**ended(1, message="exec /web: exec format error"))),
            Cause.IMAGE,
            'container "web" cannot run busybox:1.36: it is built for another kind of machine than amd64, or '
            "its entry point is no program",
            "",
            id="for another machine",
        ),
        pytest.param(
            with_container(TOO_SMALL, make_status(restartCount=2, **ended(137, "OOMKilled"))),
            Cause.RESOURCES,
            'container "web" was killed at its memory limit of 64Mi 2 s after it started, 3 times so far',
            "kubectl set resources deployment/cart -c web --limits=memory=128Mi -n shop",
            id="memory limit",
        ),
        pytest.param(
            of_status(make_status(**ended(137, "OOMKilled"))),
            Cause.RESOURCES,
            'container "web" was killed by the kernel, as the node ran out of memory 2 s after it started',
            "kubectl set resources deployment/cart -c web --requests=memory=256Mi -n shop",
            id="no limit, but the node is full",
        ),
        pytest.param(
            make_facts(make_pod(status={"reason": "Evicted", "message": "Low on disk. "})),
            Cause.RESOURCES,
            "node n1 evicted it: Low on disk",
            "kubectl delete pod cart -n shop",
            id="evicted",
        ),
        pytest.param(
            with_container(
                WANTS_PASSWORD,
                make_status(
                    **waiting("CreateContainerConfigError", "couldn't find key password in Secret shop/db")
                ),
                references=[Reference("Secret", "db", frozenset({"pass", "user"}), "12")],
            ),
            Cause.CONFIG,
            'container "web" needs key "password" of Secret "db", which has pass, user',
            'kubectl patch deployment/cart -p \'{"spec":{"template":{"spec":{"containers":[{"name":"web",'
            '"env":'
            '[{"name":"P","valueFrom":{"secretKeyRef":{"name":"db","key":"pass"}}}]}]}}}}\' -n shop',
            id="a key that is nearly the same",
        ),
        pytest.param(
            with_container(
                WANTS_PASSWORD,
                make_status(**waiting("CreateContainerConfigError", 'secret "db" not found')),
                references=[Reference("Secret", "db", elsewhere=("default",))],
            ),
            Cause.CONFIG,
            'container "web" needs Secret "db", which does not exist in namespace "shop" (but in default)',
            "kubectl create secret generic db --from-literal=password=VALUE -n shop",
            id="a Secret of another namespace",
        ),
        pytest.param(
            make_facts(
                make_pod(volumes=[{"name": "conf", "configMap": {"name": "conf"}}]),
                events=[
                    make_event(
                        "FailedMount",
                        'MountVolume.SetUp failed for volume "conf" : configmap "conf" not found',
                    )
                ],
            ),
            Cause.VOLUME,
            'volume "conf" needs ConfigMap "conf", which does not exist in namespace "shop"',
            "kubectl create configmap conf --from-literal=KEY=VALUE -n shop",
            id="a volume of a ConfigMap that is not there",
        ),
        pytest.param(
            make_facts(
                events=[
                    make_event(
                        "FailedMount",
                        'MountVolume.SetUp failed for volume "d" : hostPath type check failed: '
                        "/srv/d is not a directory",
                    )
                ]
            ),
            Cause.VOLUME,
            'volume "d" wants /srv/d of node n1, which is not a directory',
            "mkdir -p /srv/d",
            id="a folder that the node has not",
        ),
        pytest.param(
            make_facts(claims=[ClaimFacts("data", ABSENT)]),
            Cause.VOLUME,
            'PersistentVolumeClaim "data" does not exist in namespace "shop"',
            "kubectl apply -n shop -f CLAIM.yaml",
            id="no such claim",
        ),
        pytest.param(
            make_facts(events=[make_event("FailedCreatePodSandBox", "Failed to create pod sandbox: a: b")]),
            Cause.NETWORK,
            "node n1 cannot make the pod's sandbox: b",
            "sampan why node/n1",
            id="no sandbox",
        ),
        pytest.param(
            of_status(
                make_status(
                    **waiting(
                        "RunContainerError",
                        'failed to start container "1": exec: "pyhton": executable file not found in $PATH',
                    )
                )
            ),
            Cause.SPEC,
            'container "web" runs "pyhton", which is not in image busybox:1.36',
            "",
            id="no such program",
        ),
        pytest.param(
            of_status(make_status(**ended(127)), logs={"web": "sh: nod: not found\n"}),
            Cause.SPEC,
            'container "web" runs "nod" in a shell, which is not in image busybox:1.36',
            "",
            id="no such program in a shell",
        ),
        pytest.param(
            of_status(
                make_status(
                    **waiting(
                        "CreateContainerConfigError",
                        'container has runAsNonRoot and image will run as root (pod: "cart", container: web)',
                    )
                ),
                owner=Owner("Pod", "cart"),
            ),
            Cause.SECURITY,
            'container "web" must not run as root, but its image busybox:1.36 has no other user',
            "kubectl get pod/cart -o json -n shop | kubectl patch --local -f - -p "
            '\'{"spec":{"containers":[{"name":"web","securityContext":{"runAsUser":1000}}]}}\' -o json '
            "| kubectl replace --force -f -",
            id="root where root is forbidden, in a pod of its own",
        ),
        pytest.param(
            of_status(
                make_status(**ended(1)),
                logs={
                    "web": 'User "system:serviceaccount:shop:bot" cannot list resource "pods" in API group ""'
                },
            ),
            Cause.SECURITY,
            'container "web" may not list pods: no role lets its ServiceAccount "bot"',
            "kubectl create role bot --verb=list --resource=pods -n shop && kubectl create rolebinding bot "
            "--role=bot --serviceaccount=shop:bot -n shop",
            id="an account without a role",
        ),
        pytest.param(
            of_status(make_status(**ended(1)), logs={"web": "open /data/x: read-only file system"}),
            Cause.SECURITY,
            'container "web" writes to a file system that is read-only',
            "",
            id="a read-only file system",
        ),
        pytest.param(
            of_status(make_status(restartCount=3, **ended(2)), logs={"web": "starting\nno config given\n\n"}),
            Cause.APPLICATION,
            'container "web" ends by itself with code 2 2 s after it started, its last words: '
            '"no config given"',
            "kubectl logs cart -c web --previous -n shop",
            id="the program's own fault",
        ),
        pytest.param(
            of_status(make_status(), record=record(steps=[make_step("seen"), make_step("sandbox")])),
            Cause.STARTING,
            "the pod is 60 s old and starting: its images are being fetched",
            "",
            id="on its way",
        ),
        pytest.param(
            make_facts(
                make_pod(metadata={"deletionTimestamp": "2026-01-01T11:59:30Z", "finalizers": ["a/b"]})
            ),
            Cause.ENDING,
            "the pod is to be deleted, but held by finalizer a/b",
            'kubectl patch pod/cart --type=merge -p \'{"metadata":{"finalizers":null}}\' -n shop',
            id="held by a finalizer",
        ),
        pytest.param(
            make_facts(make_pod(metadata={"deletionTimestamp": "2026-01-01T11:59:30Z"})),
            Cause.ENDING,
            "the pod should have been gone 30 s ago, and node n1 has not said that it is",
            "sampan why node/n1",
            id="overdue",
        ),
        pytest.param(
            make_facts(node_lease=make_lease(STALE, name="n1")),
            Cause.CONTROL_PLANE,
            "the kubelet of node n1 is silent: it has not renewed its lease for 120 s",
            "sampan why node/n1",
            id="a silent kubelet",
        ),
        pytest.param(
            make_facts(node=ABSENT),
            Cause.CONTROL_PLANE,
            "the pod is bound to node n1, which does not exist",
            "",
            id="no such node",
        ),
        pytest.param(
            make_facts(make_pod(node=""), node=None, scheduling=make_scheduling(lease=make_lease(STALE))),
            Cause.CONTROL_PLANE,
            "no scheduler is at work: kube-scheduler has not renewed its lease for 120 s",
            "sampan why",
            id="no scheduler",
        ),
        pytest.param(
            make_facts(make_pod(node="", schedulerName="mine"), node=None, scheduling=make_scheduling()),
            Cause.CONTROL_PLANE,
            'the pod waits for a scheduler called "mine", which has not looked at it',
            "",
            id="another scheduler",
        ),
        pytest.param(
            make_facts(make_pod(node="", schedulingGates=[{"name": "wait"}]), node=None),
            Cause.SCHEDULING,
            "the pod is held back by scheduling gate wait",
            'kubectl patch pod/cart --type=merge -p \'{"spec":{"schedulingGates":null}}\' -n shop',
            id="a gate",
        ),
        pytest.param(
            make_facts(
                make_pod(node="", resourceClaims=[{"name": "gpu", "resourceClaimTemplateName": "gpus"}]),
                node=None,
            ),
            Cause.SCHEDULING,
            "the pod is held back until its claims of devices are there: gpu from template gpus",
            "kubectl get resourceclaims,resourceclaimtemplates -n shop",
            id="no claim of devices",
        ),
    ],
)
def test_a_disaster_has_a_headline_and_a_command(
    facts: PodFacts, cause: Cause, headline: str, command: str
) -> None:
    found = why_pod(facts)[0]
    assert (found.cause, found.headline) == (cause, headline)
    assert (found.fix.command if found.fix else "") == command


@pytest.mark.parametrize(
    ("claim", "held_back_until"),
    [
        pytest.param({"metadata": {"name": "gpu-1"}}, "", id="it is there"),
        pytest.param(ABSENT, "gpu-1", id="it is not"),
        pytest.param({"metadata": {"deletionTimestamp": FRESH}}, "gpu-1", id="not for long"),
        pytest.param(None, "", id="nobody knows"),
    ],
)
def test_a_pod_is_held_back_by_a_claim_of_devices_that_is_not_there(
    claim: Object | None, held_back_until: str
) -> None:
    pod = make_pod(node="", resourceClaims=[{"name": "gpu", "resourceClaimName": "gpu-1"}])
    found = devices(make_facts(pod, node=None, scheduling=make_scheduling(device_claims={"gpu-1": claim})))
    assert (found.headline.rpartition(": ")[2] if found else "") == held_back_until


@pytest.mark.parametrize(
    "pod",
    [
        pytest.param(make_pod(conditions=[READY]), id="ready"),
        pytest.param(make_pod(status={"phase": "Succeeded"}), id="done"),
    ],
)
def test_a_pod_that_is_well_has_nothing(pod: Object) -> None:
    assert why_pod(make_facts(pod)) == []


def test_a_ready_pod_on_a_silent_node_is_not_believed() -> None:
    facts = make_facts(make_pod(conditions=[READY]), node_lease=make_lease(STALE, name="n1"))
    assert why_pod(facts)[0].cause is Cause.CONTROL_PLANE


def test_what_deleted_a_config_map_is_evidence() -> None:
    gone = {"user": "jane", "time": "2026-01-01T11:00:00Z", "revision": 99}
    facts = of_status(
        make_status(**waiting("CreateContainerConfigError", 'configmap "conf" not found')),
        references=[Reference("ConfigMap", "conf", deletion=gone)],
    )
    told = [str(each) for each in why_pod(facts)[0].evidence]
    assert "configmap/conf deleted: by jane at 2026-01-01T11:00:00Z (revision 99)" in told


def test_evidence_names_object_field_and_revision() -> None:
    steps = [make_step("image", error="manifest unknown", container="web", count=3)]
    found: Diagnosis = why_pod(of_status(make_status(**PULL), record=record(steps=steps)))[0]
    assert [str(each) for each in found.evidence] == [
        "pod/cart status.containerStatuses[web].state.waiting: ErrImagePull: manifest unknown (revision 7)",
        "kubelet/n1 step image: failed 3 times: manifest unknown",
    ]
    assert found.to_object()["evidence"][0]["revision"] == "7"
