"""A Diagnosis: one headline, what it is based on, and the command that mends it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from apimachinery.objects import Object, name_of, resource_version_of


class Cause(StrEnum):
    """The ten classic reasons that a pod does not run, and a few that nobody suspects."""

    CONTROL_PLANE = "control-plane"
    ENDING = "ending"
    SCHEDULING = "scheduling"
    IMAGE = "image"
    RESOURCES = "resources"
    CONFIG = "config"
    VOLUME = "volume"
    SECURITY = "security"
    SPEC = "spec"
    NETWORK = "network"
    DEPENDENCY = "dependency"
    PROBE = "probe"
    APPLICATION = "application"
    """The program itself ends; its last words are all there is."""
    STARTING = "starting"
    """Nothing is wrong yet."""


class Confidence(StrEnum):
    CERTAIN = "certain"
    """A daemon said so as data: its journal, a status, a condition."""
    LIKELY = "likely"
    """Read from symptoms."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen where."""

    object: str
    field: str
    value: str
    revision: str = ""
    """The resourceVersion of the object that showed it."""

    def __str__(self) -> str:
        at = f" (revision {self.revision})" if self.revision else ""
        return f"{self.object} {self.field}: {self.value}{at}"


@dataclass(frozen=True, slots=True)
class Fix:
    """What to do. Without a command it is for a human to decide how."""

    what: str
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    cause: Cause
    headline: str
    evidence: tuple[Evidence, ...] = ()
    fix: Fix | None = None
    confidence: Confidence = Confidence.CERTAIN
    subject: str = ""
    """Which object suffers, where it is not the one that was asked about."""

    def to_object(self) -> Object:
        return {
            "cause": self.cause.value,
            "confidence": self.confidence.value,
            "headline": self.headline,
            "subject": self.subject,
            "evidence": [
                {"object": e.object, "field": e.field, "value": e.value, "revision": e.revision}
                for e in self.evidence
            ],
            "fix": {"what": self.fix.what, "command": self.fix.command} if self.fix else None,
        }


_ORDER = {cause: place for place, cause in enumerate(Cause)}


def ranked(found: Iterable[Diagnosis | None]) -> list[Diagnosis]:
    """The best first: what is certain before what is likely, causes before what follows from them."""
    there = [each for each in found if each is not None]
    return sorted(there, key=lambda each: (each.confidence is not Confidence.CERTAIN, _ORDER[each.cause]))


def seen(kind: str, obj: Object, field: str, value: object) -> Evidence:
    """A field of an object."""
    return Evidence(f"{kind}/{name_of(obj)}", field, str(value), resource_version_of(obj))
