"""The set-up is right as far as can be seen: the program ends by itself, and its last words say why."""

from __future__ import annotations

from kubectl.why import fixes
from kubectl.why.containers import Container, troubled
from kubectl.why.diagnosis import Cause, Confidence, Diagnosis, Evidence, Fix, seen
from kubectl.why.facts import PodFacts
from kubectl.why.rules.resources import lifetime

_MAX_LINE = 160


def application(facts: PodFacts) -> Diagnosis | None:
    for container in troubled(facts.pod):
        if container.ended and not container.running:
            return _ends(facts, container)
    return None


def _ends(facts: PodFacts, container: Container) -> Diagnosis:
    code = container.ended.get("exitCode")
    words = last_words(facts.logs.get(container.name, ""))
    said = f', its last words: "{words}"' if words else ", without a word"
    shown = [
        seen("pod", facts.pod, container.ended_field, f"exit code {code}, restarts {container.restarts}")
    ]
    if words:
        shown.append(Evidence(f"pod/{facts.name}", f"log of {container.name}", words))
    return Diagnosis(
        cause=Cause.APPLICATION,
        headline=f"{container.label} ends by itself with code {code} {lifetime(container)} after it started"
        + said,
        confidence=Confidence.LIKELY,
        evidence=tuple(shown),
        fix=_fix(facts, container, code),
    )


def _fix(facts: PodFacts, container: Container, code: int | None) -> Fix:
    if code == 0:
        return Fix("a container is expected to run on: make it one that does, or run it as a Job")
    words = ("-c", container.name, *(["--previous"] if container.restarts else []))
    return Fix("read its log", fixes.command("logs", facts.namespace, facts.name, *words))


def last_words(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return lines[-1][:_MAX_LINE] if lines else ""
