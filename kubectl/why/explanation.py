"""The answer about one object, as text for people and as JSON for machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from apimachinery.objects import Object
from kubectl.why.diagnosis import Diagnosis

API_VERSION, KIND = "why.sampan.io/v1", "ExplanationList"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What was asked about, and what is wrong with it: nothing, or the best answer first."""

    subject: str
    """pod/web, cluster, a file."""
    namespace: str = ""
    summary: str = ""
    """How it is when nothing is wrong."""
    findings: Sequence[Diagnosis] = ()
    unknown: Sequence[str] = ()

    @property
    def is_healthy(self) -> bool:
        return not self.findings

    def to_object(self) -> Object:
        return {
            "subject": self.subject,
            "namespace": self.namespace,
            "healthy": self.is_healthy,
            "summary": self.summary,
            "findings": [each.to_object() for each in self.findings],
            "unknown": list(self.unknown),
        }


def to_list(explanations: Sequence[Explanation]) -> Object:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "healthy": all(each.is_healthy for each in explanations),
        "items": [each.to_object() for each in explanations],
    }


def render(explanation: Explanation) -> str:
    """The headline first; then what it is based on, and what to do."""
    if explanation.is_healthy:
        return f"{explanation.subject} is well: {explanation.summary}\n"
    blocks = [_block(explanation.subject, each) for each in explanation.findings]
    lines = "\n".join("".join(f"{_printable(line)}\n" for line in block) for block in blocks)
    return lines + "".join(f"  not known   {each}\n" for each in explanation.unknown)


def _printable(line: str) -> str:
    """What containers and engines say must not command the terminal."""
    return "".join(each if each.isprintable() else " " for each in line)


def _block(subject: str, found: Diagnosis) -> Iterator[str]:
    yield f"{found.subject or subject}: {found.headline}"
    yield f"  cause       {found.cause.value} ({found.confidence.value})"
    for index, each in enumerate(found.evidence):
        yield f"  {'evidence' if index == 0 else '':<10}  {each}"
    if found.fix:
        yield f"  fix         {found.fix.what}"
        if found.fix.command:
            yield f"              $ {found.fix.command}"
