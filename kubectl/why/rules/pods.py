"""Why a pod does not run: every rule about pods, and when nothing is wrong."""

from __future__ import annotations

from collections.abc import Callable

from apimachinery.objects import Object, is_terminating
from apimachinery.pods import is_ready, phase_of
from kubectl.why.diagnosis import Cause, Diagnosis, ranked
from kubectl.why.facts import PodFacts
from kubectl.why.rules.application import application
from kubectl.why.rules.command import command
from kubectl.why.rules.config import config
from kubectl.why.rules.daemons import kubelet, scheduler
from kubectl.why.rules.dependencies import dependencies
from kubectl.why.rules.devices import devices
from kubectl.why.rules.ending import ending
from kubectl.why.rules.image import image
from kubectl.why.rules.network import sandbox
from kubectl.why.rules.probes import probes
from kubectl.why.rules.resources import evicted, killed
from kubectl.why.rules.scheduling import gates, scheduling
from kubectl.why.rules.security import non_root, refused
from kubectl.why.rules.starting import starting
from kubectl.why.rules.volumes import claims, volumes

Rule = Callable[[PodFacts], Diagnosis | None]

RULES: tuple[Rule, ...] = (
    scheduler, kubelet, ending, gates, devices, scheduling, evicted, claims, volumes, sandbox, image, config,
    non_root, command, killed, probes, dependencies, refused,
)  # fmt: skip
FALLBACKS: tuple[Rule, ...] = (application, starting)
"""For when nothing better is known."""


def is_healthy(pod: Object) -> bool:
    return not is_terminating(pod) and (is_ready(pod) or phase_of(pod) == "Succeeded")


def pod(facts: PodFacts) -> list[Diagnosis]:
    """The best answer first; nothing if the pod is well."""
    if is_healthy(facts.pod):
        return ranked([kubelet(facts)])
    found = ranked(rule(facts) for rule in RULES)
    if found:
        return found
    return [next(filter(None, (rule(facts) for rule in FALLBACKS)), _unknown(facts))]


def _unknown(facts: PodFacts) -> Diagnosis:
    return Diagnosis(
        cause=Cause.STARTING, headline=f"the pod is {phase_of(facts.pod) or 'new'}, and nothing tells why"
    )
