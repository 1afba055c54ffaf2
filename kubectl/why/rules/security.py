"""What the pod may not do: run as root, write where it is read-only, ask what its account may not."""

from __future__ import annotations

import re

from kubectl.why import fixes
from kubectl.why.containers import Container, troubled
from kubectl.why.diagnosis import Cause, Confidence, Diagnosis, Evidence, Fix, seen
from kubectl.why.facts import PodFacts

_AS_ROOT = "container has runAsNonRoot and image will run as root"
_NAMED = re.compile(r"image has non-numeric user \((.+?)\)")
_ZERO = "runAsUser breaks non-root policy"
_FORBIDDEN = re.compile(r'User "(system:serviceaccount:[^"]+)" cannot (\S+) (?:resource|path) "([^"]+)"')
_READ_ONLY = re.compile(r".*read-only file system.*", re.I)
_DENIED = re.compile(r".*(?:permission denied|operation not permitted).*", re.I)
ANYONE = 1000


def non_root(facts: PodFacts) -> Diagnosis | None:
    for container in troubled(facts.pod):
        headline = _against_its_word(container)
        if headline:
            return Diagnosis(
                cause=Cause.SECURITY,
                headline=f"{container.label} must not run as root, {headline}",
                evidence=(
                    seen("pod", facts.pod, f"{container.field}.state.waiting", container.message),
                    seen("pod", facts.pod, "spec", "runAsNonRoot: true"),
                ),
                fix=fixes.patch_container(
                    facts, container, "run it as somebody else", {"securityContext": {"runAsUser": ANYONE}}
                ),
            )
    return None


def _against_its_word(container: Container) -> str:
    message = container.message
    if _AS_ROOT in message:
        return f"but its image {container.spec['image']} has no other user"
    if found := _NAMED.search(message):
        return f'but its image says user "{found[1]}", and nobody knows whether that is root'
    return "but runAsUser is 0" if _ZERO in message else ""


def refused(facts: PodFacts) -> Diagnosis | None:
    """What the program was refused, in its own last words."""
    for container in troubled(facts.pod):
        words = facts.logs.get(container.name, "")
        if found := _FORBIDDEN.search(words):
            return _forbidden(facts, container, found)
        if found := _READ_ONLY.search(words):
            return _read_only(facts, container, found[0].strip())
        if found := _DENIED.search(words):
            return _denied(facts, container, found[0].strip())
    return None


def _forbidden(facts: PodFacts, container: Container, found: re.Match[str]) -> Diagnosis:
    user, verb, resource = found.groups()
    _, _, namespace, account = user.split(":", 3)
    role = f"--role={account}"
    create = fixes.command("create role", namespace, account, f"--verb={verb}", f"--resource={resource}")
    bind = fixes.command(
        "create rolebinding", namespace, account, role, f"--serviceaccount={namespace}:{account}"
    )
    return Diagnosis(
        cause=Cause.SECURITY,
        headline=f'{container.label} may not {verb} {resource}: no role lets its ServiceAccount "{account}"',
        confidence=Confidence.LIKELY,
        evidence=(_log(facts, container, found[0]),),
        fix=Fix("let it", f"{create} && {bind}"),
    )


def _read_only(facts: PodFacts, container: Container, line: str) -> Diagnosis:
    return Diagnosis(
        cause=Cause.SECURITY,
        headline=f"{container.label} writes to a file system that is read-only",
        confidence=Confidence.LIKELY,
        evidence=(_log(facts, container, line),),
        fix=Fix("mount an emptyDir where it writes, or drop readOnlyRootFilesystem and readOnly"),
    )


def _denied(facts: PodFacts, container: Container, line: str) -> Diagnosis:
    return Diagnosis(
        cause=Cause.SECURITY,
        headline=f"{container.label} was denied what it tried: {line}",
        confidence=Confidence.LIKELY,
        evidence=(_log(facts, container, line),),
        fix=Fix("give it the user (runAsUser), group (fsGroup) or capability that it needs"),
    )


def _log(facts: PodFacts, container: Container, line: str) -> Evidence:
    return Evidence(f"pod/{facts.name}", f"log of {container.name}", line)
