"""The spec says to run something that can't be run: no such program, or one that may not be executed."""

from __future__ import annotations

import re

from kubectl.why.containers import Container, troubled
from kubectl.why.diagnosis import Cause, Diagnosis, Evidence, Fix, seen
from kubectl.why.facts import PodFacts
from kubectl.why.records import step_evidence

_MISSING = re.compile(
    r'exec: "?([^":]+)"?: (?:stat [^:]+: no such file or directory|executable file not found)'
)
_NOT_EXECUTABLE = re.compile(r'exec: "?([^":]+)"?: permission denied')
_FOLDER = re.compile(r'chdir to cwd \("([^"]+)"\)')
_SHELL = re.compile(r"(?:/bin/)?sh: (?:\d+: |line \d+: )?([^\s:]+): (not found|Permission denied)")
NOT_EXECUTABLE_CODE, NOT_FOUND_CODE = 126, 127


def command(facts: PodFacts) -> Diagnosis | None:
    for container in troubled(facts.pod):
        told = f"{container.message}\n{container.ended.get('message', '')}"
        if what := _engine_says(container, told) or _shell_says(facts, container):
            return _diagnosis(facts, container, what)
    return None


def _engine_says(container: Container, told: str) -> str:
    image = container.spec.get("image")
    if found := _MISSING.search(told):
        return f'runs "{found[1]}", which is not in image {image}'
    if found := _NOT_EXECUTABLE.search(told):
        return f'runs "{found[1]}", which is not executable in image {image}'
    if found := _FOLDER.search(told):
        return f'wants to work in "{found[1]}", which is no folder of image {image}'
    return ""


def _shell_says(facts: PodFacts, container: Container) -> str:
    """A shell that finds no program ends with 127, and says so in the log."""
    found = _SHELL.search(facts.logs.get(container.name, ""))
    if found is None or container.ended.get("exitCode") not in (NOT_EXECUTABLE_CODE, NOT_FOUND_CODE):
        return ""
    what = "is not in" if found[2] == "not found" else "is not executable in"
    return f'runs "{found[1]}" in a shell, which {what} image {container.spec.get("image")}'


def _diagnosis(facts: PodFacts, container: Container, what: str) -> Diagnosis:
    words = [*(container.spec.get("command") or ()), *(container.spec.get("args") or ())]
    ended = container.ended
    shown = [
        seen("pod", facts.pod, f"spec.containers[{container.name}].command", words or "the image's own"),
        *step_evidence(facts, "start", container.name),
    ]
    if ended:
        told = f"exit code {ended.get('exitCode')}: {ended.get('message') or ended.get('reason') or ''}"
        shown.append(seen("pod", facts.pod, container.ended_field, told))
    if words := facts.logs.get(container.name, "").splitlines()[-1:]:
        shown.append(Evidence(f"pod/{facts.name}", f"log of {container.name}", words[0]))
    fix = Fix(f"correct command and args of {container.label} in {facts.owner}")
    return Diagnosis(cause=Cause.SPEC, headline=f"{container.label} {what}", evidence=tuple(shown), fix=fix)
