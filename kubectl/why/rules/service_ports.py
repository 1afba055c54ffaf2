"""A Service that leads to a port which its pods do not have, or on which nothing listens."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from apimachinery.objects import Object, get_path, name_of, namespace_of
from apimachinery.pods import is_ready
from kubectl.why import fixes
from kubectl.why.diagnosis import Cause, Diagnosis, Evidence, Fix, seen
from kubectl.why.facts import Backend, ServiceFacts
from kubectl.why.listening import reachable_ports, what_listens


def names_no_port(facts: ServiceFacts) -> Diagnosis | None:
    """A targetPort by name that no container of a pod has."""
    for port in get_path(facts.service, "spec.ports") or ():
        target = port.get("targetPort")
        for backend in facts.backends if isinstance(target, str) and not target.isdigit() else ():
            named = list(_port_names(backend.pod))
            if target not in named:
                return _no_such_port(facts, port, backend, named)
    return None


def _port_names(pod: Object) -> Iterator[str]:
    for container in pod["spec"].get("containers") or ():
        yield from (each["name"] for each in container.get("ports") or () if each.get("name"))


def _no_such_port(facts: ServiceFacts, port: Object, backend: Backend, named: Sequence[str]) -> Diagnosis:
    has = f"has {', '.join(named)}" if named else "names none"
    return Diagnosis(
        cause=Cause.NETWORK,
        headline=f'Service "{name_of(facts.service)}" leads to port "{port["targetPort"]}", '
        f"which pod {name_of(backend.pod)} does not have: it {has}",
        evidence=(
            seen("service", facts.service, f"spec.ports[{port['port']}].targetPort", port["targetPort"]),
            seen("pod", backend.pod, "spec.containers[*].ports[*].name", ", ".join(named) or "none"),
        ),
        fix=_retarget(facts, port, named[0]) if len(named) == 1 else Fix("name a port that the pods have"),
    )


def leads_to_nobody(facts: ServiceFacts) -> Diagnosis | None:
    """The pods are ready, and nothing listens where the Service leads."""
    for port in get_path(facts.service, "spec.ports") or ():
        for backend in facts.backends:
            number = target_port(port, backend.pod)
            if backend.listeners is None or not is_ready(backend.pod) or not number:
                continue
            if wrong := what_listens(backend.listeners, number, port.get("protocol") or "TCP"):
                return _nobody(facts, port, backend, wrong)
    return None


def target_port(port: Object, pod: Object) -> int:
    target = port.get("targetPort") or port["port"]
    if isinstance(target, int) or str(target).isdigit():
        return int(target)
    containers = pod["spec"].get("containers") or ()
    named = (p for c in containers for p in c.get("ports") or () if p.get("name") == target)
    return int(next((each["containerPort"] for each in named), 0))


def _nobody(facts: ServiceFacts, port: Object, backend: Backend, wrong: str) -> Diagnosis:
    protocol = port.get("protocol") or "TCP"
    ports = reachable_ports(backend.listeners or (), protocol)
    heard = ", ".join(
        f"{e['address']}:{e['port']}" for e in backend.listeners or () if e["protocol"] == protocol
    )
    node = backend.pod["spec"].get("nodeName", "")
    return Diagnosis(
        cause=Cause.NETWORK,
        headline=f'Service "{name_of(facts.service)}" leads from port {port["port"]} to {wrong} '
        f"in pod {name_of(backend.pod)}",
        evidence=(
            seen("service", facts.service, f"spec.ports[{port['port']}].targetPort", port.get("targetPort")),
            Evidence(f"kubelet/{node}", f"pod {name_of(backend.pod)} listens on", heard or "nothing"),
        ),
        fix=_retarget(facts, port, ports[0])
        if len(ports) == 1
        else Fix("let the program listen there on all addresses, or set targetPort to where it does"),
    )


def _retarget(facts: ServiceFacts, port: Object, target: int | str) -> Fix:
    change = {"port": port["port"], "protocol": port.get("protocol") or "TCP", "targetPort": target}
    patch = json.dumps({"spec": {"ports": [change]}}, separators=(",", ":"))
    name = f"service/{name_of(facts.service)}"
    return Fix(
        f"lead to port {target}", fixes.command("patch", namespace_of(facts.service), name, "-p", patch)
    )
