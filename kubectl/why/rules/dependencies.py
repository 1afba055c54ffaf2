"""The pod waits for others: a Service that can't be reached, an init container that isn't done."""

from __future__ import annotations

import re
from collections.abc import Iterator

from apimachinery.objects import get_path
from kubectl.why import fixes
from kubectl.why.containers import Container, troubled
from kubectl.why.diagnosis import Cause, Confidence, Diagnosis, Evidence, Fix, seen
from kubectl.why.facts import PodFacts, ServiceFacts, seconds_since
from kubectl.why.rules.application import last_words
from kubectl.why.rules.services import service as why_service

_WORD = re.compile(r"[A-Za-z0-9][-A-Za-z0-9.]*")
_VARIABLE = re.compile(r"\b([A-Z][A-Z0-9_]*)_SERVICE_(?:HOST|PORT)\b")
_UNKNOWN_HOST = re.compile(
    r"(?:bad address|can't resolve|could not translate host name|[Cc]ould not resolve host:?|lookup|ENOTFOUND"
    r"|unknown host:?|[Nn]ame or service not known:?) ['\"]?([a-z0-9][-a-z0-9.]*)"
)
_UNREACHED = re.compile(
    r"refused|unreachable|timed out|time-?out|no route|reset by peer|resolve|bad address", re.I
)
PATIENCE = 10.0
"""Seconds that an init container may take before it is worth a word."""


def dependencies(facts: PodFacts) -> Diagnosis | None:
    for container in troubled(facts.pod):
        log = facts.logs.get(container.name, "")
        if not _waits(container, log):
            continue
        for each in _mentioned(facts, container, log):
            if found := why_service(each):
                return _on_service(facts, container, each, found[0])
        if (unknown := _UNKNOWN_HOST.search(log)) and facts.services is not None:
            name = service_name(unknown[1], facts.namespace)
            if name in facts.services:
                return _unresolved(facts, container, name, unknown[0])
            if name:
                return _on_nothing(facts, container, name, unknown[0])
        if container.is_init and container.running:
            return _still_running(facts, container, log)
    return None


def _waits(container: Container, log: str) -> bool:
    """An init container that runs, or a program that ended as it could not reach something."""
    return bool(container.is_init and container.running) or bool(_UNREACHED.search(log))


def _mentioned(facts: PodFacts, container: Container, log: str) -> Iterator[ServiceFacts]:
    """Services that the container names, by name or address; the log's are the likeliest."""
    spec = container.spec
    settings = [str(each.get("value") or "") for each in spec.get("env") or ()]
    texts = [*reversed(log.splitlines()), *(spec.get("command") or ()), *(spec.get("args") or ()), *settings]
    services = facts.services or {}
    by_address = {get_path(each.service, "spec.clusterIP"): each for each in services.values()}
    for word in dict.fromkeys(word for text in texts for word in _words(text)):
        found = services.get(service_name(word, facts.namespace)) or by_address.get(word)
        if found and all(each.pod is not facts.pod for each in found.backends):
            yield found


def _words(text: str) -> Iterator[str]:
    """What may be a host, and the Services whose variables are used: DB_SERVICE_HOST."""
    yield from (found.lower().replace("_", "-") for found in _VARIABLE.findall(text))
    yield from _WORD.findall(text)


def service_name(host: str, namespace: str) -> str:
    """`db` of `db`, `db.shop`, `db.shop.svc.cluster.local` in namespace shop; nothing of any other name."""
    name, *rest = host.strip(".").split(".")
    inside = not rest or (rest[0] == namespace and rest[1:2] in ([], ["svc"]))
    return name if inside else ""


def _on_service(facts: PodFacts, container: Container, service: ServiceFacts, why: Diagnosis) -> Diagnosis:
    name = service.service["metadata"]["name"]
    rest = why.headline.removeprefix(f'Service "{name}" ')
    joined = f"which {rest}" if rest != why.headline else f"but {rest}"
    return Diagnosis(
        cause=Cause.DEPENDENCY,
        headline=f'{container.label} waits for Service "{name}", {joined}',
        confidence=Confidence.LIKELY,
        evidence=(*_log(facts, container), *why.evidence),
        fix=why.fix,
    )


def _on_nothing(facts: PodFacts, container: Container, host: str, said: str) -> Diagnosis:
    return Diagnosis(
        cause=Cause.DEPENDENCY,
        headline=f'{container.label} needs "{host}", which is no Service of namespace "{facts.namespace}"',
        confidence=Confidence.LIKELY,
        evidence=(
            Evidence(f"pod/{facts.name}", f"log of {container.name}", said),
            Evidence("services", "metadata.name", ", ".join(sorted(facts.services or ())) or "none"),
        ),
        fix=Fix(
            "create the Service, or name the one that is meant",
            fixes.command("create service clusterip", facts.namespace, host, "--tcp=PORT"),
        ),
    )


def _unresolved(facts: PodFacts, container: Container, name: str, said: str) -> Diagnosis:
    """The Service is there and well, its name is not known: that is the cluster's DNS."""
    return Diagnosis(
        cause=Cause.NETWORK,
        headline=f'{container.label} cannot resolve "{name}", which is a Service: DNS is broken',
        confidence=Confidence.LIKELY,
        evidence=(Evidence(f"pod/{facts.name}", f"log of {container.name}", said),),
        fix=Fix("walk the way of the name", "sampan doctor dns"),
    )


def _still_running(facts: PodFacts, container: Container, log: str) -> Diagnosis | None:
    seconds = seconds_since(container.running.get("startedAt"), facts.now) or 0.0
    if seconds < PATIENCE:
        return None
    words = last_words(log)
    said = f', its last words: "{words}"' if words else ""
    return Diagnosis(
        cause=Cause.DEPENDENCY,
        headline=f"{container.label} has been running for {seconds:.0f} s, and the others wait for it{said}",
        confidence=Confidence.LIKELY,
        evidence=(
            seen("pod", facts.pod, f"{container.field}.state.running", container.running),
            *_log(facts, container),
        ),
        fix=Fix(
            "see what it waits for", fixes.command("logs", facts.namespace, facts.name, "-c", container.name)
        ),
    )


def _log(facts: PodFacts, container: Container) -> tuple[Evidence, ...]:
    words = last_words(facts.logs.get(container.name, ""))
    return (Evidence(f"pod/{facts.name}", f"log of {container.name}", words),) if words else ()
