"""A probe says no: what it asked, what it heard, and what listens there instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from apimachinery.objects import Object
from kubectl.why import fixes
from kubectl.why.containers import Container, troubled
from kubectl.why.diagnosis import Cause, Confidence, Diagnosis, Evidence, Fix, seen
from kubectl.why.facts import PodFacts
from kubectl.why.listening import reachable_ports, what_listens
from kubectl.why.records import event_evidence, last_event, node_name

FIELDS = {"Startup": "startupProbe", "Liveness": "livenessProbe", "Readiness": "readinessProbe"}
_TOLD = re.compile(r"(Startup|Liveness|Readiness) probe (?:failed|errored)[^:]*: ?(.*)", re.S)
_SHOWN_RESULTS = 3


@dataclass(frozen=True, slots=True)
class Failing:
    """A probe that failed when it was last tried."""

    kind: str
    said: str
    evidence: tuple[Evidence, ...]
    confidence: Confidence

    @property
    def field(self) -> str:
        return FIELDS[self.kind]


def probes(facts: PodFacts) -> Diagnosis | None:
    for container in troubled(facts.pod):
        found = _recorded(facts, container) if facts.record else _told(facts, container)
        if found and _is_to_blame(container, found):
            return _diagnosis(facts, container, found)
    return None


def _is_to_blame(container: Container, failing: Failing) -> bool:
    """A program that ends by itself fails its probes, too: then they are not the reason."""
    by_itself = not container.running and container.ended.get("exitCode") not in (137, 143)
    return not (by_itself and failing.kind == "Readiness")


def _recorded(facts: PodFacts, container: Container) -> Failing | None:
    """From the kubelet's last results."""
    assert facts.record is not None
    known = {each["probe"]: each for each in facts.record.probes if each["container"] == container.name}
    for kind in FIELDS:
        probe = known.get(kind)
        if probe and probe["healthy"] is not True and probe["last"] and _failed(probe["last"][-1]):
            shown = tuple(_results(facts, kind, probe))
            return Failing(kind, probe["last"][-1]["message"], shown, Confidence.CERTAIN)
    return None


def _failed(result: Object) -> bool:
    return result["outcome"] in ("failure", "unknown")


def _results(facts: PodFacts, kind: str, probe: Object) -> Iterator[Evidence]:
    where = f"kubelet/{node_name(facts)}"
    yield Evidence(where, f"{kind} probe", f"{probe['failures']} of {probe['attempts']} attempts failed")
    for each in probe["last"][-_SHOWN_RESULTS:]:
        said = each["message"].strip().splitlines()[:1]
        told = f"{each['outcome']} after {each['milliseconds']:.1f} ms{': ' + said[0] if said else ''}"
        yield Evidence(where, f"{kind} probe at {each['time']}", told)


def _told(facts: PodFacts, container: Container) -> Failing | None:
    """From the Events."""
    event = last_event(facts, "Unhealthy")
    found = _TOLD.match(event.get("message") or "") if event else None
    if event is None or found is None or not container.spec.get(FIELDS[found[1]]):
        return None
    return Failing(found[1], found[2].strip(), (event_evidence(facts, event),), Confidence.LIKELY)


def _diagnosis(facts: PodFacts, container: Container, failing: Failing) -> Diagnosis:
    probe = container.spec[failing.field]
    port = port_of(probe, container)
    listening = (
        what_listens(facts.record.listeners, port) if facts.record and port and container.running else ""
    )
    effect = "is not ready" if failing.kind == "Readiness" else "is killed and started again"
    said = failing.said.strip().splitlines()[0] if failing.said.strip() else "no"
    return Diagnosis(
        cause=Cause.PROBE,
        headline=f"{container.label} {effect}: {failing.kind.lower()} probe {target(probe)} hears "
        + (listening or f'"{said}"'),
        confidence=failing.confidence,
        evidence=(
            *failing.evidence,
            seen("pod", facts.pod, f"spec.containers[{container.name}].{failing.field}", numbers(probe)),
        ),
        fix=_fix(facts, container, failing, port),
    )


def target(probe: Object) -> str:
    """`http :8080/healthz`, `tcp :5432`, `exec cat /tmp/ok`."""
    if "httpGet" in probe:
        action = probe["httpGet"]
        return f"{(action.get('scheme') or 'http').lower()} :{action['port']}{action.get('path') or '/'}"
    if "tcpSocket" in probe:
        return f"tcp :{probe['tcpSocket']['port']}"
    if "grpc" in probe:
        return f"grpc :{probe['grpc']['port']}"
    return f"exec {' '.join((probe.get('exec') or {}).get('command') or ())}"


def port_of(probe: Object, container: Container) -> int:
    """0 for a command, or a name that the container has no port of."""
    action = probe.get("httpGet") or probe.get("tcpSocket") or probe.get("grpc") or {}
    port = action.get("port") or 0
    if isinstance(port, int):
        return port
    named = (each for each in container.spec.get("ports") or () if each.get("name") == port)
    return int(next((each["containerPort"] for each in named), 0))


def numbers(probe: Object) -> str:
    """When it begins to hurt."""
    delay, period = probe.get("initialDelaySeconds") or 0, probe.get("periodSeconds") or 10
    threshold = probe.get("failureThreshold") or 3
    return f"{target(probe)}, gives up {delay + period * (threshold - 1)} s after the start at the earliest"


def _fix(facts: PodFacts, container: Container, failing: Failing, port: int) -> Fix:
    probe = container.spec[failing.field]
    action = next((each for each in ("httpGet", "tcpSocket", "grpc") if each in probe), "")
    ports = reachable_ports(facts.record.listeners) if facts.record else []
    if action and port not in ports and len(ports) == 1:
        change = {failing.field: {action: {"port": ports[0]}}}
        return fixes.patch_container(facts, container, f"probe port {ports[0]}, where it listens", change)
    if failing.kind == "Liveness" and "startupProbe" not in container.spec and container.restarts:
        handler = {key: probe[key] for key in ("httpGet", "tcpSocket", "grpc", "exec") if key in probe}
        startup = {**handler, "periodSeconds": 5, "failureThreshold": 60}
        return fixes.patch_container(
            facts, container, "give it five minutes to start", {"startupProbe": startup}
        )
    return Fix(
        "make it answer, or correct the probe",
        fixes.command("logs", facts.namespace, facts.name, "-c", container.name),
    )
