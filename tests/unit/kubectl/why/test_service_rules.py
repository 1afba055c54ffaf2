"""Why a Service can't be reached, and how that looks to those who wait for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from apimachinery.objects import Object
from kubectl.why.diagnosis import Cause, Diagnosis, Fix
from kubectl.why.facts import Backend, ServiceFacts
from kubectl.why.rules.dependencies import service_name
from kubectl.why.rules.pods import pod as why_pod
from kubectl.why.rules.services import service as why_service
from tests.unit.kubectl.why.builders import (
    NOW,
    ended,
    listener,
    make_container,
    make_facts,
    make_pod,
    make_status,
)

READY = {"type": "Ready", "status": "True"}


def make_service(name: str = "db", *, port: Object | None = None, **spec: Any) -> Object:
    ports = [port or {"port": 80, "targetPort": 8080}]
    return {
        "metadata": {"name": name, "namespace": "shop", "resourceVersion": "4"},
        "spec": {"selector": {"app": "db"}, "clusterIP": "10.96.0.7", "ports": ports, **spec},
    }


def make_slice(revision: str = "20") -> Object:
    return {
        "metadata": {"name": "db-1", "resourceVersion": revision},
        "endpoints": [{"addresses": ["10.0.0.1"]}],
    }


def named_pod(name: str, **labels: str) -> Object:
    return make_pod(metadata={"name": name, "labels": labels})


def backend(
    *listeners: Object, ready: bool = True, ports: Sequence[Object] = (), known: bool = True
) -> Backend:
    pod = make_pod(make_container(ports=list(ports)), conditions=[READY] if ready else [])
    return Backend(pod, list(listeners) if known else None)


def facts(service: Object | None = None, **parts: Any) -> ServiceFacts:
    defaults: dict[str, Any] = {"now": NOW, "backends": [backend(listener(8080))], "slices": [make_slice()]}
    return ServiceFacts(service=service or make_service(), **(defaults | parts))


NO_IMAGE = Diagnosis(cause=Cause.IMAGE, headline="no image", fix=Fix("pull", "pull it"))
NAMED = {"port": 80, "targetPort": "http"}


@pytest.mark.parametrize(
    ("facts", "cause", "headline", "command"),
    [
        pytest.param(
            facts(backends=[], others=[named_pod("a", app="database"), named_pod("b", tier="db")]),
            Cause.NETWORK,
            'Service "db" selects no pod (app=db); pod a is labelled app=database',
            'kubectl patch service/db -p \'{"spec":{"selector":{"app":"database"}}}\' -n shop',
            id="a label that is nearly right",
        ),
        pytest.param(
            facts(backends=[], others=[named_pod("a", app="web")]),
            Cause.NETWORK,
            'Service "db" selects no pod (app=db)',
            "",
            id="nothing like it",
        ),
        pytest.param(
            facts(make_service(selector=None), backends=[], slices=[]),
            Cause.NETWORK,
            'Service "db" has neither a selector nor an EndpointSlice: it leads nowhere',
            "",
            id="no selector, no slice",
        ),
        pytest.param(
            facts(backends=[backend(ready=False)]),
            Cause.NETWORK,
            'Service "db" has no endpoint that is ready: pod cart is not',
            "sampan why pod/cart -n shop",
            id="a pod that is not ready",
        ),
        pytest.param(
            facts(backends=[backend(ready=False)] * 2, because=NO_IMAGE),
            Cause.NETWORK,
            'Service "db" has no endpoint that is ready: none of its 2 pods is, cart for one: no image',
            "pull it",
            id="pods that are not ready, and why",
        ),
        pytest.param(
            facts(
                make_service(port=NAMED), backends=[backend(ports=[{"name": "web", "containerPort": 8080}])]
            ),
            Cause.NETWORK,
            'Service "db" leads to port "http", which pod cart does not have: it has web',
            'kubectl patch service/db -p \'{"spec":{"ports":[{"port":80,"protocol":"TCP",'
            '"targetPort":"web"}]}}\' -n shop',
            id="a port name that the pod has not",
        ),
        pytest.param(
            facts(backends=[backend(listener(9090))]),
            Cause.NETWORK,
            'Service "db" leads from port 80 to nobody: nothing listens on port 8080, only on 9090 in pod '
            "cart",
            'kubectl patch service/db -p \'{"spec":{"ports":[{"port":80,"protocol":"TCP",'
            '"targetPort":9090}]}}\' -n shop',
            id="another port",
        ),
        pytest.param(
            facts(backends=[backend(listener(8080, "127.0.0.1"))]),
            Cause.NETWORK,
            'Service "db" leads from port 80 to nobody: port 8080 is open on the loopback address only in '
            "pod cart",
            "",
            id="loopback only",
        ),
        pytest.param(
            facts(programmed={"n1": [{"time": "t", "endpointSlices": {"db-1": "19"}}]}),
            Cause.CONTROL_PLANE,
            'the rules of Service "db" are not up to date on node n1',
            "sampan why",
            id="a proxy that is behind",
        ),
        pytest.param(
            facts(programmed={"n1": None}),
            Cause.CONTROL_PLANE,
            'kube-proxy of node n1 does not answer: there the rules of Service "db" stay as they were, if '
            "there are any",
            "sampan why",
            id="a proxy that is down",
        ),
        pytest.param(
            facts(make_service(type="LoadBalancer")),
            Cause.NETWORK,
            'Service "db" of type LoadBalancer has got no address from outside',
            "",
            id="no address",
        ),
    ],
)
def test_the_first_thing_wrong_on_the_way(
    facts: ServiceFacts, cause: Cause, headline: str, command: str
) -> None:
    (found,) = why_service(facts)
    assert (found.cause, found.headline, found.fix.command if found.fix else "") == (cause, headline, command)


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(facts(), id="a pod that listens"),
        pytest.param(facts(backends=[backend(known=False)]), id="a pod of which nothing is known"),
        pytest.param(facts(make_service(type="ExternalName"), backends=[]), id="another name"),
        pytest.param(facts(programmed={"n1": [{"time": "t", "endpointSlices": {"db-1": "20"}}]}), id="rules"),
        pytest.param(facts(make_service(clusterIP="None"), programmed={"n1": None}), id="headless"),
    ],
)
def test_a_service_that_is_well(facts: ServiceFacts) -> None:
    assert why_service(facts) == []


WAITING = make_status("wait", state={"running": {"startedAt": "2026-01-01T11:59:00Z"}})
NO_PODS = facts(backends=[], others=[named_pod("a", app="database")])
SELECTS_NONE = "which selects no pod (app=db); pod a is labelled app=database"


def waiting_pod(script: str, **env: str) -> Object:
    variables = [{"name": name, "value": value} for name, value in env.items()]
    init = make_container("wait", command=["sh", "-c", script], env=variables)
    return make_pod(
        initContainers=[init],
        status={"initContainerStatuses": [WAITING], "containerStatuses": [make_status()]},
    )


@pytest.mark.parametrize(
    ("pod", "log", "headline"),
    [
        pytest.param(
            waiting_pod("until nc -z db 5432; do sleep 1; done"),
            "",
            f'init container "wait" waits for Service "db", {SELECTS_NONE}',
            id="named in the command",
        ),
        pytest.param(
            waiting_pod("until nc -z $HOST; do sleep 1; done", HOST="db.shop.svc:5432"),
            "",
            f'init container "wait" waits for Service "db", {SELECTS_NONE}',
            id="named in the environment",
        ),
        pytest.param(
            waiting_pod("until nc -z $DB_SERVICE_HOST 5432; do sleep 1; done"),
            "",
            f'init container "wait" waits for Service "db", {SELECTS_NONE}',
            id="by the variable of the Service",
        ),
        pytest.param(
            waiting_pod("/wait"),
            "dial tcp 10.96.0.7:5432: connection refused",
            f'init container "wait" waits for Service "db", {SELECTS_NONE}',
            id="by its address in the log",
        ),
        pytest.param(
            waiting_pod("/wait"),
            "nc: bad address 'mysql'",
            'init container "wait" needs "mysql", which is no Service of namespace "shop"',
            id="no such Service",
        ),
        pytest.param(
            waiting_pod("/wait"),
            "still migrating\n",
            'init container "wait" has been running for 60 s, and the others wait for it, its last words: '
            '"still migrating"',
            id="for itself",
        ),
    ],
)
def test_an_init_container_waits_for_a_service(pod: Object, log: str, headline: str) -> None:
    found = why_pod(make_facts(pod, services={"db": NO_PODS}, logs={"wait": log}))[0]
    assert (found.cause, found.headline) == (Cause.DEPENDENCY, headline)


def test_a_program_that_ended_as_its_database_refused_it() -> None:
    pod = make_pod(statuses=[make_status(**ended(1))])
    log = "could not connect to db:5432: connection refused"
    found = why_pod(make_facts(pod, services={"db": NO_PODS}, logs={"web": log}))[0]
    assert found.headline == f'container "web" waits for Service "db", {SELECTS_NONE}'


def test_a_name_that_is_there_and_does_not_resolve_is_dns() -> None:
    found = why_pod(
        make_facts(waiting_pod("/wait"), services={"db": facts()}, logs={"wait": "nc: bad address 'db'"})
    )[0]
    assert (found.cause, found.fix.command if found.fix else "") == (Cause.NETWORK, "sampan doctor dns")


def test_nobody_waits_for_the_service_that_it_is_itself() -> None:
    pod = waiting_pod("serve db")
    own = facts(backends=[Backend(pod)])
    found = why_pod(make_facts(pod, services={"db": own}, logs={"wait": "working"}))[0]
    assert "has been running" in found.headline


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param("db", "db", id="short"),
        pytest.param("db.shop", "db", id="with its namespace"),
        pytest.param("db.shop.svc.cluster.local.", "db", id="in full"),
        pytest.param("db.other.svc", "", id="of another namespace"),
        pytest.param("www.example.com", "", id="of the world"),
    ],
)
def test_which_host_is_a_service(host: str, expected: str) -> None:
    assert service_name(host, "shop") == expected
